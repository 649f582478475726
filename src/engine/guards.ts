// Looks again: the objects a plan relies on, compared with what it was made from.
import { parseAddress } from "../core/model/address.ts";
import type { PlanDifference } from "../core/model/errors-runs.ts";
import type { Guard } from "../core/model/plan.ts";
import type { Observation, Present, Store } from "./ports/store.ts";

export interface GuardReport {
  /** By formatAddress. */
  readonly found: ReadonlyMap<string, Observation>;
  readonly differences: readonly PlanDifference[];
}

/** Reads every guarded object once, all at the same time. @throws AppError what the store throws when it could not look */
export async function readGuards(
  store: Store,
  guards: readonly Guard[],
  signal?: AbortSignal,
): Promise<GuardReport> {
  const observations = await Promise.all(
    guards.map(({ address, use }) => {
      // Labels of what is written go into its before-image.
      const options = { labels: use === "written", ...(signal === undefined ? {} : { signal }) };
      return store.read(parseAddress(address), options);
    }),
  );
  const pairs = guards.flatMap((guard, index) => {
    const observation = observations[index];
    return observation === undefined ? [] : [{ guard, observation }];
  });
  return {
    found: new Map(pairs.map(({ guard, observation }) => [guard.address, observation])),
    differences: pairs.flatMap(({ guard, observation }) => compareGuard(guard, observation)),
  };
}

/** Every difference, each with the planned value and the present one. */
function compareGuard(guard: Guard, observation: Observation): readonly PlanDifference[] {
  const { address } = guard;
  if (guard.presence !== observation.state) {
    return [{ address, what: "presence", planned: guard.presence, found: observation.state }];
  }
  if (observation.state === "absent") return [];
  const compared = [
    { address, what: "bytes", planned: guard.sha256, found: observation.sha256 },
    { address, what: "mode", planned: guard.mode, found: formatMode(observation.attributes.mode) },
    { address, what: "owner", planned: `${guard.uid}:${guard.gid}`, found: ownerOf(observation) },
    { address, what: "link", planned: guard.link ?? "none", found: observation.link ?? "none" },
  ] as const satisfies readonly PlanDifference[];
  return compared.filter(({ planned, found }) => planned !== found);
}

/** `0600`; with set-id or sticky bits `4755`. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

function ownerOf({ attributes }: Present): string {
  return `${attributes.uid}:${attributes.gid}`;
}
