// Makes an object's new bytes from its old ones: exactly the certificates and keys of the plan change, every other byte stays.
import type { SlotId } from "../model/inventory.ts";
import { AppError, assertNever, attempt, isAppError } from "../model/errors.ts";
import type { Content } from "../model/plan.ts";
import { concatBytes } from "../pki/der.ts";
import { isSamePublicKey, readPrivateKey } from "../pki/keys.ts";
import { encodePem, parsePem, replacePemBlocks, type PemBlock } from "../pki/pem.ts";
import { parseKubeconfig, type KubeconfigUser } from "../kubeconfig/kubeconfig.ts";
import { newKubeconfig } from "./recreate/new-kubeconfig.ts";
import { spliceKubeconfig, type UserEdit } from "../kubeconfig/splice.ts";

/** What was issued for a slot. Holds a private key: memory only, zeroed by its owner. */
export interface IssuedMaterial {
  readonly certificateDer: Uint8Array;
  /** PEM in the format of the old key. When `keyKept`, for copies that hold another key. */
  readonly keyPem: Uint8Array;
  readonly keyKept: boolean;
  /**
   * Intermediates, lowest first: they and the certificate take the place of every certificate there. Undefined leaves the others
   * alone.
   */
  readonly chainDer?: readonly Uint8Array[];
}

export interface ComposeRequest {
  readonly old: Uint8Array;
  readonly content: Content;
  readonly issued: ReadonlyMap<SlotId, IssuedMaterial>;
  /** Bytes of another object by formatAddress, for contents that start from one. */
  readonly read?: (address: string) => Uint8Array;
}

/**
 * No old bytes at all are a file that is made. Comments, intermediates, `EC PARAMETERS`, line ends and a missing last newline survive. A kept key leaves its bytes alone.
 * @throws AppError `step-failed` when the old bytes lack what is to be replaced or nothing was issued for a slot;
 * what `spliceKubeconfig` throws
 */
export function composeObject({ old, content, issued, read = noOther }: ComposeRequest): Uint8Array {
  switch (content.form) {
    case "pem-certificate":
      if (old.length === 0) return newCertificate(materialOf(issued, content.slot));
      return replacePemBlocks(old, certificateEdit(old, content.index, materialOf(issued, content.slot)));
    case "pem-key":
      return composeKey(old, materialOf(issued, content.slot));
    case "pem-combined": {
      const material = materialOf(issued, content.slot);
      if (old.length === 0) return Buffer.concat([newCertificate(material), material.keyPem]);
      return replacePemBlocks(
        old,
        new Map([...certificateEdit(old, content.index, material), ...keyEdit(old, material)]),
      );
    }
    case "kubeconfig":
      return composeKubeconfig(content.from === undefined ? old : read(content.from), content.users, issued);
    case "kubeconfig-new":
      return newKubeconfig(content, materialOf(issued, content.slot), read(content.authority));
    case "copy":
      return Uint8Array.from(read(content.from));
    default:
      return assertNever(content);
  }
}

function noOther(address: string): never {
  throw new AppError("step-failed", { step: "stage", reason: `${address} was not read` });
}

function newCertificate({ certificateDer }: IssuedMaterial): Uint8Array {
  return encodePem("CERTIFICATE", certificateDer);
}

/** A file without any PEM (gone, emptied, half written, DER) holds nothing that could be kept: it becomes the new key. */
function composeKey(old: Uint8Array, material: IssuedMaterial): Uint8Array {
  if (material.keyKept) return old;
  const { blocks, hasBom } = parsePem(old);
  if (!blocks.some(({ label }) => label.endsWith("PRIVATE KEY"))) return Uint8Array.from(material.keyPem);
  // Behind a byte order mark Go does not see the key.
  const kept = hasBom ? old.subarray(3) : old;
  return replacePemBlocks(kept, keyEdit(kept, material));
}

type PemEdits = ReadonlyMap<PemBlock, Uint8Array>;

function certificateEdit(old: Uint8Array, index: number, material: IssuedMaterial): PemEdits {
  const { certificateDer, chainDer } = material;
  if (chainDer) return chainEdit(old, [certificateDer, ...chainDer]);
  const block = certificateBlock(old, index);
  // `X509 CERTIFICATE` and `TRUSTED CERTIFICATE` are not what Go reads: they never count as certificates.
  return new Map([[block, encodePem(block.label, certificateDer)]]);
}

/** The whole chain where the first certificate is; what else is there belongs to the old one. */
function chainEdit(old: Uint8Array, chain: readonly Uint8Array[]): PemEdits {
  const first = certificateBlock(old, 0);
  const others = parsePem(old).blocks.filter(
    ({ label, start }) => label === "CERTIFICATE" && start !== first.start,
  );
  return new Map([
    [first, concatBytes(chain.map((der) => encodePem("CERTIFICATE", der)))],
    ...others.map((block) => [block, new Uint8Array()] as const),
  ]);
}

function keyEdit(old: Uint8Array, { keyPem, keyKept }: IssuedMaterial): PemEdits {
  return keyKept ? new Map() : new Map([[keyBlock(old), keyPem]]);
}

/** Certificate number `index` of a PEM file. @throws AppError `step-failed` */
export function certificateBlock(bytes: Uint8Array, index: number): PemBlock {
  const block = parsePem(bytes).blocks.filter(({ label }) => label === "CERTIFICATE")[index];
  if (!block)
    throw new AppError("step-failed", {
      step: "stage",
      reason: `there is no certificate number ${index + 1}`,
    });
  return block;
}

/** The first private key of a PEM file: the one that programs read. */
function keyBlock(bytes: Uint8Array): PemBlock {
  const block = parsePem(bytes).blocks.find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (!block)
    throw new AppError("step-failed", { step: "stage", reason: "there is no private key to replace" });
  return block;
}

function composeKubeconfig(
  old: Uint8Array,
  users: readonly { readonly user: string; readonly slot: SlotId }[],
  issued: ReadonlyMap<SlotId, IssuedMaterial>,
): Uint8Array {
  const kubeconfig = parseKubeconfig(old);
  const edits = users.map(({ user, slot }) => {
    const found = kubeconfig.users.find(({ name }) => name === user);
    return userEdit(user, found, materialOf(issued, slot));
  });
  return spliceKubeconfig(old, { users: edits });
}

/** Without embedded bytes to work on, whole new PEM is handed to the splice, which refuses with its own reason. */
function userEdit(name: string, user: KubeconfigUser | undefined, material: IssuedMaterial): UserEdit {
  const { certificate, key } = user ?? {};
  const certificatePem =
    certificate?.form === "embedded"
      ? replacePemBlocks(certificate.pem, certificateEdit(certificate.pem, 0, material))
      : chainPem(material);
  if (material.keyKept && key?.form === "embedded" && holdsKey(key.pem, material.keyPem))
    return { name, certificatePem };
  const keyPem =
    key?.form === "embedded" ? composeKey(key.pem, { ...material, keyKept: false }) : material.keyPem;
  return { name, certificatePem, keyPem };
}

function chainPem({ certificateDer, chainDer = [] }: IssuedMaterial): Uint8Array {
  return concatBytes([certificateDer, ...chainDer].map((der) => encodePem("CERTIFICATE", der)));
}

/** A copy that follows a kept key may hold an older one, or one that nobody can read: then it gets the original's. */
function holdsKey(pem: Uint8Array, wanted: Uint8Array): boolean {
  const found = attempt(() => readPrivateKey(pem));
  return !isAppError(found) && isSamePublicKey(found.spkiDer, readPrivateKey(wanted).spkiDer);
}

function materialOf(issued: ReadonlyMap<SlotId, IssuedMaterial>, slot: SlotId): IssuedMaterial {
  const material = issued.get(slot);
  if (!material)
    throw new AppError("step-failed", { step: slot, reason: "nothing was issued for this slot" });
  return material;
}
