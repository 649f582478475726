// What is wrong with a certificate that is there and cannot be read, in words. Pure.
import type { Reason } from "../model/reasons.ts";
import type { CertificateFacts, Stored } from "../policy/facts.ts";

/** A bare size says nothing to whoever reads it. */
export function damageOf(stored: Extract<Stored<CertificateFacts>, { readonly reason: string }>): string {
  if (stored.state !== "broken" || stored.fault !== "truncated") return stored.reason;
  return `it ends in the middle (${stored.reason})` satisfies Reason;
}
