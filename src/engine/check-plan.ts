// Refuses a plan that is not whole: edited by hand, or with steps that rely on something it does not guard.
import type { Reason } from "../core/model/reasons.ts";
import { parseAddress } from "../core/model/address.ts";
import { AppError } from "../core/model/errors.ts";
import type { ArchiveStep, Plan } from "../core/model/plan.ts";
import type { MakingStep } from "../core/model/making-step.ts";
import { digestOfPlan } from "../core/plan/digest.ts";
import {
  allSteps,
  archiveSteps,
  forgetSteps,
  installSteps,
  issueSteps,
  liveSources,
  objectsOfTemplate,
  replacesKey,
  slotsOfContent,
  sourcesOf,
  sourcesOfContent,
  stageSteps,
  swapSteps,
  takeSteps,
} from "../core/plan/steps.ts";

/** @throws AppError `plan-invalid` with the place in the plan, `refused` for a plan that only says why there is none */
export function checkPlan(plan: Plan): void {
  if (plan.format !== "perennial/plan/v1") throw invalid("format", "the format is unknown");
  if (plan.digest !== digestOfPlan(plan)) throw invalid("digest", "the digest is not that of the content");
  if (plan.refusals.length > 0) throw new AppError("refused", { refusals: plan.refusals });
  checkIds(plan);
  checkGuarded(plan);
  checkWritten(plan);
}

function checkIds(plan: Plan): void {
  const ids = allSteps(plan).map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw invalid(twice, "two steps have this id");
}

function checkGuarded(plan: Plan): void {
  const guarded = new Set(plan.guards.map(({ address }) => address));
  const used = [
    ...issueSteps(plan).flatMap((step) => [...readBy(step), step.authorityKey]),
    ...installSteps(plan).flatMap((step) => [...readBy(step), ...sourcesOf(step)]),
    ...takeSteps(plan).flatMap(({ template }) => objectsOfTemplate(template)),
    ...stageSteps(plan).flatMap(({ object, content }) => [object, ...sourcesOfContent(content)]),
    ...allSteps(plan).flatMap(liveSources),
  ];
  const missing = used.find((address) => !guarded.has(address));
  if (missing !== undefined) throw invalid(missing, "a step uses it but there is no guard");
}

/** A swap needs its bytes staged and its before-image kept; bytes need what goes into them. */
function checkWritten(plan: Plan): void {
  const steps = allSteps(plan);
  // A slot of any step but those behind the swap: who brings the material is the step kind's affair.
  const issued = new Set(
    steps.flatMap((step) =>
      "slot" in step && step.kind !== "prove" && step.kind !== "forget" ? [step.slot] : [],
    ),
  );
  for (const { object, content } of stageSteps(plan)) {
    checkPath(object);
    const lacking = slotsOfContent(content).find((slot) => !issued.has(slot));
    if (lacking !== undefined) throw invalid(object, `nothing is issued for ${lacking}`);
  }
  for (const { file } of forgetSteps(plan)) checkPending(plan, file);
  for (const step of archiveSteps(plan)) {
    checkArchive(step);
    if (plan.nodes !== undefined) checkLeaving(plan, step);
  }
  for (const { object } of swapSteps(plan)) {
    for (const kind of ["stage", "back-up"] as const) {
      const isThere = steps.some((step) => step.kind === kind && step.object === object);
      if (!isThere) throw invalid(object, `it is swapped without a step ${kind}`);
    }
  }
}

/** What is removed is a pending key that the same plan installs, and nothing else. */
function checkPending(plan: Plan, file: string): void {
  checkPath(file);
  const { store, path } = parseAddress(file);
  const isInstalled = installSteps(plan).some(({ key }) => key.mode === "pending" && key.file === file);
  if (store !== "pending" || !isInstalled || !/^\/pending\/[^/]+\/[^/]+\.key$/.test(path))
    throw invalid(file, "it is no pending key of this plan");
}

/** One file in a directory, for somebody. */
function checkArchive({ id, directory, name, recipients }: ArchiveStep): void {
  const isPlain = directory.startsWith("/") && (name === null || /^(?!\.{1,2}$)[^/]+$/.test(name));
  if (!isPlain) throw invalid(id, "the path is not absolute and plain");
  if (recipients.length === 0) throw invalid(id, "recipients is missing");
}

/** No key leaves a node of several that is not named: that is what was approved. */
function checkLeaving(plan: Plan, { id, cluster }: ArchiveStep): void {
  if (cluster === undefined) throw invalid(id, "cluster is missing");
  const present = new Set(
    plan.guards.flatMap(({ address, presence }) => (presence === "present" ? [address] : [])),
  );
  for (const { object, content } of stageSteps(plan)) {
    const { node } = parseAddress(object);
    if (present.has(object) && replacesKey(content) && !cluster.keysOf.includes(node))
      throw invalid(id, `${node} is missing`);
  }
}

/** The path becomes a place in the run's folder. */
function checkPath(object: string): void {
  const { path } = parseAddress(object);
  const segments = path.split("/").slice(1);
  if (path.startsWith("/") && !segments.some((segment) => ["", ".", ".."].includes(segment))) return;
  throw invalid(object, "the path is not absolute and plain");
}

function readBy({ authorityCertificate, template }: MakingStep): readonly string[] {
  return [authorityCertificate, ...objectsOfTemplate(template)];
}

function invalid(path: string, reason: Reason): AppError<"plan-invalid"> {
  return new AppError("plan-invalid", { path, reason });
}
