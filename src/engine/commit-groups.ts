// Groups of staged objects made live, whether a store can do many at once or not.
import { parseAddress } from "../core/model/address.ts";
import type { Staged } from "../core/model/run.ts";
import type { CommitAllOptions, CommitReport, WritableStore } from "./ports/store.ts";

/** See WritableStore.commitAll. */
export async function commitGroups(
  store: WritableStore,
  groups: readonly (readonly Staged[])[],
  options: CommitAllOptions,
): Promise<CommitReport> {
  if (store.commitAll) return store.commitAll(groups, options);
  const committed: Staged[] = [];
  try {
    for (const group of groups) {
      // A pair is never left half done by a signal.
      options.signal?.throwIfAborted();
      for (const staged of group) {
        await store.commit(staged, { fence: () => options.fence(parseAddress(staged.object).node) });
        committed.push(staged);
      }
    }
    return { committed, failure: null };
  } catch (error) {
    return { committed, failure: { error } };
  }
}
