// What the facts alone say: every finding that stops something, grouped by cause; the kubelet's files and the clock besides.
import type { CauseCode } from "../../model/diagnosis.ts";
import type { AnyFinding, FindingCode } from "../../model/finding.ts";
import type { SlotFacts } from "../facts.ts";
import { isUnreadableForUs } from "../unreadable.ts";
import type { Draft } from "./draft.ts";
import {
  type NodeKnowledge,
  concern,
  concernOf,
  evidenceOf,
  isExpired,
  isOfAnotherAuthority,
  pathOf,
  slotsNamed,
} from "./knowledge.ts";

/** Findings that are not here (modes, copies, rights) harm nothing that a log would complain of. */
const causes: Partial<Readonly<Record<FindingCode, CauseCode>>> = {
  "certificate-expired": "certificate-expired",
  "authority-expired": "authority-expired",
  "certificate-expiring": "certificate-expiring",
  "authority-expiring": "certificate-expiring",
  "certificate-not-yet-valid": "certificate-not-yet-valid",
  "authority-not-yet-valid": "certificate-not-yet-valid",
  "certificate-missing": "file-missing",
  "key-missing": "file-missing",
  "kubeconfig-missing": "file-missing",
  "authority-missing": "file-missing",
  "link-dangling": "file-missing",
  "object-unreadable": "file-unusable",
  "certificate-broken": "file-unusable",
  "file-truncated": "file-unusable",
  "key-broken": "file-unusable",
  "key-encrypted": "file-unusable",
  "kubeconfig-broken": "file-unusable",
  "key-does-not-match": "key-mismatch",
  "authority-key-does-not-match": "key-mismatch",
  "service-account-pair-differs": "credentials-refused",
  "wrong-issuer": "unknown-authority",
  "kubeconfig-authority-differs": "unknown-authority",
  "san-missing": "wrong-name",
  "usage-missing": "wrong-usage",
};

/** A log this much younger than the clock is no jitter between hosts. */
const clockToleranceMs = 10 * 60_000;

export interface NewestLine {
  readonly at: number;
  readonly source: string;
}

export function fromFacts(node: NodeKnowledge, newestLine: NewestLine | null): readonly Draft[] {
  return [...fromFindings(node), ...kubeletFiles(node), ...clock(node, newestLine)];
}

function fromFindings(node: NodeKnowledge): readonly Draft[] {
  return node.findings.flatMap((finding) => {
    const cause = causes[finding.code];
    if (cause === undefined || finding.severity === "info" || isKubeletsFile(node, finding)) return [];
    // What the manifests ask for and the certificate lacks may be a name that nobody uses.
    const certainty = finding.code === "san-missing" ? "likely" : "confirmed";
    // A file that is closed to whoever asks is not closed to the process that reads it: no harm follows.
    const certificates = isUnreadableForUs(finding) ? [] : [concernOf(node, finding)];
    return [{ cause, certainty, certificates, evidence: [evidenceOf(finding)] }];
  });
}

/** A rotated file of another CA, whether kubelet.conf names it or not: kubeletFiles() says more of it. */
function isKubeletsFile({ facts }: NodeKnowledge, { code, slot, name }: AnyFinding): boolean {
  if (code !== "wrong-issuer" || slot === null) return false;
  if (name === "kubelet-client") return true;
  if (name !== "kubelet.conf") return false;
  return facts.slots.get(slot)?.slot.holder.form === "pem";
}

/**
 * Which of two client certificates the kubelet uses: it starts only with a valid kubelet.conf (k/kubeadm#1753), and once started
 * prefers the rotated file, even a left-over one of another CA.
 */
function kubeletFiles(node: NodeKnowledge): readonly Draft[] {
  const configured = slotsNamed(node, ["kubelet.conf"]);
  const embedded = configured.filter(({ slot }) => slot.holder.form === "kubeconfig");
  const linked = configured.filter(({ slot }) => slot.holder.form === "pem");
  const rotated = slotsNamed(node, ["kubelet-client"]);
  const isStranger = (slot: SlotFacts): boolean => isOfAnotherAuthority(node, slot);
  return [
    ...rotated.filter(isStranger).map((slot) => strangerDraft(slot, "other-authority")),
    ...linked.filter(isStranger).map((slot) => strangerDraft(slot, "linked")),
    ...embedded
      .filter((slot) => isExpired(slot, node.facts.at))
      .flatMap((slot) =>
        rotated.filter((other) => isUsable(node, other)).map((other) => embeddedDraft(slot, other)),
      ),
  ];
}

function embeddedDraft(slot: SlotFacts, rotated: SlotFacts): Draft {
  return {
    cause: "wrong-kubelet-client",
    certainty: "confirmed",
    certificates: [concern(slot), concern(rotated)],
    evidence: [
      { code: "finding", finding: "kubelet-embedded", name: slot.slot.name, path: pathOf(slot) },
      { code: "file-is-there", path: pathOf(rotated) },
    ],
    subject: "embedded",
  };
}

/** `linked`: kubelet.conf names the file; otherwise the kubelet finds it by itself. */
function strangerDraft(slot: SlotFacts, subject: "linked" | "other-authority"): Draft {
  return {
    cause: "wrong-kubelet-client",
    certainty: "confirmed",
    certificates: [concern(slot)],
    evidence: [{ code: "finding", finding: "wrong-issuer", name: slot.slot.name, path: pathOf(slot) }],
    subject,
  };
}

function isUsable(node: NodeKnowledge, slot: SlotFacts): boolean {
  return (
    slot.certificate.state === "present" &&
    !isExpired(slot, node.facts.at) &&
    !isOfAnotherAuthority(node, slot)
  );
}

/** Files and log lines cannot be younger than now: somebody set the clock back (field note 10). */
function clock({ facts, newestFile }: NodeKnowledge, newestLine: NewestLine | null): readonly Draft[] {
  const limit = facts.at + clockToleranceMs;
  const isFile = newestFile !== null && newestFile.at > limit;
  const isLine = newestLine !== null && newestLine.at > limit;
  if (!isFile && !isLine) return [];
  return [
    {
      cause: "clock-wrong",
      certainty: isFile && isLine ? "confirmed" : "likely",
      evidence: [
        ...(isFile
          ? [{ code: "clock-behind-file", path: newestFile.path, newestAt: newestFile.at } as const]
          : []),
        ...(isLine
          ? [{ code: "clock-behind-log", source: newestLine.source, newestAt: newestLine.at } as const]
          : []),
      ],
    },
  ];
}
