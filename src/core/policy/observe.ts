// Bytes read -> facts. Pure: what could not be read or parsed becomes a state, never an exception.
import type { Reason } from "../model/reasons.ts";
import { type Address, formatAddress } from "../model/address.ts";
import { AppError, assertNever, attempt, isAppError, reasonOf } from "../model/errors.ts";
import type { AuthoritySlot, CertificateSlot, Inventory, KeyPairSlot } from "../model/inventory.ts";
import { type Kubeconfig, type KubeconfigSource, parseKubeconfig } from "../kubeconfig/kubeconfig.ts";
import { type Certificate, parseCertificate } from "../pki/certificate.ts";
import { readPublicHalf } from "../pki/public-half.ts";
import { isSamePublicKey, keySpecOfSpki } from "../pki/keys.ts";
import { type PemFile, parsePem } from "../pki/pem.ts";
import { collectedKeyOf } from "./collected-key.ts";
import type {
  AuthorityFacts,
  CertificateFacts,
  Facts,
  KeyFacts,
  KeyPairFacts,
  ObjectFacts,
  ObjectReading,
  Readings,
  SlotFacts,
  Stored,
} from "./facts.ts";

/** All facts of an inventory from the objects that were read; `at` is the instant they will be judged for. */
export function observe(inventory: Inventory, readings: Readings, at: number): Facts {
  const slots = inventory.nodes.flatMap((node) =>
    node.certificates.map((slot) => observeSlot(slot, readings)),
  );
  const authorities = inventory.nodes.flatMap((node) =>
    node.authorities.map((slot) => observeAuthority(slot, readings)),
  );
  const keyPairs = inventory.nodes.flatMap((node) =>
    node.keyPairs.map((slot) => observeKeyPair(slot, readings)),
  );
  return {
    at,
    inventory,
    slots: new Map(slots.map((facts) => [facts.slot.id, facts])),
    authorities: new Map(authorities.map((facts) => [facts.slot.id, facts])),
    keyPairs,
  };
}

/** The objects (whole files, Secrets) whose bytes a slot is made of. */
export function objectsOfSlot(slot: CertificateSlot): readonly Address[] {
  if (slot.holder.form === "kubeconfig") return [slot.holder.file];
  const { certificate, key } = slot.holder;
  return key === null || formatAddress(key) === formatAddress(certificate)
    ? [certificate]
    : [certificate, key];
}

function observeSlot(slot: CertificateSlot, readings: Readings): SlotFacts {
  const objects = objectFacts(objectsOfSlot(slot), readings);
  if (slot.holder.form === "kubeconfig")
    return { slot, objects, ...observeKubeconfig(slot.holder, readings) };
  const { certificate: certificateAt, key: keyAt } = slot.holder;
  const key = keyAt === null ? missing(certificateAt) : readKeyAt(keyAt, readings);
  const certificate = withReading<CertificateFacts>(certificateAt, readings, (bytes) =>
    readCertificates(certificateAt, bytes, key),
  );
  return { slot, certificate, key, trusted: null, objects };
}

function observeKubeconfig(
  holder: { readonly file: Address; readonly user: string; readonly cluster: string | null },
  readings: Readings,
): Pick<SlotFacts, "certificate" | "key" | "trusted"> {
  const file = withReading<Kubeconfig>(holder.file, readings, (bytes) => readKubeconfig(holder.file, bytes));
  const read = keyReaderFor(readings.get(formatAddress(holder.file)));
  if (file.state !== "present") return { certificate: file, key: file, trusted: null };
  const user = file.value.users.find((candidate) => candidate.name === holder.user);
  const key = embedded(user?.key, (pem) => read(holder.file, pem)) ?? missing(holder.file);
  const certificate =
    embedded(user?.certificate, (pem) => readCertificates(holder.file, pem, key)) ?? missing(holder.file);
  const cluster = file.value.clusters.find((candidate) => candidate.name === holder.cluster);
  const trusted = cluster?.authority.form === "embedded" ? certificatesIn(cluster.authority.pem) : null;
  return { certificate, key, trusted };
}

function observeAuthority(slot: AuthoritySlot, readings: Readings): AuthorityFacts {
  const key = readKeyAt(slot.key, readings);
  const certificate = withReading<CertificateFacts>(slot.certificate, readings, (bytes) =>
    readCertificates(slot.certificate, bytes, key),
  );
  const signing = certificate.state === "present" ? certificate.value.leaf : null;
  return { slot, certificate, key, signing, objects: objectFacts([slot.certificate, slot.key], readings) };
}

function observeKeyPair(slot: KeyPairSlot, readings: Readings): KeyPairFacts {
  return {
    slot,
    privateKey: readKeyAt(slot.privateKey, readings),
    publicKeys: withReading<readonly Uint8Array[]>(slot.publicKey, readings, (bytes) =>
      readPublicKeys(slot.publicKey, bytes),
    ),
    objects: objectFacts([slot.publicKey, slot.privateKey], readings),
  };
}

/** As client-go's keyutil.ParsePublicKeysPEM: public keys, private keys and certificates all count. */
function readPublicKeys(address: Address, bytes: Uint8Array): Stored<readonly Uint8Array[]> {
  const { blocks, faults } = parsePem(bytes);
  const found = blocks.filter(({ label }) => label === "PUBLIC KEY").map(({ der }) => der);
  const certificates = certificatesIn(bytes).map(({ spkiDer }) => spkiDer);
  const isPrivate = blocks.some(({ label }) => label.endsWith("PRIVATE KEY"));
  const key = isPrivate ? readKey(address, bytes) : null;
  const all = [...found, ...certificates, ...(key?.state === "present" ? [key.value.spkiDer] : [])];
  if (all.length > 0) return { state: "present", value: all };
  const isTruncated = bytes.length === 0 || faults.some(({ kind }) => kind === "truncated");
  return isTruncated
    ? broken(address, "truncated", `${bytes.length} bytes`)
    : broken(address, "key", "no public key in the file");
}

/** Every certificate among PEM blocks, skipping what does not parse: for trust bundles, where each stands alone. */
export function certificatesIn(pem: Uint8Array): readonly Certificate[] {
  return parsePem(pem)
    .blocks.filter((block) => block.label === "CERTIFICATE")
    .flatMap((block) => {
      const parsed = attempt(() => parseCertificate(block.der));
      return parsed instanceof AppError ? [] : [parsed];
    });
}

function readCertificates(
  address: Address,
  bytes: Uint8Array,
  key: Stored<KeyFacts>,
): Stored<CertificateFacts> {
  const pem = parsePem(bytes);
  const blocks = pem.blocks.filter((block) => block.label === "CERTIFICATE");
  const truncated = pem.faults.find((fault) => fault.kind === "truncated");
  if (blocks.length === 0) {
    if (bytes.length === 0 || truncated) return broken(address, "truncated", `${bytes.length} bytes`);
    return broken(
      address,
      "certificate",
      pem.faults[0] ? pem.faults[0].kind : "no PEM certificate in the file",
    );
  }
  if (isHiddenByBom(pem)) return broken(address, "certificate", hiddenByBom);
  const parsed = blocks.map((block) => attempt(() => parseCertificate(block.der)));
  const failed = parsed.findIndex((result) => result instanceof AppError);
  if (failed >= 0) {
    const error = parsed[failed];
    const reason = error instanceof AppError ? reasonOf(error) : "";
    return broken(address, "certificate", `certificate at line ${blocks[failed]?.line ?? 0}: ${reason}`);
  }
  const certificates = parsed.filter((result): result is Certificate => !(result instanceof AppError));
  return { state: "present", value: chooseLeaf(certificates, key, truncated?.line ?? null) };
}

const hiddenByBom = "a byte order mark in front of it hides it from Kubernetes: remove the first three bytes";

/** encoding/pem wants BEGIN at the start of a line; behind a byte order mark it does not see the block. */
function isHiddenByBom({ hasBom, blocks }: PemFile): boolean {
  return hasBom && blocks[0]?.start === 3;
}

function chooseLeaf(
  certificates: readonly Certificate[],
  key: Stored<KeyFacts>,
  truncatedAtLine: number | null,
): CertificateFacts {
  const fits = (certificate: Certificate): boolean =>
    key.state === "present" && isSamePublicKey(certificate.spkiDer, key.value.spkiDer);
  const fitting = certificates.length > 1 ? certificates.findIndex(fits) : 0;
  const leafIndex = Math.max(0, fitting);
  const leaf = certificates[leafIndex];
  if (!leaf) throw new TypeError("a certificate file without certificates reached chooseLeaf");
  return { certificates, leaf, leafIndex, truncatedAtLine };
}

function readKeyAt(address: Address, readings: Readings): Stored<KeyFacts> {
  const read = keyReaderFor(readings.get(formatAddress(address)));
  return withReading(address, readings, (bytes) => read(address, bytes));
}

/** On a node itself a public half in the place of a key is a fault; in collected facts it is the key. */
function keyReaderFor(reading: ObjectReading | undefined): typeof readKey {
  return reading?.state === "present" && reading.isKeyFree === true ? readCollectedKey : readKey;
}

function readCollectedKey(address: Address, bytes: Uint8Array): Stored<KeyFacts> {
  const key = collectedKeyOf(bytes);
  if (key === null) return readKey(address, bytes);
  switch (key.state) {
    case "public-half": {
      const spec = attempt(() => keySpecOfSpki(key.spkiDer));
      if (isAppError(spec)) return broken(address, "key", reasonOf(spec));
      return { state: "present", value: { spkiDer: key.spkiDer, spec, address } };
    }
    case "encrypted":
      return { state: "broken", address, fault: "encrypted", reason: key.format };
    case "truncated":
      return broken(address, "truncated", "truncated");
    case "broken":
      return broken(address, "key", "openssl could not read it");
    case "unread":
      return { state: "unreadable", address, reason: "there was no openssl to read it with" };
    default:
      return assertNever(key);
  }
}

function readKey(address: Address, bytes: Uint8Array): Stored<KeyFacts> {
  const pem = parsePem(bytes);
  const result = attempt(() => readPublicHalf(bytes, pem));
  if (result instanceof AppError) {
    if (isAppError(result, "key-encrypted"))
      return { state: "broken", address, fault: "encrypted", reason: result.params.format };
    const { blocks, faults } = pem;
    const isTruncated = bytes.length === 0 || faults.some((fault) => fault.kind === "truncated");
    const labels = blocks.map(({ label }) => label);
    if (!isTruncated && labels.length > 0 && !labels.some((label) => label.endsWith("PRIVATE KEY")))
      return broken(address, "not-a-key", `no private key but ${labels[0]}`);
    return broken(
      address,
      isTruncated ? "truncated" : "key",
      isTruncated ? `${bytes.length} bytes` : reasonOf(result),
    );
  }
  // What we can read and Kubernetes cannot: tls.LoadX509KeyPair and client-go take PEM only.
  if (isHiddenByBom(pem)) return broken(address, "key", hiddenByBom);
  if (pem.blocks.length === 0) return broken(address, "key", "DER, where PEM is needed");
  const { spkiDer, spec } = result;
  return { state: "present", value: { spkiDer, spec, address } };
}

function readKubeconfig(address: Address, bytes: Uint8Array): Stored<Kubeconfig> {
  if (bytes.length === 0) return broken(address, "truncated", "0 bytes");
  const result = attempt(() => parseKubeconfig(bytes));
  return result instanceof AppError
    ? broken(address, "kubeconfig", reasonOf(result))
    : { state: "present", value: result };
}

function withReading<T>(
  address: Address,
  readings: Readings,
  read: (bytes: Uint8Array) => Stored<T>,
): Stored<T> {
  const reading = readings.get(formatAddress(address));
  if (!reading) throw new TypeError(`not read: ${formatAddress(address)}`);
  if (reading.state === "absent") return { state: "missing", address, danglingLink: reading.danglingLink };
  if (reading.state === "unreadable") return { state: "unreadable", address, reason: reading.reason };
  return read(reading.bytes);
}

function embedded<T>(
  source: KubeconfigSource | undefined,
  read: (pem: Uint8Array) => Stored<T>,
): Stored<T> | null {
  return source?.form === "embedded" ? read(source.pem) : null;
}

function objectFacts(addresses: readonly Address[], readings: Readings): readonly ObjectFacts[] {
  return addresses
    .map((address): ObjectReading | undefined => readings.get(formatAddress(address)))
    .flatMap((reading) => (reading?.state === "present" ? [reading.facts] : []));
}

function missing(address: Address): Stored<never> {
  return { state: "missing", address, danglingLink: null };
}

function broken(
  address: Address,
  fault: "truncated" | "certificate" | "key" | "not-a-key" | "kubeconfig" | "encrypted",
  reason: Reason,
): Stored<never> {
  return { state: "broken", address, fault, reason };
}
