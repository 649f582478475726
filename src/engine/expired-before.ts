// Which certificates would be expired again after a rollback.
import type { NodeName } from "../core/model/address.ts";
import type { StageStep } from "../core/model/plan.ts";
import { extractCertificates } from "../core/plan/extract.ts";
import { allSteps, stageSteps } from "../core/plan/steps.ts";
import { readImage } from "./undo-swaps.ts";
import { nodeOf, viewOf, type RunContext } from "./run-context.ts";

/** Of one node, or of all. Names as the plan gives them, each once, in the plan's order; certificates inside kubeconfigs included. */
export async function expiredBefore(context: RunContext, node?: NodeName): Promise<readonly string[]> {
  const names = new Map(
    allSteps(context.plan).flatMap((step) => ("slot" in step ? [[step.slot, step.name] as const] : [])),
  );
  const expired = new Set<string>();
  for (const step of stageSteps(context.plan)) {
    if (node !== undefined && nodeOf(context, step.id) !== node) continue;
    for (const slot of await expiredSlots(context, step)) expired.add(names.get(slot) ?? slot);
  }
  return [...expired];
}

/** Only of objects that the run began to change. */
async function expiredSlots(context: RunContext, { object, content }: StageStep): Promise<readonly string[]> {
  const view = viewOf(context);
  const swap = allSteps(context.plan).find((step) => step.kind === "swap" && step.object === object);
  const image = view.images.get(object);
  if (!swap || view.steps.get(swap.id)?.intent !== true || !image || image.file === null) return [];
  const now = context.ports.clock.now();
  const bytes = await readImage(context, image);
  const old = extractCertificates(bytes, content);
  bytes.fill(0);
  return old.flatMap(({ slot, certificate }) => (certificate && certificate.notAfter < now ? [slot] : []));
}
