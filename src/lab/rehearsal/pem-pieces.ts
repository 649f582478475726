// The PEM that is in a collected file: its own blocks, and those in the base64 of a kubeconfig's fields.
import { parsePem, type PemBlock } from "../../core/pki/pem.ts";
import { parseCertificate, type Certificate } from "../../core/pki/certificate.ts";
import { isAppError } from "../../core/model/errors.ts";
import { createPublicKey } from "node:crypto";

const field = /(-data:[ \t]+)([A-Za-z0-9+/]+={0,2})/g;

/** The same bytes with every piece of PEM, the whole first, given to `change`. */
export function changePieces(bytes: Uint8Array, change: (piece: Uint8Array) => Uint8Array): Uint8Array {
  const text = Buffer.from(change(bytes)).toString("latin1");
  const next = text.replaceAll(field, (whole, head: string, data: string) => {
    const piece = Buffer.from(data, "base64");
    return piece.includes("-----BEGIN ") ? `${head}${Buffer.from(change(piece)).toString("base64")}` : whole;
  });
  return new Uint8Array(Buffer.from(next, "latin1"));
}

export function blocksOf(bytes: Uint8Array): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  changePieces(bytes, (piece) => {
    blocks.push(...parsePem(piece).blocks);
    return piece;
  });
  return blocks;
}

/** null for a block that is none, or none that can be read. */
export function certificateOf({ label, der }: PemBlock): Certificate | null {
  if (label !== "CERTIFICATE") return null;
  try {
    return parseCertificate(der);
  } catch (error) {
    if (isAppError(error)) return null;
    throw error;
  }
}

/** The public key that a block holds or stands for, as SPKI. */
export function publicKeyOf(block: PemBlock): Uint8Array | null {
  switch (block.label) {
    case "PUBLIC KEY":
    case "PERENNIAL PUBLIC HALF":
      return block.der;
    case "RSA PUBLIC KEY":
      return spkiOfPkcs1(block.der);
    default:
      return certificateOf(block)?.spkiDer ?? null;
  }
}

function spkiOfPkcs1(der: Uint8Array): Uint8Array | null {
  try {
    const key = createPublicKey({ key: Buffer.from(der), format: "der", type: "pkcs1" });
    return new Uint8Array(key.export({ type: "spki", format: "der" }));
  } catch {
    // Broken there, broken here: the block stays as it is.
    return null;
  }
}
