// Everything the engine needs from outside, in one bundle. The engine never asks a port what kind it is.
import type { Archives } from "./archives.ts";
import type { Live } from "./live.ts";
import type { StateDirectory, Processes } from "./state.ts";
import type { WritableStore } from "./store.ts";
import type { Audience, Clock, Failpoints, KeyGenerator, Randomness } from "./world.ts";

export interface EnginePorts {
  /** One store for every address of the plan; who has several puts a store that delegates in front. */
  readonly store: WritableStore;
  readonly state: StateDirectory;
  /** Where the lock is, when that is not `state`: two operators with state directories of their own exclude each other too. */
  readonly lockState?: StateDirectory;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly keys: KeyGenerator;
  readonly failpoints: Failpoints;
  readonly audience: Audience;
  /** The running node; absent when only its files are worked on. */
  readonly live?: Live;
  /** Writes encrypted archives; absent when the plan has none. */
  readonly archives?: Archives;
  readonly toolVersion: string;
}
