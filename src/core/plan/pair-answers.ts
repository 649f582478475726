// Answers of a CA elsewhere, paired with the requests that wait for them: by public key, whatever the files are called.
import type { NodeName } from "../model/address.ts";
import { formatAddress } from "../model/address.ts";
import type { Refusal } from "../model/refusal.ts";
import type { SlotId } from "../model/inventory.ts";
import type { PendingRequest } from "../model/pending.ts";
import type { Notice } from "../model/notice.ts";
import type { Certificate } from "../pki/certificate.ts";
import type { CertificationRequest } from "../pki/csr.ts";
import { basicConstraints } from "../pki/extensions.ts";
import { sha256Hex } from "../pki/fingerprints.ts";
import { isSamePublicKey } from "../pki/keys.ts";
import type { Facts, ObjectFacts, SlotFacts } from "../policy/facts.ts";
import { judgeAnswer, refuseAnswer } from "./answer-refusals.ts";
import { subjectText, type Identity } from "./identity-lost.ts";

/** A file that was handed back. */
export interface AnswerFile {
  readonly facts: ObjectFacts;
  /** As `answerCertificates` gives them. */
  readonly certificates: readonly (Certificate | null)[];
}

/** A request with its key, as the state directory holds them. */
export interface PendingFacts {
  readonly record: PendingRequest;
  readonly request: CertificationRequest;
  readonly key: ObjectFacts;
}

export interface Answers {
  readonly files: readonly AnswerFile[];
  /** What could not be read among the answers: told, and otherwise left alone. */
  readonly unreadable: readonly { readonly address: string; readonly reason: string }[];
  readonly pending: readonly PendingFacts[];
  /** Requests of other nodes that are kept in the same state directory. */
  readonly elsewhere: readonly { readonly node: NodeName; readonly spkiSha256: string }[];
}

export interface Answer {
  readonly certificate: Certificate;
  readonly file: ObjectFacts;
  readonly index: number;
}

/** One answer that passed every check, with all that its installation needs. */
export interface Install {
  readonly slot: SlotFacts;
  readonly answer: Answer;
  /** Lowest first; the authority itself is not among them. */
  readonly chain: readonly Answer[];
  readonly anchor: Certificate;
  /** null when the present key is kept. */
  readonly pending: PendingFacts | null;
}

export interface Pairing {
  readonly installs: ReadonlyMap<SlotId, Install>;
  readonly refusals: readonly Refusal[];
  readonly notices: readonly Notice[];
}

/** What a public key here waits for. */
interface Waiting {
  readonly slot: SlotFacts;
  readonly spkiDer: Uint8Array;
  readonly asked: Identity;
  readonly pending: PendingFacts | null;
}

/** Every certificate of the answers is installed, part of a chain, refused or told of; none is passed over. */
export function pairAnswers(
  facts: Facts,
  answers: Answers,
  { keepKey }: { readonly keepKey: boolean },
): Pairing {
  const all = distinct(answers.files);
  const waiting = waitingFor(facts, answers, keepKey);
  const isFor = (answer: Answer, { spkiDer, slot }: Waiting): boolean =>
    isSamePublicKey(answer.certificate.spkiDer, spkiDer) && !isInPlace(slot, answer.certificate);
  const strangers = all.filter((answer) => !waiting.some((each) => isFor(answer, each)));
  const judged = waiting.map((each) =>
    judge(facts, each, { mine: all.filter((answer) => isFor(answer, each)), strangers }),
  );
  const installs = judged.flatMap(({ install }) => (install ? [install] : []));
  const refusals = [
    ...judged.flatMap((each) => each.refusals),
    ...strangers.flatMap((answer) => otherNode(answer, answers)),
  ];
  const unanswered = judged.filter(({ found }) => !found);
  const isAnswered = unanswered.length < judged.length;
  const notices = noticesOf({ facts, answers, strangers, unanswered, isAnswered });
  return {
    installs: new Map(installs.map((install) => [install.slot.slot.id, install])),
    refusals: installs.length === 0 && refusals.length === 0 ? nothingMatches(notices) : refusals,
    notices,
  };
}

/** Each certificate once, however many files hold it. */
function distinct(files: readonly AnswerFile[]): readonly Answer[] {
  const byHash = new Map<string, Answer>();
  for (const { facts, certificates } of files) {
    for (const [index, certificate] of certificates.entries()) {
      if (certificate === null) continue;
      const hash = sha256Hex(certificate.der);
      if (!byHash.has(hash)) byHash.set(hash, { certificate, file: facts, index });
    }
  }
  return [...byHash.values()];
}

function waitingFor(facts: Facts, { pending }: Answers, keepKey: boolean): readonly Waiting[] {
  const requested = pending.flatMap((each): readonly Waiting[] => {
    const slot = facts.slots.get(each.record.slot);
    return slot ? [{ slot, spkiDer: each.request.spkiDer, asked: each.request, pending: each }] : [];
  });
  if (!keepKey) return requested;
  const kept = [...facts.slots.values()].flatMap((slot): readonly Waiting[] => {
    const { certificate, key } = slot;
    const isOurs = slot.slot.management === "renew" || slot.slot.management === "kubelet";
    if (!isOurs || certificate.state !== "present" || key.state !== "present") return [];
    return [{ slot, spkiDer: key.value.spkiDer, asked: certificate.value.leaf, pending: null }];
  });
  return kept;
}

function isInPlace({ certificate }: SlotFacts, answer: Certificate): boolean {
  return (
    certificate.state === "present" &&
    certificate.value.certificates.some(({ der }) => Buffer.compare(der, answer.der) === 0)
  );
}

interface Judged {
  readonly waiting: Waiting;
  readonly found: boolean;
  readonly install: Install | null;
  readonly refusals: readonly Refusal[];
}

function judge(
  facts: Facts,
  waiting: Waiting,
  { mine, strangers }: { readonly mine: readonly Answer[]; readonly strangers: readonly Answer[] },
): Judged {
  const [answer, second] = mine;
  if (!answer) return { waiting, found: false, install: null, refusals: [] };
  const { slot, asked, pending } = waiting;
  if (second) {
    const detail = `${second.file.address.path}, ${second.certificate.serialHex}`;
    const differ = refuseAnswer("answers-differ", slot, answer, detail);
    return { waiting, found: true, install: null, refusals: [differ] };
  }
  const verdict = judgeAnswer(facts, { slot, asked, answer, intermediates: strangers });
  if ("refusals" in verdict) return { waiting, found: true, install: null, refusals: verdict.refusals };
  const { chain, anchor } = verdict;
  return { waiting, found: true, install: { slot, answer, chain, anchor, pending }, refusals: [] };
}

/** Whoever made a request on another node must install its answer there: the key never travels. */
function otherNode({ certificate, file }: Answer, { elsewhere }: Answers): readonly Refusal[] {
  const hash = sha256Hex(certificate.spkiDer);
  const other = elsewhere.find(({ spkiSha256 }) => spkiSha256 === hash);
  if (!other) return [];
  return [
    {
      code: "other-node",
      slot: subjectText(certificate),
      address: formatAddress(file.address),
      detail: other.node,
    },
  ];
}

interface Told {
  readonly facts: Facts;
  readonly answers: Answers;
  readonly strangers: readonly Answer[];
  readonly unanswered: readonly Judged[];
  readonly isAnswered: boolean;
}

function noticesOf({ facts, answers, strangers, unanswered, isAnswered }: Told): readonly Notice[] {
  const awaited = unanswered.filter(({ waiting }) => waiting.pending !== null);
  const others = strangers.filter(({ certificate }) => !isCa(certificate));
  const isNone = !isAnswered && others.length === 0 && answers.unreadable.length === 0;
  return [
    ...(isNone ? [{ code: "answer-none" } as const] : []),
    ...others.flatMap((answer) => unmatched(facts, answer)),
    ...answers.unreadable.map((each) => ({ code: "answer-unreadable", ...each }) as const),
    ...(awaited.length === 0
      ? []
      : [{ code: "answer-awaited", names: awaited.map(({ waiting }) => waiting.slot.slot.name) } as const]),
  ];
}

/** CA certificates come along with answers: they are no answers. */
function isCa(certificate: Certificate): boolean {
  return basicConstraints(certificate)?.isCa === true;
}

function unmatched(facts: Facts, { certificate, file }: Answer): readonly Notice[] {
  const slots = [...facts.slots.values()];
  const isPresentKey = slots.some(
    ({ key }) => key.state === "present" && isSamePublicKey(key.value.spkiDer, certificate.spkiDer),
  );
  const because = slots.some((slot) => isInPlace(slot, certificate))
    ? "in-place"
    : isPresentKey
      ? "present-key"
      : "no-request";
  const { serialHex } = certificate;
  const address = formatAddress(file.address);
  return [{ code: "answer-unmatched", address, subject: subjectText(certificate), serialHex, because }];
}

/** With nothing to install it must not pass for success. */
function nothingMatches(notices: readonly Notice[]): readonly Refusal[] {
  return notices.flatMap((notice): readonly Refusal[] => {
    if (notice.code !== "answer-unmatched" || notice.because === "in-place") return [];
    const { subject, address, because } = notice;
    return [{ code: "answer-unmatched", slot: subject, address, detail: because }];
  });
}
