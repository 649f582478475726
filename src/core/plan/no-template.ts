// Certificates that must not become the template of their successor: a renewal would repeat what is wrong with them, signed anew.
import type { Reason } from "../model/reasons.ts";
import { formatAddress } from "../model/address.ts";
import { isAppError, attempt } from "../model/errors.ts";
import type { RenewRequest } from "../model/plan.ts";
import { basicConstraints } from "../pki/extensions.ts";
import { keySpecOfSpki } from "../pki/keys.ts";
import { commonName, parseName } from "../pki/names.ts";
import type { CertificateFacts, Facts, SlotFacts } from "../policy/facts.ts";

/** Why this slot is left alone even when it is due or asked for; null when nothing speaks against it. */
export function noTemplate(facts: Facts, slot: SlotFacts, stored: CertificateFacts): Reason | null {
  if (basicConstraints(stored.leaf)?.isCa === true) return "it is a certificate authority's certificate";
  const name = nameOfAnother(facts, slot, stored);
  if (name !== null) return `it is the certificate of ${name}`;
  return keyInTheWay(slot);
}

/** What stands in the way only when something is to be done. */
export function noTemplateNow({ leaf }: CertificateFacts, { keyAlgorithm }: RenewRequest): Reason | null {
  if (leaf.anomalies.includes("duplicate-extension")) return "it has an extension twice";
  const spec = attempt(() => keySpecOfSpki(leaf.spkiDer));
  return isAppError(spec) && keyAlgorithm === null ? "its key algorithm is not supported" : null;
}

/**
 * Two certificates that were swapped: the name is not this slot's, and it is another's. A name that is nobody's may
 * be meant. Kubeconfigs are not looked at: whoever put another user's identity there gets it prolonged.
 */
function nameOfAnother(facts: Facts, { slot }: SlotFacts, { leaf }: CertificateFacts): string | null {
  const own = slot.expected.commonNames;
  const name = commonName(parseName(leaf.subjectDer)) ?? "";
  if (slot.holder.form !== "pem" || own === null || own.includes(name)) return null;
  const other = [...facts.slots.values()].find(
    (each) => each.slot.id !== slot.id && each.slot.expected.commonNames?.includes(name) === true,
  );
  return other?.slot.name ?? null;
}

/** A new certificate needs its key's place: one that can be looked at, and that is ours to fill. */
function keyInTheWay({ slot, key }: SlotFacts): Reason | null {
  if (key.state === "unreadable") return `its key ${key.address.path} cannot be read: ${key.reason}`;
  if (key.state === "missing" && key.danglingLink !== null) {
    return `its key ${key.address.path} is a link to ${key.danglingLink}, which is not there`;
  }
  if (key.state === "broken" && key.fault === "not-a-key") return `${key.address.path} holds ${key.reason}`;
  const { holder } = slot;
  if (key.state === "missing" && (holder.form === "kubeconfig" || holder.key === null))
    return "no private key stands beside it";
  const isCombined =
    holder.form === "pem" &&
    holder.key !== null &&
    formatAddress(holder.key) === formatAddress(holder.certificate);
  return isCombined && key.state === "broken" && key.fault !== "encrypted"
    ? "its private key is damaged"
    : null;
}
