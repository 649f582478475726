// Whether the disk of the state directory has room for a run: asked before anything is written, since a journal that cannot
// be continued stops a run half-way.
import { parseAddress } from "../core/model/address.ts";
import { AppError } from "../core/model/errors.ts";
import type { Plan } from "../core/model/plan.ts";
import { lockNeed, stateNeedOf, type StateNeed } from "../core/plan/state-need.ts";
import { diskSpaceAt, type DiskSpace } from "../drivers/shared/disk-space.ts";
import type { Store } from "../engine/ports/store.ts";
import { type LocalNode, lockDirectoryOf, stateDirectoryOf } from "./local-node.ts";

/** Throws `state-full`. Cannot promise: others may fill the disk later, and then the run stops and can be taken back. */
export async function preflightState(local: LocalNode, plan: Plan, store: Store): Promise<void> {
  const [path, lockPath] = [stateDirectoryOf(local), lockDirectoryOf(local)];
  const space = diskSpaceAt(path);
  refuseFull(space, stateNeedOf(plan, await sizesOf(plan, store), space.blockBytes), { path, keeps: "run" });
  const lockSpace = diskSpaceAt(lockPath);
  if (lockSpace.device !== space.device) refuseFull(lockSpace, lockNeed, { path: lockPath, keeps: "lock" });
}

/** Bytes of the objects that the plan writes, by formatAddress; absent ones have none. */
export async function sizesOf(plan: Plan, store: Store): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for (const { address } of plan.guards.filter(({ use }) => use === "written")) {
    const observation = await store.read(parseAddress(address));
    if (observation.state === "absent") continue;
    sizes.set(address, observation.bytes.length);
    observation.bytes.fill(0);
  }
  return sizes;
}

function refuseFull(
  { path: on, freeBytes, freeFiles }: DiskSpace,
  need: StateNeed,
  about: { readonly path: string; readonly keeps: "run" | "lock" },
): void {
  if (freeBytes !== null && freeBytes < need.bytes)
    throw new AppError("state-full", { ...about, on, lacks: "bytes", needed: need.bytes, free: freeBytes });
  if (freeFiles !== null && freeFiles < need.files)
    throw new AppError("state-full", { ...about, on, lacks: "inodes", needed: need.files, free: freeFiles });
}
