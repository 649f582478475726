// Of the overview: which recovery comes first, and the command that begins it.
import type { Diagnosis } from "../core/model/diagnosis.ts";
import type { AnyFinding } from "../core/model/finding.ts";
import { isUnreadableForUs } from "../core/policy/unreadable.ts";
import { type FindingContext, renderFinding, toolOf } from "./finding-text.ts";
import { flags } from "./flags.ts";
import type { DiagnoseMessages } from "./diagnose-messages.ts";
import type { Language } from "./language.ts";
import { toolForRun } from "./messages/own-run.ts";
import { onEach as onEachEn } from "./messages/en/obstacles.ts";
import { onEach as onEachZh } from "./messages/zh/obstacles.ts";
import { toolOfOneNode } from "./messages/way-on.ts";
import { sudoCommand } from "./tool-command.ts";

/** What there is to be done, and what it is about. */
export interface Situation {
  readonly findings: readonly AnyFinding[];
  readonly diagnoses: readonly Diagnosis[];
  /** Members of an etcd that may have to come back together; null when this node can be renewed alone. */
  readonly members: number | null;
}

const onEach = { en: onEachEn, zh: onEachZh } as const;

const renewable: ReadonlySet<AnyFinding["code"]> = new Set([
  "certificate-expired",
  "certificate-expiring",
  "certificate-missing",
  "kubeconfig-missing",
  "key-does-not-match",
  "wrong-issuer",
  "replica-differs",
] as const);

/** What a renewal mends is answered with `plan`; an open run comes first, and beside one that may be at work nothing is begun. */
export function nextCommands(
  { findings, members }: Situation,
  context: FindingContext,
  lang: Language,
): readonly string[] {
  if (findings.some(({ code }) => code === "run-locked")) return [];
  const tool = toolOf(context);
  // Whoever does not see everything plans too little.
  if (findings.some(isUnreadableForUs)) return [sudoCommand(tool(""))];
  const cutOff = findings.filter((finding) => finding.code === "run-unfinished");
  const ofCall = cutOff.find(({ params: { own, cluster } }) => own === undefined && cluster === undefined);
  if (ofCall) return [toolForRun(ofCall.params, tool)("resume")];
  const [elsewhere] = cutOff;
  // Where it is typed is a part of it.
  if (elsewhere) return renderFinding(elsewhere, context, lang).next.slice(0, 1);
  const { here, elsewhere: signedElsewhere } = renewals(findings);
  if (members !== null && here.length > 0) return [tool("init"), "perennial renew -f cluster.yaml"];
  return [
    ...(here.length > 0 || isRecreatable(findings)
      ? [tool(isRecreatable(findings) ? `plan ${flags.recreateAuthority} front-proxy-ca` : "plan")]
      : []),
    ...(signedElsewhere.length > 0
      ? [`${onEach[lang](tool)}${toolOfOneNode(tool)(`renew ${flags.csrDir} DIR`)}`]
      : []),
  ];
}

/** Where a renewal would be refused or would leave it alone, its own lines say what helps. */
function renewals(findings: readonly AnyFinding[]): {
  readonly here: readonly AnyFinding[];
  readonly elsewhere: readonly AnyFinding[];
} {
  const wanted = findings.filter(({ code, severity }) => severity !== "info" && renewable.has(code));
  return {
    here: wanted.filter(
      (finding) => obstacleIn(finding) === null || obstacleIn(finding) === "authority-recreatable",
    ),
    elsewhere: wanted.filter((finding) => obstacleIn(finding) === "authority-elsewhere"),
  };
}

function obstacleIn({ params }: AnyFinding): string | null {
  return "obstacle" in params ? (params.obstacle?.code ?? null) : null;
}

interface Recovery {
  readonly sentences: readonly string[];
  /** Processes have to be restarted afterwards. */
  readonly restarts: boolean;
}

/** The step that has to come first; null when nothing is to be recovered from. */
export function recoveryOf(
  { findings, diagnoses, members }: Situation,
  { recovery }: DiagnoseMessages,
): Recovery | null {
  const has = (cause: Diagnosis["cause"]): boolean => diagnoses.some((one) => one.cause === cause);
  if (has("clock-wrong")) return { sentences: [recovery.clock], restarts: false };
  if (has("authority-expired")) return { sentences: [recovery.authority], restarts: false };
  if (findings.some(isUnreadableForUs)) return null;
  const { here, elsewhere } = renewals(findings);
  const mended = new Set([...here, ...elsewhere].map(({ slot }) => slot));
  const isLacking = diagnoses
    .filter(({ cause }) => cause === "file-missing")
    .some(({ certificates }) =>
      certificates.some(
        ({ slot, name }) => isNeverMade(name) || (name !== "front-proxy-ca" && !mended.has(slot)),
      ),
    );
  const renewed = countOf(here);
  const requested = countOf(elsewhere);
  const sentences = [
    ...(isLacking ? [recovery.files] : []),
    ...(members !== null && renewed > 0 ? [recovery.together(members)] : []),
    ...(renewed > 0 ? [recovery.renew(renewed)] : []),
    ...(requested > 0 ? [recovery.elsewhere(requested)] : []),
  ];
  if (sentences.length > 0) return { sentences, restarts: renewed + requested > 0 };
  return has("wrong-kubelet-client") ? { sentences: [recovery.kubelet], restarts: false } : null;
}

/** The one CA that a renewal puts back or makes anew when told to. */
function isRecreatable(findings: readonly AnyFinding[]): boolean {
  return findings.some(({ code, name }) => code === "authority-missing" && name === "front-proxy-ca");
}

/** What no renewal brings back. */
function isNeverMade(name: string): boolean {
  return name === "ca" || name === "etcd-ca" || name === "sa";
}

function countOf(findings: readonly AnyFinding[]): number {
  return new Set(findings.map(({ slot, name, node }) => slot ?? `${node}/${name}`)).size;
}
