// Shapes of private keys (types only here).
import type { KeyObject } from "node:crypto";

export type KeySpec =
  | { readonly kind: "rsa"; readonly bits: number }
  | { readonly kind: "ecdsa"; readonly curve: "P-256" | "P-384" | "P-521" }
  | { readonly kind: "ed25519" };

export interface PrivateKey {
  readonly keyObject: KeyObject;
  readonly spec: KeySpec;
  readonly format: "pkcs1" | "sec1" | "pkcs8";
  readonly spkiDer: Uint8Array;
}
