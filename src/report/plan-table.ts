// What a plan replaces, once: a row per certificate in the order in which the engine renames the files.
import { parseAddress } from "../core/model/address.ts";
import type { Decision, RenewReason } from "../core/model/decision.ts";
import type { MakingStep } from "../core/model/making-step.ts";
import type { Plan, StageStep, Step } from "../core/model/plan.ts";
import { allSteps, slotsOfContent } from "../core/plan/steps.ts";
import { withoutStore } from "./file-address.ts";
import type { Messages } from "./messages.ts";
import { nodesOf } from "./plan-text.ts";
import { say } from "./say.ts";
import { formatTable } from "./table.ts";

/** Header and rows, each line ended by a newline; empty text when nothing is written. `plan` has been made safe. */
export function planTable(plan: Plan, text: Messages["plan"]): string {
  const rows = rowsOf(plan);
  if (rows.length === 0) return "";
  const base = commonFolder(rows.flatMap(({ paths }) => paths));
  const { name, expires, key, reason, files } = text.columns;
  const header = [name, expires, key, reason, base === "/" ? files : text.filesBelow(files, base)];
  const cells = rows.map((row) => [
    row.decisions.map(({ slot }) => shortSlot(slot, plan)).join(" ") || authorityOf(row, plan),
    row.issue?.old ? text.day(row.issue.old.notAfter) : "-",
    keyOf(row, plan, text),
    reasonOf(row, plan, text),
    compact(row.paths, base),
  ]);
  return formatTable([header, ...cells], { minWidth: 0, padding: 2 });
}

/** Without the node where there is only one. */
export function shortSlot(slot: string, plan: Plan): string {
  const [node, ...others] = nodesOf(plan);
  return others.length === 0 && node !== undefined && slot.startsWith(`${node}/`)
    ? slot.slice(node.length + 1)
    : slot;
}

/** The path alone where there is only one node. */
export function shortAddress(address: string, plan: Plan): string {
  return nodesOf(plan).length === 1 ? address.replace(/^file:[^:]*:/, "") : withoutStore(address);
}

interface Row {
  readonly decisions: readonly Decision[];
  readonly issue: MakingStep | undefined;
  /** In the order of the swaps. */
  readonly paths: readonly string[];
}

function isMaking(step: Step): step is MakingStep {
  return step.kind === "issue" || step.kind === "install";
}

/** Objects of one certificate are one row, at the place of its first swap. */
function rowsOf(plan: Plan): readonly Row[] {
  const steps = allSteps(plan);
  const rows = new Map<string, { decisions: Decision[]; issue: MakingStep | undefined; paths: string[] }>();
  for (const swap of steps.filter((step) => step.kind === "swap")) {
    const stage = steps.find(
      (step): step is StageStep => step.kind === "stage" && step.object === swap.object,
    );
    const decisions = decisionsOf(plan, swap.object, stage);
    const [first] = decisions;
    const made = stage === undefined ? undefined : slotsOfContent(stage.content)[0];
    const id = first?.slot ?? made ?? swap.object;
    const row = rows.get(id) ?? {
      decisions: [...decisions],
      issue: steps.find((step): step is MakingStep => isMaking(step) && step.slot === id),
      paths: [],
    };
    row.paths.push(parseAddress(swap.object).path);
    rows.set(id, row);
  }
  return [...rows.values()];
}

/** A copy's file holds its original's certificate: the decision about it is the one that bears the file's path. */
function decisionsOf(plan: Plan, object: string, stage: StageStep | undefined): readonly Decision[] {
  if (stage === undefined) return [];
  const { content } = stage;
  if (content.form !== "kubeconfig") {
    const [own] = slotsOfContent(content);
    return plan.decisions.filter(({ slot }) => slot === own);
  }
  const { node, path } = parseAddress(object);
  const follows = plan.decisions.filter(
    ({ slot, action }) => action === "follow" && slot.replace(/#.*$/, "") === `${node}${path}`,
  );
  const own = plan.decisions.filter(
    ({ slot, action }) =>
      action === "renew" && isInside(plan, slot, object) && content.users.some((user) => user.slot === slot),
  );
  return [...own, ...follows];
}

function isInside(plan: Plan, slot: string, object: string): boolean {
  return allSteps(plan).some((step) => isMaking(step) && step.slot === slot && placeOf(step) === object);
}

function placeOf(step: MakingStep): string | null {
  const made = step.kind === "issue" ? step.recreates?.object : undefined;
  return made ?? (step.template.form === "kubeconfig" ? step.template.file : null);
}

/** A copy gets the key of the certificate it follows. */
function keyOf({ issue, decisions }: Row, plan: Plan, text: Messages["plan"]): string {
  if (issue === undefined) {
    const originals = decisions.flatMap(({ action, reasons }) =>
      action === "keep" ? [] : reasons.flatMap((one) => (one.code === "follows" ? [one.original] : [])),
    );
    return [...new Set(originals)].map((slot) => shortSlot(slot, plan)).join(text.comma) || "-";
  }
  return issue.key.mode === "keep" ? text.keptKey : issue.key.algorithm;
}

/** Rows without a decision are those of authorities: made anew by a step, or put back from a file of the same name. */
function authorityOf({ issue, paths }: Row, plan: Plan): string {
  if (issue) return shortSlot(issue.slot, plan);
  return paths.map((path) => path.slice(path.lastIndexOf("/") + 1)).join(" ");
}

function reasonOf(row: Row, plan: Plan, text: Messages["plan"]): string {
  if (row.decisions.length === 0) return row.issue ? text.madeAnew : restoredFrom(row, plan, text);
  const reasons = row.decisions.flatMap(({ action, reasons: all }) => (action === "keep" ? [] : all));
  const words = reasons.map((reason) => shortReason(reason, text));
  return [...new Set(words)].join(text.joiner) || "-";
}

function restoredFrom({ paths }: Row, plan: Plan, text: Messages["plan"]): string {
  const from = allSteps(plan).flatMap((step) =>
    step.kind === "stage" && step.content.form === "copy" && paths.includes(parseAddress(step.object).path)
      ? [parseAddress(step.content.from).path]
      : [],
  );
  return from.length === 0 ? "-" : text.restored(from.join(" "));
}

/** The dates stand in a column of their own. */
function shortReason(reason: RenewReason, text: Messages["plan"]): string {
  const { code } = reason;
  if (code === "missing") return text.short.missing;
  return code === "expired" || code === "expiring" || code === "follows" || code === "signed"
    ? text.short[code]
    : say(reason, text.renewReasons);
}

/** The folder that all but stray copies lie in: that of the first path and every other one below it. */
function commonFolder(paths: readonly string[]): string {
  const candidates = foldersOf(paths[0] ?? "/");
  const isMost = (folder: string): boolean =>
    paths.filter((path) => path.startsWith(folder)).length * 2 > paths.length;
  const best = candidates.findLast((folder) => paths.every((path) => path.startsWith(folder)));
  if (best !== undefined && best !== "/") return best;
  // Copies outside (`/root/.kube/config`) are shown with their whole path.
  return candidates.find((folder) => folder.split("/").length > 3 && isMost(folder)) ?? "/";
}

/** `/`, `/etc/`, `/etc/kubernetes/`. */
function foldersOf(path: string): readonly string[] {
  const names = path.split("/").slice(1, -1);
  return ["/", ...names.map((_, index) => `/${names.slice(0, index + 1).join("/")}/`)];
}

/** `pki/apiserver.{key,crt}` for a pair, as a shell would expand it. */
function compact(paths: readonly string[], base: string): string {
  const short = paths.map((path) => (path.startsWith(base) && base !== "/" ? path.slice(base.length) : path));
  const stems = new Set(short.map((path) => path.replace(/\.[^./]*$/, "")));
  const [stem] = stems;
  if (stems.size !== 1 || stem === undefined || short.length < 2) return short.join(" ");
  return `${stem}.{${short.map((path) => path.slice(stem.length + 1)).join(",")}}`;
}
