// Of the overview: the first line counts certificates of all nodes, and what is no certificate apart from them.
import type { AnyFinding, Severity } from "../core/model/finding.ts";
import { isUnreadableForUs } from "../core/policy/unreadable.ts";
import { cliMessages } from "./cli-messages.ts";
import { painter, severityStyles } from "./color.ts";
import type { Language } from "./language.ts";

/** About runs, nodes and processes: no certificate is expired or unusable because of them. */
const noCertificate: ReadonlySet<AnyFinding["code"]> = new Set([
  "run-unfinished",
  "run-locked",
  "runs-unreadable",
  "journal-unreadable",
  "node-unreachable",
  "left-over-temporary",
  "etcd-cluster-unwell",
] as const);

interface Shown {
  readonly lang: Language;
  readonly hasColor: boolean;
}

/** Nothing when nothing is wrong. Equal names on several nodes are several certificates. */
export function countsOf(findings: readonly AnyFinding[], { lang, hasColor }: Shown): readonly string[] {
  const paint = painter(hasColor);
  const { bare } = cliMessages(lang);
  const urgent = findings.filter(({ severity }) => severity !== "info");
  const unread = distinct(
    urgent.filter(isUnreadableForUs).map(({ address, node }) => `${node}${address.path}`),
  );
  const others = urgent.filter(({ code }) => noCertificate.has(code)).length;
  const own = urgent.filter((finding) => !noCertificate.has(finding.code) && !isUnreadableForUs(finding));
  const subjects = (severity: Severity): ReadonlySet<string> =>
    distinct(own.filter((finding) => finding.severity === severity).map(subjectOf));
  const dead = subjects("critical");
  const dying = [...subjects("warning")].filter((subject) => !dead.has(subject)).length;
  const certificates = dead.size + dying;
  return [
    ...(unread.size > 0 ? [paint(severityStyles.critical, bare.unread(unread.size))] : []),
    ...(dead.size > 0 ? [paint(severityStyles.critical, bare.dead(dead.size))] : []),
    ...(dying > 0
      ? [paint(severityStyles.warning, dead.size > 0 ? bare.dying(dying) : bare.warned(dying))]
      : []),
    ...(others > 0
      ? [paint(severityStyles.warning, certificates > 0 ? bare.others(others) : bare.matters(others))]
      : []),
  ];
}

function subjectOf({ slot, node, name }: AnyFinding): string {
  return slot ?? `${node}/${name}`;
}

function distinct(values: readonly string[]): ReadonlySet<string> {
  return new Set(values);
}
