// Private keys as control planes hold them: PKCS#1, SEC1, PKCS#8, encrypted or not, PEM or DER; and what kind a key is.
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { AppError, assertNever } from "../model/errors.ts";
import {
  checkDer,
  derMalformed,
  encodeSequence,
  equalBytes,
  expectTag,
  readChildren,
  readWhole,
  tags,
  type Tlv,
} from "./der.ts";
import {
  decodeBitString,
  decodeOid,
  encodeInteger,
  encodeOctetString,
  encodeOid,
  readIntegerBytes,
} from "./der-values.ts";
import { parsePem, type PemBlock } from "./pem.ts";

export type KeySpec =
  | { readonly kind: "rsa"; readonly bits: number }
  | { readonly kind: "ecdsa"; readonly curve: "P-256" | "P-384" | "P-521" }
  | { readonly kind: "ed25519" };

export type KeyFormat = "pkcs1" | "sec1" | "pkcs8";

export interface PrivateKey {
  readonly keyObject: KeyObject;
  readonly spec: KeySpec;
  /** How it was stored, to be stored the same way again. */
  readonly format: KeyFormat;
  readonly spkiDer: Uint8Array;
}

const curves: Readonly<Record<string, "P-256" | "P-384" | "P-521">> = {
  "1.2.840.10045.3.1.7": "P-256",
  "1.3.132.0.34": "P-384",
  "1.3.132.0.35": "P-521",
};

const keyAlgorithms = {
  rsa: "1.2.840.113549.1.1.1",
  ec: "1.2.840.10045.2.1",
  ed25519: "1.3.101.112",
} as const;

function modulusBits(rsaPublicKey: Uint8Array): number {
  const [modulus] = readChildren(rsaPublicKey, readWhole(rsaPublicKey, tags.sequence));
  if (!modulus) throw derMalformed("RSA key without modulus", 0);
  const bytes = readIntegerBytes(rsaPublicKey, modulus);
  const significant = bytes[0] === 0 ? bytes.subarray(1) : bytes;
  return significant.length * 8 - Math.clz32(significant[0] ?? 0) + 24;
}

/**
 * The kind of a public key.
 * @param spkiDer SubjectPublicKeyInfo (RFC 5280 section 4.1)
 * @throws AppError key-unsupported for DSA, RSA-PSS, other curves; der-malformed
 */
export function keySpecOfSpki(spkiDer: Uint8Array): KeySpec {
  const [algorithm, key] = readChildren(spkiDer, readWhole(spkiDer, tags.sequence));
  if (!algorithm || !key) throw derMalformed("public key without its two parts", 0);
  const [oidTlv, parameters] = readChildren(spkiDer, expectTag(algorithm, tags.sequence));
  if (!oidTlv) throw derMalformed("public key without algorithm", algorithm.start);
  const oid = decodeOid(spkiDer, oidTlv);
  if (oid === keyAlgorithms.rsa)
    return { kind: "rsa", bits: modulusBits(decodeBitString(spkiDer, key).bytes) };
  if (oid === keyAlgorithms.ed25519) return { kind: "ed25519" };
  const curveOid =
    oid === keyAlgorithms.ec && parameters?.tag === tags.oid ? decodeOid(spkiDer, parameters) : "";
  const curve = curves[curveOid];
  if (curve) return { kind: "ecdsa", curve };
  throw new AppError("key-unsupported", { algorithm: curveOid || oid });
}

/** kubeadm's spelling: `RSA-2048`, `ECDSA-P256`; and `Ed25519`. */
export function formatKeySpec(spec: KeySpec): string {
  switch (spec.kind) {
    case "rsa":
      return `RSA-${spec.bits}`;
    case "ecdsa":
      return `ECDSA-${spec.curve.replace("-", "")}`;
    case "ed25519":
      return "Ed25519";
    default:
      return assertNever(spec);
  }
}

/** The specs that may be asked for (kubeadm v1beta4 `encryptionAlgorithm`, and two more). */
const keySpecs: readonly KeySpec[] = [
  { kind: "rsa", bits: 2048 },
  { kind: "rsa", bits: 3072 },
  { kind: "rsa", bits: 4096 },
  { kind: "ecdsa", curve: "P-256" },
  { kind: "ecdsa", curve: "P-384" },
  { kind: "ecdsa", curve: "P-521" },
  { kind: "ed25519" },
];

/** Reads `RSA-2048`, `ecdsa-p256`, `Ed25519`, ... in any case. @throws AppError value-invalid */
export function parseKeySpec(text: string): KeySpec {
  const spec = keySpecs.find((known) => formatKeySpec(known).toLowerCase() === text.trim().toLowerCase());
  if (spec) return spec;
  const expected = `RSA-2048, ${keySpecs.slice(1).map(formatKeySpec).join(", ")}` as const;
  throw new AppError("value-invalid", { what: "key algorithm", value: text, expected });
}

function spkiOf(publicKey: KeyObject): Uint8Array {
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
}

/** What PEM stores a key of this kind in, staying with `format` where the kind allows it. */
export function formatFor(spec: KeySpec, format: KeyFormat): KeyFormat {
  if (format === "pkcs8" || spec.kind === "ed25519") return "pkcs8";
  return spec.kind === "rsa" ? "pkcs1" : "sec1";
}

/** Wraps a freshly made private key; `format` is how it will be stored (kubeadm's: PKCS#1 for RSA, SEC1 for EC). */
export function asPrivateKey(keyObject: KeyObject, format: KeyFormat = "pkcs1"): PrivateKey {
  if (keyObject.type !== "private") throw new TypeError("not a private key");
  const spkiDer = spkiOf(createPublicKey(keyObject));
  const spec = keySpecOfSpki(spkiDer);
  return { keyObject, spec, format: formatFor(spec, format), spkiDer };
}

/** PEM, unencrypted: `RSA PRIVATE KEY`, `EC PRIVATE KEY` or `PRIVATE KEY`; see `formatFor` when the kind forbids the format. */
export function encodePrivateKey(keyObject: KeyObject, format: KeyFormat): Uint8Array {
  const type = asPrivateKey(keyObject, format).format;
  return Uint8Array.from(Buffer.from(keyObject.export({ type, format: "pem" }).toString(), "latin1"));
}

type StoredForm = KeyFormat | "encrypted-pkcs8";

/** Which of the four structures it is: labels lie (PKCS#8 under RSA PRIVATE KEY is seen), the DER does not. */
function formOf(der: Uint8Array): StoredForm {
  checkDer(der);
  const [first, second] = readChildren(der, readWhole(der, tags.sequence)).map((tlv: Tlv) => tlv.tag);
  if (first === tags.sequence && second === tags.octetString) return "encrypted-pkcs8";
  if (first === tags.integer && second === tags.sequence) return "pkcs8";
  if (first === tags.integer && second === tags.octetString) return "sec1";
  if (first === tags.integer && second === tags.integer) return "pkcs1";
  throw derMalformed("not the structure of a private key", 0);
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : "unreadable";
}

interface Source {
  readonly key: Buffer;
  readonly format: "der" | "pem";
  readonly type?: KeyFormat;
}

function load(source: Source, format: KeyFormat, passphrase?: string): PrivateKey {
  const { key, type } = source;
  const input = type ? { key, type, format: "der" as const } : { key, format: "pem" as const };
  let keyObject: KeyObject;
  try {
    keyObject = createPrivateKey(passphrase === undefined ? input : { ...input, passphrase });
  } catch (cause) {
    const what =
      passphrase === undefined
        ? "the key cannot be read"
        : "the key cannot be decrypted with this passphrase";
    throw new AppError("key-malformed", { reason: `${what} (${codeOf(cause)})` }, { cause });
  }
  return asPrivateKey(keyObject, format);
}

/** RFC 5915 lets SEC1 leave out the curve when `EC PARAMETERS` in front names it: put it where OpenSSL looks for it. */
function withCurve(der: Uint8Array, parameters: Uint8Array | undefined): Uint8Array | undefined {
  const hasCurve = readChildren(der, readWhole(der, tags.sequence)).some((tlv) => tlv.tag === 0xa0);
  if (hasCurve || !parameters) return undefined;
  const algorithm = encodeSequence(encodeOid(keyAlgorithms.ec), parameters);
  return encodeSequence(encodeInteger(0n), algorithm, encodeOctetString(der));
}

function readDer(der: Uint8Array, passphrase?: string, ecParameters?: Uint8Array): PrivateKey {
  const form = formOf(der);
  const key = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
  if (form === "encrypted-pkcs8") {
    if (passphrase === undefined) throw new AppError("key-encrypted", { format: "PKCS#8" });
    return load({ key, format: "der", type: "pkcs8" }, "pkcs8", passphrase);
  }
  const wrapped = form === "sec1" ? withCurve(der, ecParameters) : undefined;
  if (wrapped) return load({ key: Buffer.from(wrapped), format: "der", type: "pkcs8" }, "sec1");
  return load({ key, format: "der", type: form }, form);
}

function readBlock(
  bytes: Uint8Array,
  block: PemBlock,
  options: { passphrase?: string; ecParameters?: Uint8Array },
): PrivateKey {
  const { passphrase, ecParameters } = options;
  if (!/^(RSA |EC |ENCRYPTED )?PRIVATE KEY$/.test(block.label)) {
    throw new AppError("key-unsupported", { algorithm: block.label });
  }
  if (!(block.headers["Proc-Type"] ?? "").includes("ENCRYPTED"))
    return readDer(block.der, passphrase, ecParameters);
  if (passphrase === undefined) throw new AppError("key-encrypted", { format: "PEM with DEK-Info" });
  const key = Buffer.from(bytes.subarray(block.start, block.end));
  return load({ key, format: "pem" }, block.label.startsWith("EC") ? "sec1" : "pkcs1", passphrase);
}

function readPem(bytes: Uint8Array, passphrase?: string): PrivateKey {
  const { blocks, faults } = parsePem(bytes);
  const block = blocks.find(({ label }) => label.endsWith("PRIVATE KEY"));
  const [fault] = faults;
  if (!block && fault) throw new AppError("pem-malformed", { reason: fault.kind, line: fault.line });
  if (!block) throw new AppError("key-malformed", { reason: "no private key in the file" });
  const ecParameters = blocks.find(({ label }) => label === "EC PARAMETERS")?.der;
  return readBlock(bytes, block, {
    ...(passphrase !== undefined && { passphrase }),
    ...(ecParameters && { ecParameters }),
  });
}

/**
 * Reads the first private key of a PEM file (certificates and other blocks around it do not matter), or one DER key.
 * @throws AppError key-encrypted without a passphrase; key-malformed; key-unsupported; pem-malformed
 */
export function readPrivateKey(
  bytes: Uint8Array,
  options: { readonly passphrase?: string } = {},
): PrivateKey {
  const isPem = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes("-----BEGIN ");
  try {
    return isPem ? readPem(bytes, options.passphrase) : readDer(bytes, options.passphrase);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "der-malformed") throw error;
    throw new AppError("key-malformed", { reason: "not the structure of a private key" }, { cause: error });
  }
}

/** The same public key, whatever the encoding of its parameters. */
export function isSamePublicKey(one: Uint8Array, other: Uint8Array): boolean {
  if (equalBytes(one, other)) return true;
  return equalBytes(normalSpki(one), normalSpki(other));
}

/** SPKI as OpenSSL writes it: NULL parameters, named curve. Keys it cannot read stay as they are. */
function normalSpki(spkiDer: Uint8Array): Uint8Array {
  try {
    return spkiOf(createPublicKey({ key: Buffer.from(spkiDer), format: "der", type: "spki" }));
  } catch {
    return spkiDer;
  }
}
