// The rest of the world, by the door: clock, randomness, keys, failpoints, an audience.
import type { KeySpec, PrivateKey } from "../../core/pki/keys.ts";
import type { Failpoint } from "../failpoints.ts";
import type { RunEvent } from "../events.ts";

export interface Clock {
  /** ms since the epoch. */
  now(): number;
  /** ms since an arbitrary instant; never goes back and nobody can set it. */
  elapsedMs(): number;
}

export interface Randomness {
  bytes(count: number): Uint8Array;
}

export interface KeyGenerator {
  generate(spec: KeySpec): Promise<PrivateKey>;
}

/** Named places where a test may kill, throw or wait; does nothing in production. */
export interface Failpoints {
  hit(point: Failpoint): void | Promise<void>;
}

export interface Audience {
  tell(event: RunEvent): void;
}
