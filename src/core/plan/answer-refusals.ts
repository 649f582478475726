// Is this what was asked for, and from whom it should come? Every reason against an answer, before anything is written.
import { formatAddress } from "../model/address.ts";
import { isAppError, attempt } from "../model/errors.ts";
import type { Refusal, RefusalCode } from "../model/refusal.ts";
import type { Certificate } from "../pki/certificate.ts";
import { basicConstraints } from "../pki/extensions.ts";
import { commonName, parseName } from "../pki/names.ts";
import { verifyChain, type ChainResult } from "../pki/verify.ts";
import { authorityOf, type Facts, type SlotFacts } from "../policy/facts.ts";
import { lostIdentity, type Identity, type LostIdentity } from "./identity-lost.ts";
import type { Answer } from "./pair-answers.ts";

export interface AnswerToJudge {
  readonly slot: SlotFacts;
  /** The request, or the present certificate when its key is kept. */
  readonly asked: Identity;
  readonly answer: Answer;
  /** What else came along: intermediates are looked for among them. */
  readonly intermediates: readonly Answer[];
}

export type Verdict =
  | { readonly refusals: readonly Refusal[] }
  | { readonly chain: readonly Answer[]; readonly anchor: Certificate };

/** A good answer with its way to the authority on the disk, or all that speaks against it. */
export function judgeAnswer(facts: Facts, judged: AnswerToJudge): Verdict {
  const { slot, asked, answer, intermediates } = judged;
  const { certificate } = answer;
  const own = [
    ...timeRefusals(facts, slot, answer),
    ...(basicConstraints(certificate)?.isCa === true
      ? [refuseAnswer("answer-is-authority", slot, answer, certificate.serialHex)]
      : []),
    ...identityRefusals(slot, asked, answer),
  ];
  const result = chainOf(facts, judged);
  const refusals = [...own, ...chainRefusals(facts, slot, answer, result)];
  if (refusals.length > 0 || !result.ok) return { refusals };
  const anchor = result.path.at(-1) ?? certificate;
  const chain = result.path
    .slice(1, -1)
    .flatMap((link) => intermediates.find((other) => other.certificate === link) ?? []);
  return { chain, anchor };
}

export function refuseAnswer(
  code: RefusalCode,
  { slot }: SlotFacts,
  { file }: Answer,
  detail: string,
): Refusal {
  return { code, slot: slot.id, address: formatAddress(file.address), detail };
}

function timeRefusals({ at }: Facts, slot: SlotFacts, answer: Answer): readonly Refusal[] {
  const { notBefore, notAfter } = answer.certificate;
  const refuse = (code: RefusalCode, ms: number): readonly Refusal[] => [
    refuseAnswer(code, slot, answer, new Date(ms).toISOString()),
  ];
  if (notAfter <= at) return refuse("answer-expired", notAfter);
  return notBefore > at ? refuse("answer-not-yet-valid", notBefore) : [];
}

function identityRefusals(slot: SlotFacts, asked: Identity, answer: Answer): readonly Refusal[] {
  const lost = attempt(() => lostFrom(slot, asked, answer.certificate));
  if (isAppError(lost)) return [refuseAnswer("subject-differs", slot, answer, lost.code)];
  const listed = (code: RefusalCode, values: readonly string[]): readonly Refusal[] =>
    values.length === 0 ? [] : [refuseAnswer(code, slot, answer, values.join(", "))];
  return [
    ...subjectRefusals(slot, answer, lost),
    ...listed("san-lost", lost.sans),
    ...listed("eku-lost", lost.usages),
    ...listed("ku-lost", lost.keyUsages),
  ];
}

/** What was asked for, and what the certificate on the disk has today, which may have changed since. */
function lostFrom({ certificate }: SlotFacts, asked: Identity, found: Certificate): LostIdentity {
  const fromRequest = lostIdentity(asked, found);
  if (certificate.state !== "present") return fromRequest;
  const fromDisk = lostIdentity(certificate.value.leaf, found);
  const both = (one: readonly string[], other: readonly string[]): readonly string[] => [
    ...new Set([...one, ...other]),
  ];
  return {
    subject: fromRequest.subject ?? fromDisk.subject,
    sans: both(fromRequest.sans, fromDisk.sans),
    usages: both(fromRequest.usages, fromDisk.usages),
    keyUsages: both(fromRequest.keyUsages, fromDisk.keyUsages),
  };
}

function subjectRefusals(slot: SlotFacts, answer: Answer, { subject }: LostIdentity): readonly Refusal[] {
  if (subject === null) return [];
  const name = commonName(parseName(answer.certificate.subjectDer)) ?? "";
  const isOther = slot.slot.sharing === "per-node" && isOtherNode(slot, name);
  return isOther
    ? [refuseAnswer("other-node", slot, answer, name)]
    : [refuseAnswer("subject-differs", slot, answer, subject.asked)];
}

/** The same kind of name with another node in it: etcd members are called like their node, kubelets `system:node:` and the node. */
function isOtherNode({ slot }: SlotFacts, found: string): boolean {
  const prefixes = ["", "system:node:"];
  const own = prefixes.find((prefix) => slot.expected.commonNames?.includes(`${prefix}${slot.node}`));
  return own !== undefined && found !== "" && found.startsWith(own) && found !== `${own}${slot.node}`;
}

function chainOf(facts: Facts, { slot, answer, intermediates }: AnswerToJudge): ChainResult {
  const authority = authorityOf(facts, slot.slot);
  const anchors = authority?.certificate.state === "present" ? authority.certificate.value.certificates : [];
  return verifyChain({
    leaf: answer.certificate,
    intermediates: intermediates.map(({ certificate }) => certificate),
    anchors,
    atMs: facts.at,
  });
}

function chainRefusals(
  facts: Facts,
  slot: SlotFacts,
  answer: Answer,
  result: ChainResult,
): readonly Refusal[] {
  // Its own dates have been told.
  if (result.ok || result.at === answer.certificate) {
    return result.ok || result.reason !== "unhandled-critical-extension"
      ? []
      : [refuseAnswer("answer-not-signed", slot, answer, result.reason)];
  }
  const authority = authorityOf(facts, slot.slot);
  const name = authority === null ? "" : authority.slot.certificate.path;
  return [refuseAnswer("answer-not-signed", slot, answer, `${name}: ${result.reason}`)];
}
