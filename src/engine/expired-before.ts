// Which certificates would be expired again after a rollback.
import type { NodeName } from "../core/model/address.ts";
import type { SlotId } from "../core/model/inventory.ts";
import type { StageStep } from "../core/model/plan.ts";
import { extractCertificates } from "../core/plan/extract.ts";
import { allSteps, stageSteps } from "../core/plan/steps.ts";
import { membersOf } from "./members.ts";
import { readImage } from "./undo-swaps.ts";
import { nodeOf, viewOf, type RunContext } from "./run-context.ts";

/** Of one node, or of all. Names as the plan gives them, each once, in the plan's order; certificates inside kubeconfigs included. */
export async function expiredBefore(context: RunContext, node?: NodeName): Promise<readonly string[]> {
  const names = new Map(
    allSteps(context.plan).flatMap((step) => ("slot" in step ? [[step.slot, step.name] as const] : [])),
  );
  const slots = await expiredSlotsBefore(context, node);
  return [...new Set(slots.map((slot) => names.get(slot) ?? slot))];
}

/** True when etcd's members would have to agree with certificates that have expired. */
export async function isEtcdExpiredBefore(context: RunContext): Promise<boolean> {
  const servers = new Set(membersOf(context).map(({ access }) => access.server));
  if (servers.size === 0) return false;
  const slots = await expiredSlotsBefore(context);
  return slots.some((slot) => servers.has(slot) || slot.endsWith("/etcd-peer"));
}

async function expiredSlotsBefore(context: RunContext, node?: NodeName): Promise<readonly SlotId[]> {
  const expired = new Set<SlotId>();
  for (const step of stageSteps(context.plan)) {
    if (node !== undefined && nodeOf(context, step.id) !== node) continue;
    for (const slot of await expiredSlots(context, step)) expired.add(slot);
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
