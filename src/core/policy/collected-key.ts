// What `perennial collect` puts where a private key was: its public half, or why there is none (bin/perennial-collect).
import { parsePem } from "../pki/pem.ts";

export type CollectedKey =
  | { readonly state: "public-half"; readonly spkiDer: Uint8Array }
  | { readonly state: "encrypted"; readonly format: "PKCS#8" | "PEM with DEK-Info" }
  | { readonly state: "truncated" }
  | { readonly state: "broken" }
  | { readonly state: "unread" };

/** null when nothing stands for a key there. */
export function collectedKeyOf(bytes: Uint8Array): CollectedKey | null {
  for (const { label, der } of parsePem(bytes).blocks) {
    switch (label) {
      case "PERENNIAL PUBLIC HALF":
        return { state: "public-half", spkiDer: der };
      case "PERENNIAL ENCRYPTED KEY":
        return { state: "encrypted", format: formatOf(der) };
      case "PERENNIAL TRUNCATED KEY":
        return { state: "truncated" };
      case "PERENNIAL BROKEN KEY":
        return { state: "broken" };
      case "PERENNIAL UNREAD KEY":
        return { state: "unread" };
    }
  }
  return null;
}

function formatOf(text: Uint8Array): "PKCS#8" | "PEM with DEK-Info" {
  return Buffer.from(text).toString("latin1") === "PKCS#8" ? "PKCS#8" : "PEM with DEK-Info";
}
