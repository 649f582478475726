// What a missing certificate has to say: after an old one where there is one, else from the profile, flags and other files.
import { formatAddress } from "../../model/address.ts";
import { attempt, isAppError } from "../../model/errors.ts";
import type { ExpectedSan } from "../../model/inventory.ts";
import type { IdentityGap } from "../../model/decision.ts";
import type { IssueTemplate, NamedSource } from "../../model/making-step.ts";
import { encodeGeneralName, subjectAltNames } from "../../pki/extensions.ts";
import { equalBytes } from "../../pki/der.ts";
import { subjectOf } from "../../pki/issue-anew.ts";
import type { Facts, SlotFacts } from "../../policy/facts.ts";
import { type OldCertificate, oldCertificateOf } from "./old-certificate.ts";

export interface Identity {
  readonly old: OldCertificate | null;
  readonly template: IssueTemplate;
  readonly subjectDer: Uint8Array;
  /** Every name it gets, those of the old certificate first. */
  readonly names: readonly NamedSource[];
  /** Those of them that the old certificate does not have. */
  readonly added: readonly { readonly kind: "dns" | "ip"; readonly value: string }[];
}

export type IdentityResult =
  | { readonly state: "known"; readonly identity: Identity }
  | { readonly state: "unknown"; readonly lacking: IdentityGap };

export function identityOf(facts: Facts, slot: SlotFacts): IdentityResult {
  const role = facts.remains?.roles.get(slot.slot.id);
  const old = oldCertificateOf(facts, slot);
  if (!role || (!role.isUsedHere && old === null)) return { state: "unknown", lacking: "not-used-here" };
  if (old !== null) return { state: "known", identity: afterOld(old, role.names ?? []) };
  const [name] = slot.slot.expected.commonNames ?? [];
  if (role.names === null || name === undefined) return { state: "unknown", lacking: "names" };
  const subject = { commonName: name, organizations: role.organizations };
  const identity: Identity = {
    old,
    template: { form: "profile", ...subject, usages: slot.slot.expected.usages },
    subjectDer: subjectOf(subject),
    names: merged([], role.names),
    added: role.names.map(({ kind, value }) => ({ kind, value })),
  };
  return { state: "known", identity };
}

/** Its own names, and those that flags and files ask for today. */
function afterOld(old: OldCertificate, wanted: readonly ExpectedSan[]): Identity {
  const entries = subjectAltNames(old.certificate);
  const source = formatAddress(old.remain.address).replace(/^file:[^:]*:/, "");
  const missing = wanted.filter((name) => {
    const der = attempt(() => encodeGeneralName(name));
    return !isAppError(der) && !entries.some((entry) => equalBytes(entry.der, der));
  });
  return {
    old,
    template: old.template,
    subjectDer: old.certificate.subjectDer,
    names: merged(
      entries.map(({ kind, value }) => ({ kind, value, sources: [source] })),
      wanted,
    ),
    added: missing.map(({ kind, value }) => ({ kind, value })),
  };
}

function merged(first: readonly NamedSource[], wanted: readonly ExpectedSan[]): readonly NamedSource[] {
  const all = first.map((name) => ({ ...name, sources: [...name.sources] }));
  for (const { kind, value, source } of wanted) {
    const known = all.find((name) => isSame(name, { kind, value }));
    if (known) known.sources.push(source);
    else all.push({ kind, value, sources: [source] });
  }
  return all;
}

function isSame(
  one: { readonly kind: string; readonly value: string },
  other: { readonly kind: "dns" | "ip"; readonly value: string },
): boolean {
  if (one.kind !== other.kind) return false;
  if (other.kind === "dns") return one.value === other.value;
  const [a, b] = [one.value, other.value].map((value) =>
    attempt(() => encodeGeneralName({ kind: "ip", value })),
  );
  return a !== undefined && b !== undefined && !isAppError(a) && !isAppError(b) && equalBytes(a, b);
}
