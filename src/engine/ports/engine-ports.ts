// Everything the engine needs from outside, in one bundle. The engine never asks a port what kind it is.
import type { Archives } from "./archives.ts";
import type { LiveNodes } from "./live.ts";
import type { NodeName } from "../../core/model/address.ts";
import type { Actor, RunId } from "../../core/model/run.ts";
import type { LockPlace } from "../cluster-lock.ts";
import type { StateDirectory, Processes } from "./state.ts";
import type { WritableStore } from "./store.ts";
import type { Audience, Clock, Failpoints, KeyGenerator, Randomness } from "./world.ts";

export interface EnginePorts {
  /** One store for every address of the plan; who has several puts a store that delegates in front. */
  readonly store: WritableStore;
  readonly state: StateDirectory;
  /**
   * Where the lock is, when that is not `state`: two operators with state directories of their own exclude each other too.
   * One place for every node that is written to.
   */
  readonly locks?: readonly LockPlace[];
  /** Copies of plan and journal on the nodes, for a colleague on another machine. */
  readonly copies?: RunCopies;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly keys: KeyGenerator;
  readonly failpoints: Failpoints;
  readonly audience: Audience;
  /** The running nodes; absent when only files are worked on. */
  readonly live?: LiveNodes;
  /** Writes encrypted archives; absent when the plan has none. */
  readonly archives?: Archives;
  readonly toolVersion: string;
}

export interface RunCopies {
  /** Brings the copies up to date; nodes that could not be written to. Never throws for what a node may be. */
  update(run: RunId): Promise<readonly NodeName[]>;
  /**
   * Under the lock, before an existing run is opened: when a node's copy of its journal is newer than ours, or we have none, it becomes ours, with
   * an entry `adopted` at its end. null when ours is the newest.
   * @throws AppError `journal-damaged` when it cannot be said which is; what a node throws that cannot be asked
   */
  adopt(run: RunId, claim: { readonly at: number; readonly token: number }): Promise<Adopted | null>;
}

export interface Adopted {
  readonly run: RunId;
  readonly from: NodeName;
  readonly begunBy: Actor;
  /** etcd's snapshot lies where the run was begun, and stays there. */
  readonly hasSnapshot: boolean;
}
