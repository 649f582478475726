// One way to make a finding about a slot, so that no check builds the envelope itself.
import type { Address } from "../model/address.ts";
import type { AnyFinding, Finding, FindingCode, FindingParams, Severity } from "../model/finding.ts";
import type { SlotId } from "../model/inventory.ts";

export interface Subject {
  readonly id: SlotId;
  readonly node: string;
  readonly name: string;
}

/** `findingOf(slot, address)("certificate-expired", "critical", { notAfter })`. */
export function findingOf(
  subject: Subject,
  address: Address,
): <C extends FindingCode>(code: C, severity: Severity, params: FindingParams[C]) => AnyFinding {
  return (code, severity, params) => {
    const finding: Finding<typeof code> = {
      code,
      severity,
      node: subject.node,
      slot: subject.id,
      name: subject.name,
      address,
      params,
    };
    return finding as AnyFinding;
  };
}

/** `0600` from 0o600. */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
