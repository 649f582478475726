// The openssl command as an oracle: makes authorities and leafs no library of ours had a hand in, and judges ours.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseCertificate, type Certificate } from "../../../src/core/pki/certificate.ts";
import { readPrivateKey, type PrivateKey } from "../../../src/core/pki/keys.ts";
import { encodePem, parsePem } from "../../../src/core/pki/pem.ts";

/** Fails with what openssl printed, or with ENOENT when it is not installed: these tests need it. */
export function openssl(args: readonly string[]): string {
  return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

export interface Issued {
  readonly path: string;
  readonly keyPath: string;
  readonly certificate: Certificate;
  readonly key: PrivateKey;
}

export function readCertificate(path: string): Certificate {
  return parseCertificate(parsePem(readFileSync(path)).blocks[0]!.der);
}

export function writeCertificate(path: string, der: Uint8Array): string {
  writeFileSync(path, encodePem("CERTIFICATE", der));
  return path;
}

function issued(path: string, keyPath: string): Issued {
  return { path, keyPath, certificate: readCertificate(path), key: readPrivateKey(readFileSync(keyPath)) };
}

/** Arguments of `openssl genpkey` by name. */
export const keyKinds: Readonly<Record<string, readonly string[]>> = {
  "RSA-2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
  "RSA-4096": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
  "ECDSA-P256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
  "ECDSA-P384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
  "ECDSA-P521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
  Ed25519: ["-algorithm", "ed25519"],
};

function makeKey(path: string, kind: string): void {
  openssl(["genpkey", ...keyKinds[kind]!, "-out", path]);
}

export interface AuthorityOptions {
  readonly kind?: string;
  readonly subject?: string;
  readonly extensions?: string;
}

export function makeAuthority(dir: string, name: string, options: AuthorityOptions = {}): Issued {
  const { kind = "ECDSA-P256", subject = `/CN=${name}`, extensions } = options;
  const [path, keyPath, config] = [
    join(dir, `${name}.crt`),
    join(dir, `${name}.key`),
    join(dir, `${name}.cnf`),
  ];
  makeKey(keyPath, kind);
  const standard =
    "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
  writeFileSync(config, `[req]\ndistinguished_name=dn\n[dn]\n[ext]\n${extensions ?? standard}`);
  const how = ["-config", config, "-extensions", "ext", "-days", "3650"];
  openssl(["req", "-x509", "-new", "-key", keyPath, "-subj", subject, ...how, "-out", path]);
  return issued(path, keyPath);
}

/** Every kind of name, a critical KU, a plain EKU, SKI, AKI in all forms, unknown extensions, one of them critical. */
const leafConfig = `[req]
prompt=no
utf8=yes
string_mask=MASK:0x2002
distinguished_name=dn
[dn]
C=CN
O=Example Org
OU=集群运维
CN=主节点 one
[ext]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth
subjectKeyIdentifier=hash
AKI
subjectAltName=DNS:kubernetes.default.svc,DNS:*.example.internal,IP:10.96.0.1,IP:fd00::100,URI:spiffe://cluster.local/ns/a/sa/b,email:ops@example.internal
1.3.6.1.4.1.55555.1=ASN1:UTF8String:kept as it is
1.3.6.1.4.1.55555.2=critical,DER:04:03:01:02:03
`;

export interface LeafOptions {
  readonly kind?: string;
  readonly digest?: string;
  /** What the AKI holds: openssl's words. */
  readonly aki?: string;
  /** Without extensions: version 1. */
  readonly isVersion1?: boolean;
}

export function makeLeaf(dir: string, name: string, ca: Issued, options: LeafOptions = {}): Issued {
  const {
    kind = "ECDSA-P256",
    digest = "-sha256",
    aki = "keyid,issuer:always",
    isVersion1 = false,
  } = options;
  const base = join(dir, name);
  makeKey(`${base}.key`, kind);
  writeFileSync(`${base}.cnf`, leafConfig.replace("AKI", `authorityKeyIdentifier=${aki}`));
  openssl(["req", "-new", "-key", `${base}.key`, "-config", `${base}.cnf`, "-out", `${base}.csr`]);
  const extensions = isVersion1 ? [] : ["-extfile", `${base}.cnf`, "-extensions", "ext"];
  const issuer = ["-CA", ca.path, "-CAkey", ca.keyPath, "-set_serial", "0x0badcafe", "-days", "30", digest];
  openssl(["x509", "-req", "-in", `${base}.csr`, ...issuer, ...extensions, "-out", `${base}.crt`]);
  return issued(`${base}.crt`, `${base}.key`);
}

/** `openssl verify` at an instant; returns its "OK" line or throws with its reason. */
export function opensslVerify(
  caPath: string,
  leafPath: string,
  atMs: number,
  more: readonly string[] = [],
): string {
  const at = String(Math.floor(atMs / 1000));
  return openssl(["verify", "-attime", at, "-ignore_critical", "-CAfile", caPath, ...more, leafPath]).trim();
}
