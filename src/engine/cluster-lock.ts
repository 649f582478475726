// One lock over several state directories: the operator's own and those of every node that is written to, all with one token.
//
//   read every place ─▶ token = highest + 1 ─▶ claim it place by place ─▶ all got it: held
//                                                   │ one is held, or somebody was quicker
//                                                   └▶ give back what was taken; `locked`, or again above the highest
//
// Nobody waits while he holds something, so two claimants cannot block each other.
import type { NodeName } from "../core/model/address.ts";
import { AppError, isAppError } from "../core/model/errors.ts";
import {
  acquireLock,
  type Lock,
  type LockPorts,
  type LockRequest,
  readLock,
  refuseWhileHeld,
} from "./lock.ts";
import type { EnginePorts } from "./ports/engine-ports.ts";
import type { StateDirectory } from "./ports/state.ts";

export interface LockPlace {
  /** null for the operator's own state directory, when that is none of a node's. */
  readonly node: NodeName | null;
  readonly state: StateDirectory;
  /** True when its paths are those of the machine that the tool runs on, as the operator's own always are. */
  readonly isHere?: boolean;
}

/** Each attempt loses against another claimant that made progress. */
const maxAttempts = 20;

/** @throws AppError `locked` with the place, who, since when and what for */
export async function acquireLocks(
  ports: Omit<LockPorts, "state">,
  places: readonly LockPlace[],
  request: LockRequest,
): Promise<Lock> {
  const [first] = places;
  if (!first) throw new TypeError("a lock needs a place");
  if (places.length === 1) return acquireLock({ ...ports, state: first.state }, request);
  let above = await highestToken(places);
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const held = await claimAll(ports, places, { ...request, above });
    const tokens = held.map(({ lock }) => lock.token);
    const highest = Math.max(...tokens);
    if (tokens.every((token) => token === highest)) return joined(held, highest);
    await releaseAll(held);
    above = highest;
  }
  throw new AppError("locked", {
    path: first.state.path,
    holder: "",
    sinceAt: ports.clock.now(),
    what: request.what,
    pid: 0,
    host: "",
    alive: true,
  });
}

/** Whether somebody is at work in one of the places. @throws AppError `locked`, with the node */
export async function refuseWhereHeld({
  processes,
  locks = [],
}: Pick<EnginePorts, "processes" | "locks">): Promise<void> {
  for (const { node, state } of locks) await refuseWhileHeld({ processes, state }).catch(onNode(node));
}

interface Held {
  readonly node: NodeName | null;
  readonly lock: Lock;
}

async function highestToken(places: readonly LockPlace[]): Promise<number> {
  const records = await Promise.all(places.map(({ state }) => readLock(state)));
  return Math.max(0, ...records.map((record) => record?.token ?? 0));
}

async function claimAll(
  ports: Omit<LockPorts, "state">,
  places: readonly LockPlace[],
  request: LockRequest,
): Promise<readonly Held[]> {
  const held: Held[] = [];
  try {
    for (const { node, state } of places)
      held.push({ node, lock: await acquireLock({ ...ports, state }, request).catch(onNode(node)) });
    return held;
  } catch (error) {
    // Why it was not had is what counts; a claim that cannot be given back is found to be of a dead holder.
    await releaseAll(held).catch(() => {});
    throw error;
  }
}

/** The same path is on every node: whoever is kept out wants to know where. */
function onNode(node: NodeName | null): (error: unknown) => never {
  return (error) => {
    if (node === null || !isAppError(error, "locked")) throw error;
    throw new AppError("locked", { ...error.params, node }, { cause: error.cause });
  };
}

/** A place that cannot be reached any more keeps none of the others locked. @throws what the first of them throws */
async function releaseAll(held: readonly Held[]): Promise<void> {
  const ends: PromiseSettledResult<void>[] = [];
  for (const { lock } of held.toReversed()) ends.push(...(await Promise.allSettled([lock.release()])));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

function joined(held: readonly Held[], token: number): Lock {
  const [main] = held;
  if (!main) throw new TypeError("a lock needs a place");
  return {
    token,
    fence: (node) => (held.find((each) => each.node === node) ?? main).lock.fence(),
    release: () => releaseAll(held),
  };
}
