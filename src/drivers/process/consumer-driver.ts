// What stands behind one consumer: a static pod, a systemd unit, a plain process, a user's commands.
import { setTimeout as sleep } from "node:timers/promises";
import type { Startability } from "../../core/model/live.ts";
import type {
  LookOptions,
  ProcessInstance,
  ReviveOptions,
  StopOptions,
} from "../../engine/ports/node-processes.ts";

export interface ConsumerObservation {
  readonly through: string;
  readonly instances: readonly ProcessInstance[];
}

/** The port for one consumer (engine/ports/node-processes.ts); same contract. */
export interface ConsumerDriver {
  look(options?: LookOptions): Promise<ConsumerObservation>;
  stop(options: StopOptions): Promise<readonly string[]>;
  revive(options: ReviveOptions): Promise<void>;
  startability(): Promise<Startability>;
  /** Called before somebody else stops it: what it takes to start it again is kept, or `process-not-stopped` thrown. */
  remember?(): void;
}

export function newestFirst(instances: readonly ProcessInstance[]): readonly ProcessInstance[] {
  return [...instances].sort((a, b) => (b.startedAt ?? 0) - (a.startedAt ?? 0));
}

/** Asks until the answer is true or the time is over, once at least; the last answer. */
export async function waitUntil(
  holds: () => Promise<boolean>,
  options: { readonly seconds: number; readonly pollMs: number; readonly signal?: AbortSignal | undefined },
): Promise<boolean> {
  const until = performance.now() + options.seconds * 1000;
  for (;;) {
    if (await holds()) return true;
    if (performance.now() >= until) return false;
    await sleep(options.pollMs, undefined, options.signal ? { signal: options.signal } : {});
  }
}
