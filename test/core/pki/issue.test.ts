// Renewal changes what it must and nothing else: compared byte for byte, judged by openssl.
import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey, generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCertificate, type Certificate } from "../../../src/core/pki/certificate.ts";
import { encodeSequence, encodeTlv } from "../../../src/core/pki/der.ts";
import { decodeBitString, encodeOctetString, encodeOid } from "../../../src/core/pki/der-values.ts";
import { readChildren, readTlv } from "../../../src/core/pki/der.ts";
import {
  authorityKeyId,
  encodeBasicConstraints,
  encodeExtendedKeyUsages,
  encodeKeyUsage,
  encodeSubjectAltNames,
  subjectAltNames,
  subjectKeyId,
} from "../../../src/core/pki/extensions.ts";
import {
  issueCertificate,
  renewAuthority,
  renewCertificate,
  type RenewRequest,
} from "../../../src/core/pki/issue.ts";
import { asPrivateKey } from "../../../src/core/pki/keys.ts";
import { encodeName } from "../../../src/core/pki/names.ts";
import { isSignedBy, keyMatches, verifyChain } from "../../../src/core/pki/verify.ts";
import { unpackFixtures } from "../../support/fixtures.ts";
import {
  keyKinds,
  makeAuthority,
  makeLeaf,
  openssl,
  opensslVerify,
  readCertificate,
  writeCertificate,
} from "./openssl.ts";
import type { Issued } from "./openssl.ts";

const dayMs = 86_400_000;
const cfssl = (process.env["PATH"] ?? "")
  .split(":")
  .map((path) => join(path, "cfssl"))
  .find((path) => existsSync(path));
const serial = Uint8Array.of(0xfe, 1, 2, 3, 4, 5, 6, 7);
const dir = mkdtempSync(join(tmpdir(), "perennial-issue-"));
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

const newKey = asPrivateKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);

function renew(old: Certificate, ca: Issued, more: Partial<RenewRequest> = {}): Certificate {
  const { notBefore } = ca.certificate;
  const der = renewCertificate({
    old,
    issuer: ca.certificate,
    issuerKey: ca.key,
    publicKeySpki: newKey.spkiDer,
    serial,
    notBefore,
    notAfter: notBefore + 365 * dayMs,
    ...more,
  });
  return parseCertificate(der);
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

/** Extensions as hex by OID, in order. */
function extensionsOf(certificate: Certificate, wanted?: string): [string, string][] {
  const found = certificate.extensions.filter(({ oid }) => wanted === undefined || oid === wanted);
  return found.map(({ oid, der }) => [oid, hex(der)]);
}

/** SHA-1 of the key's bits, taken from the last bytes of the SPKI by other means than the code under test. */
function keyIdOf(spkiDer: Uint8Array): string {
  const [, key] = readChildren(spkiDer, readTlv(spkiDer, 0));
  return createHash("sha1").update(decodeBitString(spkiDer, key!).bytes).digest("hex");
}

/** All but the SKI, which a new key changes. */
function untouched(certificate: Certificate): [string, string][] {
  return extensionsOf(certificate).filter(([oid]) => oid !== "2.5.29.14");
}

describe.each(Object.keys(keyKinds))("a leaf renewed under a %s authority", (kind) => {
  let ca: Issued;
  let old: Issued;
  beforeAll(() => {
    ca = makeAuthority(dir, `ca-${kind}`, { kind });
    old = makeLeaf(dir, `leaf-${kind}`, ca);
  });

  it("keeps subject and extensions byte for byte, and openssl accepts it", () => {
    const renewed = renew(old.certificate, ca);
    expect(hex(renewed.subjectDer)).toBe(hex(old.certificate.subjectDer));
    expect(hex(renewed.issuerDer)).toBe(hex(ca.certificate.subjectDer));
    expect(hex(renewed.spkiDer)).toBe(hex(newKey.spkiDer));
    expect(renewed.serialHex).toBe("fe01020304050607");
    expect(renewed.extensions.map(({ oid }) => oid)).toEqual(
      old.certificate.extensions.map(({ oid }) => oid),
    );
    expect(untouched(renewed)).toEqual(untouched(old.certificate));
    expect(hex(subjectKeyId(renewed))).toBe(keyIdOf(newKey.spkiDer));
    const path = writeCertificate(join(dir, `renewed-${kind}.crt`), renewed.der);
    expect(opensslVerify(ca.path, path, renewed.notBefore + dayMs)).toBe(`${path}: OK`);
  });

  it("keeps every extension with the key kept", () => {
    const renewed = renew(old.certificate, ca, { publicKeySpki: old.certificate.spkiDer });
    expect(extensionsOf(renewed)).toEqual(extensionsOf(old.certificate));
    expect(keyMatches(renewed, old.key)).toBe(true);
  });

  it("is accepted by the authority renewed with the same key, and the old leaf too", () => {
    const { notBefore } = ca.certificate;
    const validity = { notBefore, notAfter: notBefore + 20 * 365 * dayMs };
    const caDer = renewAuthority({ old: ca.certificate, key: ca.key, ...validity });
    const caPath = writeCertificate(join(dir, `ca-again-${kind}.crt`), caDer);
    expect(parseCertificate(caDer).serialHex).toBe(ca.certificate.serialHex);
    expect(extensionsOf(parseCertificate(caDer))).toEqual(extensionsOf(ca.certificate));
    expect(opensslVerify(caPath, old.path, old.certificate.notBefore + 1000)).toBe(`${old.path}: OK`);
  });
});

describe("renewing", () => {
  let ca: Issued;
  let other: Issued;
  let old: Issued;
  beforeAll(() => {
    ca = makeAuthority(dir, "ca", { kind: "RSA-2048" });
    other = makeAuthority(dir, "other", { kind: "ECDSA-P384" });
    old = makeLeaf(dir, "leaf", ca, { kind: "RSA-2048", digest: "-sha384" });
  });

  it("stays with SHA-384 under RSA and takes the curve's hash under ECDSA", () => {
    expect(renew(old.certificate, ca).signatureAlgorithm).toBe("1.2.840.113549.1.1.12");
    expect(renew(old.certificate, other).signatureAlgorithm).toBe("1.2.840.10045.4.3.3");
  });

  it("gives the AKI the values of another authority in the forms it had", () => {
    const renewed = renew(old.certificate, other);
    const aki = authorityKeyId(renewed)!;
    expect(hex(aki.keyId)).toBe(keyIdOf(other.certificate.spkiDer));
    expect(hex(aki.serial)).toBe(hex(other.certificate.serial));
    expect(hex(aki.issuerDer)).toBe(hex(encodeTlv(0xa4, other.certificate.issuerDer)));
    const path = writeCertificate(join(dir, "under-other.crt"), renewed.der);
    expect(opensslVerify(other.path, path, renewed.notBefore + dayMs)).toBe(`${path}: OK`);
  });

  it("keeps an AKI of the key id alone that way", () => {
    const keyIdOnly = makeLeaf(dir, "keyid", ca, { aki: "keyid:always" });
    expect(Object.keys(authorityKeyId(renew(keyIdOnly.certificate, other))!)).toEqual(["keyId"]);
  });

  it("computes the AKI of an authority without SKI", () => {
    const plain = makeAuthority(dir, "no-ski", {
      extensions: "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=none\n",
    });
    expect(subjectKeyId(plain.certificate)).toBeUndefined();
    expect(hex(authorityKeyId(renew(old.certificate, plain))?.keyId)).toBe(
      keyIdOf(plain.certificate.spkiDer),
    );
  });

  it("appends the names that are missing and leaves the others as they stand", () => {
    const added = [
      { kind: "ip", value: "fd00:0:0::100" },
      { kind: "dns", value: "lb.example.internal" },
      { kind: "dns", value: "lb.example.internal" },
      { kind: "ip", value: "192.0.2.7" },
    ] as const;
    const names = subjectAltNames(renew(old.certificate, ca, { addSans: added }));
    const before = subjectAltNames(old.certificate);
    expect(names.slice(0, before.length).map(({ der }) => hex(der))).toEqual(
      before.map(({ der }) => hex(der)),
    );
    expect(names.slice(before.length).map(({ value }) => value)).toEqual([
      "lb.example.internal",
      "192.0.2.7",
    ]);
  });

  it("leaves the SAN extension alone when nothing is missing", () => {
    const renewed = renew(old.certificate, ca, { addSans: [{ kind: "dns", value: "*.example.internal" }] });
    expect(extensionsOf(renewed, "2.5.29.17")).toEqual(extensionsOf(old.certificate, "2.5.29.17"));
  });

  it("keeps a version 1 certificate without extensions", () => {
    const plain = makeLeaf(dir, "version1", ca, { isVersion1: true });
    expect(plain.certificate.version).toBe(1);
    const renewed = renew(plain.certificate, ca);
    expect([renewed.version, renewed.extensions]).toEqual([1, []]);
    expect(hex(renewed.subjectDer)).toBe(hex(plain.certificate.subjectDer));
    const path = writeCertificate(join(dir, "version1-renewed.crt"), renewed.der);
    expect(opensslVerify(ca.path, path, renewed.notBefore + dayMs)).toBe(`${path}: OK`);
  });

  it("keeps `critical FALSE`, which DER would leave out, and an empty subject", () => {
    const oddEku = encodeSequence(
      encodeOid("2.5.29.37"),
      encodeTlv(0x01, Uint8Array.of(0)),
      encodeOctetString(encodeSequence(encodeOid("1.3.6.1.5.5.7.3.2"))),
    );
    const odd = parseCertificate(
      issueCertificate({
        serial,
        issuerDer: ca.certificate.subjectDer,
        subjectDer: encodeName([]),
        notBefore: 0,
        notAfter: dayMs,
        spkiDer: newKey.spkiDer,
        extensionsDer: [oddEku],
        issuerKey: ca.key,
      }),
    );
    expect(odd.anomalies).toEqual(["non-der-critical-false"]);
    const renewed = renew(odd, ca, { addSans: [{ kind: "dns", value: "a" }] });
    expect(hex(renewed.extensions[0]?.der)).toBe(hex(oddEku));
    expect(renewed.extensions[1]).toMatchObject({ oid: "2.5.29.17", critical: true });
  });

  it("writes UTCTime up to 2049 and GeneralizedTime from 2050 on", () => {
    const edge = Date.UTC(2050, 0, 1);
    const renewed = renew(old.certificate, ca, { notBefore: edge - 1000, notAfter: edge });
    expect([renewed.notBefore, renewed.notAfter]).toEqual([edge - 1000, edge]);
    const text = openssl([
      "x509",
      "-in",
      writeCertificate(join(dir, "edge.crt"), renewed.der),
      "-noout",
      "-dates",
    ]);
    expect(text).toContain("notBefore=Dec 31 23:59:59 2049 GMT");
    expect(text).toContain("notAfter=Jan  1 00:00:00 2050 GMT");
    expect(renewed.anomalies).toEqual([]);
    const last = Date.UTC(9999, 11, 31, 23, 59, 59);
    expect(renew(old.certificate, ca, { notAfter: last }).notAfter).toBe(last);
  });

  it.each<[string, () => Partial<RenewRequest>]>([
    ["the issuer's key does not match its certificate", () => ({ issuerKey: other.key })],
    ["the issuer is not a CA", () => ({ issuer: old.certificate, issuerKey: old.key })],
    ["notAfter is not after notBefore", () => ({ notAfter: ca.certificate.notBefore })],
    ["the serial is zero", () => ({ serial: new Uint8Array(8) })],
    ["the serial has more than 20 bytes", () => ({ serial: new Uint8Array(20).fill(0x80) })],
  ])("is refused: %s", (reason, change) => {
    expect(() => renew(old.certificate, ca, change())).toThrowError(
      expect.objectContaining({ code: "issue-refused", params: { reason } }),
    );
  });

  it("is refused under an authority whose key usage lacks keyCertSign", () => {
    const mute = makeAuthority(dir, "mute", {
      extensions: "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\n",
    });
    expect(() => renew(old.certificate, mute)).toThrowError(
      expect.objectContaining({
        code: "issue-refused",
        params: { reason: "the issuer may not sign certificates" },
      }),
    );
  });

  it("gives an authority a new key, SKI and AKI in a rollover, and the old one's names", () => {
    const rolled = parseCertificate(
      renewAuthority({ old: ca.certificate, key: newKey, serial, notBefore: 0, notAfter: 1000 * dayMs }),
    );
    expect(hex(rolled.subjectDer)).toBe(hex(ca.certificate.subjectDer));
    expect(hex(subjectKeyId(rolled))).toBe(keyIdOf(newKey.spkiDer));
    expect(isSignedBy(rolled, rolled)).toBe(true);
    expect(isSignedBy(rolled, ca.certificate)).toBe(false);
  });

  it.skipIf(cfssl === undefined)("satisfies cfssl certinfo (skipped where cfssl is not installed)", () => {
    const path = writeCertificate(join(dir, "cfssl.crt"), renew(old.certificate, ca).der);
    const info: unknown = JSON.parse(
      execFileSync(cfssl ?? "", ["certinfo", "-cert", path], { encoding: "utf8" }),
    );
    const sans = ["kubernetes.default.svc", "*.example.internal", "10.96.0.1", "fd00::100"];
    expect(info).toMatchObject({ sans });
  });
});

describe("the control planes made by kubeadm", () => {
  const pki = join(unpackFixtures(), "kubeadm-ha-expired/m1/etc/kubernetes/pki");
  const at = Date.UTC(2026, 10, 22);
  const authority = (name: string): Issued => {
    const [path, keyPath] = [join(pki, `${name}.crt`), join(pki, `${name}.key`)];
    return { path, keyPath, certificate: readCertificate(path), key: asPrivateKey(readKey(keyPath)) };
  };

  it.each([
    ["ca", "apiserver"],
    ["ca", "apiserver-kubelet-client"],
    ["etcd/ca", "etcd/server"],
    ["etcd/ca", "etcd/peer"],
    ["front-proxy-ca", "front-proxy-client"],
  ])("%s renews %s so that openssl accepts it, with all its extensions", (caName, name) => {
    const ca = authority(caName);
    const old = readCertificate(join(pki, `${name}.crt`));
    const renewed = renew(old, ca, { notBefore: at, notAfter: at + 365 * dayMs });
    const path = writeCertificate(join(dir, `kubeadm-${name.replace("/", "-")}.crt`), renewed.der);
    expect(opensslVerify(ca.path, path, at + dayMs)).toBe(`${path}: OK`);
    expect(untouched(renewed)).toEqual(untouched(old));
    expect(hex(authorityKeyId(renewed)?.keyId)).toBe(hex(authorityKeyId(old)?.keyId));
  });

  it("keep serial 0 of an authority renewed with its key, as their leafs may name it", () => {
    const ca = authority("ca");
    expect(ca.certificate.anomalies).toEqual(["serial-zero"]);
    const renewed = parseCertificate(
      renewAuthority({ old: ca.certificate, key: ca.key, notBefore: at, notAfter: at + 3650 * dayMs }),
    );
    expect(renewed.serialHex).toBe("00");
    const leaf = readCertificate(join(pki, "apiserver.crt"));
    expect(verifyChain({ leaf, anchors: [renewed], atMs: at, ignoreTime: true }).ok).toBe(true);
  });
});

describe("issueCertificate", () => {
  it("makes a throw-away authority and a leaf that openssl accepts", () => {
    const key = asPrivateKey(generateKeyPairSync("ed25519").privateKey);
    const subjectDer = encodeName([{ type: "CN", value: "throw-away" }]);
    const notBefore = Date.UTC(2026, 0, 1);
    const common = { serial, issuerDer: subjectDer, notBefore, issuerKey: key };
    const caDer = issueCertificate({
      ...common,
      subjectDer,
      notAfter: notBefore + 3650 * dayMs,
      spkiDer: key.spkiDer,
      extensionsDer: [encodeKeyUsage(["keyCertSign"]), encodeBasicConstraints({ isCa: true, pathLength: 0 })],
    });
    const leafDer = issueCertificate({
      ...common,
      subjectDer: encodeName([
        { type: "O", value: "system:masters" },
        { type: "CN", value: "运维" },
      ]),
      notAfter: notBefore + 365 * dayMs,
      spkiDer: newKey.spkiDer,
      extensionsDer: [
        encodeKeyUsage(["digitalSignature", "keyEncipherment"]),
        encodeExtendedKeyUsages(["clientAuth"]),
        encodeSubjectAltNames([{ kind: "ip", value: "::1" }]),
      ],
    });
    const caPath = writeCertificate(join(dir, "throw-away.crt"), caDer);
    const path = writeCertificate(join(dir, "throw-away-leaf.crt"), leafDer);
    expect(opensslVerify(caPath, path, notBefore + dayMs, ["-purpose", "sslclient"])).toBe(`${path}: OK`);
    const text = openssl(["x509", "-in", path, "-noout", "-subject", "-nameopt", "utf8,sep_comma_plus"]);
    expect(text.trim()).toBe("subject=O=system:masters,CN=运维");
  });

  it("refuses extensions in version 1", () => {
    const subjectDer = encodeName([{ type: "CN", value: "x" }]);
    const extensionsDer = [encodeKeyUsage(["cRLSign"])];
    const common = {
      version: 1,
      serial,
      issuerDer: subjectDer,
      subjectDer,
      notBefore: 0,
      notAfter: dayMs,
    } as const;
    expect(() =>
      issueCertificate({ ...common, spkiDer: newKey.spkiDer, issuerKey: newKey, extensionsDer }),
    ).toThrowError(expect.objectContaining({ code: "issue-refused" }));
  });
});

function readKey(path: string) {
  return createPrivateKey(readFileSync(path));
}
