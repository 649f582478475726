// A slot whose certificate could be read, as the checks of one certificate want it.
import type { Address } from "../model/address.ts";
import type { AnyFinding } from "../model/finding.ts";
import type { Certificate } from "../pki/certificate.ts";
import type { CertificateFacts, Facts, SlotFacts } from "./facts.ts";
import type { findingOf } from "./finding-of.ts";

export interface CheckOptions {
  /** A certificate that ends within this many ms is "expiring". */
  readonly withinMs: number;
}

export interface CheckContext extends CheckOptions {
  readonly facts: Facts;
}

/** A readable slot, as most checks want it. */
export interface Readable {
  readonly facts: SlotFacts;
  readonly stored: CertificateFacts;
  readonly leaf: Certificate;
  readonly report: ReturnType<typeof findingOf>;
  readonly context: CheckContext;
}

export type Check = (readable: Readable) => readonly AnyFinding[];

export function addressOf(facts: SlotFacts): Address {
  const { holder } = facts.slot;
  return holder.form === "kubeconfig" ? holder.file : holder.certificate;
}
