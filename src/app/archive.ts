// The encrypted archive of a run: what the operator asked for, and whether it can be written. The library is loaded by who asks.
import type { ArchiveChoice, Plan } from "../core/model/plan.ts";
import { stateNeedOf } from "../core/plan/state-need.ts";
import { archiveSteps } from "../core/plan/steps.ts";
import { openArchives } from "../drivers/archive/archives.ts";
import { readRecipients } from "../drivers/archive/recipients.ts";
import { placeOf, tryPlace } from "../drivers/archive/target.ts";
import type { Store } from "../engine/ports/store.ts";
import { sizesOf } from "./state-preflight.ts";

export { openArchives };

/**
 * `to` is a directory or a file that is not there yet; recipients are `age1...` or files of them. Nothing is written.
 * @throws AppError `recipient-invalid`, `archive-target`
 */
export async function chooseArchive(to: string, recipients: readonly string[]): Promise<ArchiveChoice> {
  const known = await readRecipients(recipients);
  return { ...placeOf(to), recipients: known };
}

/**
 * Before the lock is taken. etcd's data, whose size is not known yet, is counted when it is there, before the first byte is written.
 * @throws AppError `archive-target`, `archive-full`, `recipient-invalid` (a plan that was changed)
 */
export async function preflightArchive(plan: Plan, store: Store): Promise<void> {
  for (const step of archiveSteps(plan)) {
    await readRecipients(step.recipients);
    tryPlace(step, stateNeedOf(plan, await sizesOf(plan, store), 4096).bytes);
  }
}
