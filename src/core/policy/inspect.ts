// `inspect`: everything in one file, with its position. Pure; damage is an item of the answer, never an exception.
import { type AppError, attempt, isAppError, reasonOf } from "../model/errors.ts";
import type { InspectResult, InspectedItem } from "../model/inspect.ts";
import type { Reason } from "../model/reasons.ts";
import { type Kubeconfig, parseKubeconfig } from "../kubeconfig/kubeconfig.ts";
import { type Certificate, parseCertificate } from "../pki/certificate.ts";
import {
  authorityKeyId,
  basicConstraints,
  extendedKeyUsages,
  extensionOids,
  keyUsage,
  subjectAltNames,
  subjectKeyId,
} from "../pki/extensions.ts";
import { publicKeyFingerprint, sha256Hex } from "../pki/fingerprints.ts";
import { formatKeySpec, keySpecOfSpki, readPrivateKey } from "../pki/keys.ts";
import { formatName, parseName } from "../pki/names.ts";
import { type PemBlock, encodePem, parsePem } from "../pki/pem.ts";
import { type ObjectValue, objectValues } from "./inspect-objects.ts";

type Found = Omit<InspectResult, "at" | "path">;
type CertificateItem = Extract<InspectedItem, { kind: "certificate" }>;
type KeyItem = Extract<InspectedItem, { kind: "private-key" }>;

/** Objects of Kubernetes, PEM, DER or kubeconfig, told by the content. */
export function inspect(bytes: Uint8Array): Found {
  const values = objectValues(bytes);
  if (values) return paired({ form: "objects", items: values.flatMap(valueItems), faults: [] });
  const pem = parsePem(bytes);
  if (pem.blocks.length > 0 || pem.faults.length > 0) return paired({ form: "pem", ...inspectPem(bytes) });
  if (bytes[0] === 0x30) return { form: "der", items: [inspectDer(bytes)], faults: [] };
  const kubeconfig = attempt(() => parseKubeconfig(bytes));
  if (isAppError(kubeconfig))
    return { form: "kubeconfig", items: [brokenItem("file", kubeconfig)], faults: [] };
  return paired({ form: "kubeconfig", items: kubeconfigItems(kubeconfig), faults: [] });
}

/** What a listener shows: DER, the leaf first. */
export function inspectHandshake(chain: readonly Uint8Array[]): Found {
  const items = chain.map((der, index) => certificateItem(der, `handshake ${index + 1}`));
  return { form: "handshake", items, faults: [] };
}

/** Values hold anything; what is neither PEM nor a kubeconfig is nobody's business here. */
function valueItems({ where, bytes }: ObjectValue): readonly InspectedItem[] {
  if (bytes === null)
    return [{ kind: "broken", where, code: "base64-malformed", reason: "it is not base64" satisfies Reason }];
  const { blocks, faults } = parsePem(bytes);
  if (blocks.length > 0 || faults.length > 0) {
    const first = blocks[0]?.line ?? 0;
    return [
      ...blocks.map((block) =>
        inspectBlock(block, block.line === first ? where : `${where} line ${block.line}`),
      ),
      ...faults.map(({ line, kind }): InspectedItem => ({
        kind: "broken",
        where: `${where} line ${line}`,
        code: "pem-malformed",
        reason: kind,
      })),
    ];
  }
  const kubeconfig = attempt(() => parseKubeconfig(bytes));
  if (isAppError(kubeconfig)) return [];
  return kubeconfigItems(kubeconfig).map((item) => ({ ...item, where: `${where} ${item.where}` }));
}

function inspectPem(bytes: Uint8Array): Pick<Found, "items" | "faults"> {
  const pem = parsePem(bytes);
  return {
    items: pem.blocks.map((block) => inspectBlock(block, `line ${block.line}`)),
    faults: pem.faults.map(({ line, kind }) => ({ line, fault: kind })),
  };
}

function inspectBlock(block: PemBlock, where: string): InspectedItem {
  if (
    block.label === "CERTIFICATE" ||
    block.label === "X509 CERTIFICATE" ||
    block.label === "TRUSTED CERTIFICATE"
  ) {
    return certificateItem(block.der, where);
  }
  if (block.label === "PUBLIC KEY") return publicKeyItem(block.der, where);
  if (block.label.endsWith("PRIVATE KEY")) return keyItem(pemOf(block), where);
  if (block.label.endsWith("CERTIFICATE REQUEST")) return { kind: "request", where };
  return { kind: "other", where, label: block.label };
}

/** The block by itself, headers included: an encrypted key is told by them. */
function pemOf(block: PemBlock): Uint8Array {
  const plain = encodePem(block.label, block.der);
  const headers = Object.entries(block.headers).map(([name, value]) => `${name}: ${value}\n`);
  if (headers.length === 0) return plain;
  const [begin, ...rest] = Buffer.from(plain).toString("latin1").split("\n");
  return Buffer.from(`${begin}\n${headers.join("")}\n${rest.join("\n")}`, "latin1");
}

function inspectDer(bytes: Uint8Array): InspectedItem {
  const certificate = attempt(() => parseCertificate(bytes));
  if (!isAppError(certificate)) return describe(certificate, "file");
  const key = keyItem(bytes, "file");
  return key.kind === "broken" ? brokenItem("file", certificate) : key;
}

function certificateItem(der: Uint8Array, where: string): InspectedItem {
  const certificate = attempt(() => parseCertificate(der));
  return isAppError(certificate) ? brokenItem(where, certificate) : describe(certificate, where);
}

function describe(certificate: Certificate, where: string): CertificateItem {
  const known: ReadonlySet<string> = new Set(Object.values(extensionOids));
  const skid = subjectKeyId(certificate);
  const akid = authorityKeyId(certificate)?.keyId;
  return {
    kind: "certificate",
    where,
    subject: formatName(parseName(certificate.subjectDer)),
    issuer: formatName(parseName(certificate.issuerDer)),
    serialHex: certificate.serialHex,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    isAuthority: basicConstraints(certificate)?.isCa === true,
    sans: subjectAltNames(certificate).map((san) => `${san.kind}:${san.value}`),
    usages: extendedKeyUsages(certificate)?.usages ?? [],
    keyUsages: keyUsage(certificate)?.bits ?? [],
    keyAlgorithm: keyAlgorithmOf(certificate.spkiDer),
    signatureAlgorithm: certificate.signatureAlgorithm,
    sha256: sha256Hex(certificate.der),
    spkiSha256: publicKeyFingerprint(certificate.spkiDer),
    subjectKeyId: skid ? Buffer.from(skid).toString("hex") : null,
    authorityKeyId: akid ? Buffer.from(akid).toString("hex") : null,
    anomalies: certificate.anomalies,
    otherExtensions: certificate.extensions
      .filter((extension) => !known.has(extension.oid))
      .map(({ oid, critical }) => ({ oid, critical })),
    keyAt: null,
  };
}

function keyAlgorithmOf(spkiDer: Uint8Array): string {
  const spec = attempt(() => keySpecOfSpki(spkiDer));
  return isAppError(spec) ? "unknown" : formatKeySpec(spec);
}

function keyItem(bytes: Uint8Array, where: string): InspectedItem {
  const key = attempt(() => readPrivateKey(bytes));
  if (isAppError(key, "key-encrypted")) return { kind: "encrypted-key", where, format: key.params.format };
  if (isAppError(key)) return brokenItem(where, key);
  const spkiSha256 = publicKeyFingerprint(key.spkiDer);
  return {
    kind: "private-key",
    where,
    format: key.format,
    keyAlgorithm: formatKeySpec(key.spec),
    spkiSha256,
    matches: [],
  };
}

function publicKeyItem(der: Uint8Array, where: string): InspectedItem {
  return {
    kind: "public-key",
    where,
    keyAlgorithm: keyAlgorithmOf(der),
    spkiSha256: publicKeyFingerprint(der),
  };
}

function kubeconfigItems(kubeconfig: Kubeconfig): readonly InspectedItem[] {
  const embedded = [
    ...kubeconfig.clusters.map(({ name, authority }) => ({ where: `clusters/${name}`, source: authority })),
    ...kubeconfig.users.flatMap(({ name, certificate, key }) =>
      [certificate, key].flatMap((source) => (source ? [{ where: `users/${name}`, source }] : [])),
    ),
  ];
  return embedded.flatMap(({ where, source }): readonly InspectedItem[] => {
    if (source.form === "none") return [];
    if (source.form === "file") return [{ kind: "other", where, label: `file ${source.path}` }];
    const { blocks } = parsePem(source.pem);
    if (blocks.length === 0)
      return [{ kind: "broken", where, code: "pem-malformed", reason: "no PEM block in the data" }];
    return blocks.map((block) => inspectBlock(block, where));
  });
}

/** Tells each certificate where its key is, and each key which certificates it fits. */
function paired(found: Found): Found {
  const keys = found.items.filter((item): item is KeyItem => item.kind === "private-key");
  const certificates = found.items.filter((item): item is CertificateItem => item.kind === "certificate");
  const items = found.items.map((item): InspectedItem => {
    if (item.kind === "certificate") {
      return { ...item, keyAt: keys.find((key) => key.spkiSha256 === item.spkiSha256)?.where ?? null };
    }
    if (item.kind !== "private-key") return item;
    const matches = certificates
      .filter((other) => other.spkiSha256 === item.spkiSha256)
      .map((other) => other.where);
    return { ...item, matches };
  });
  return { ...found, items };
}

function brokenItem(where: string, error: AppError): InspectedItem {
  return { kind: "broken", where, code: error.code, reason: reasonOf(error) };
}
