// What every step handler works with: the ports, the plan, the open journal and what is kept in memory only.
import type { IssuedMaterial } from "../core/plan/compose.ts";
import { AppError } from "../core/model/errors.ts";
import type { SlotId } from "../core/model/inventory.ts";
import type { Plan } from "../core/model/plan.ts";
import type { RunId, Staged } from "../core/model/run.ts";
import type { PrivateKey } from "../core/pki/keys.ts";
import { deriveRun, type RunView } from "./derive-run.ts";
import type { RunEvent } from "./events.ts";
import type { Journal } from "./journal.ts";
import type { Lock } from "./lock.ts";
import type { Archives } from "./ports/archives.ts";
import type { Live } from "./ports/live.ts";
import type { EnginePorts } from "./ports/engine-ports.ts";
import type { Observation } from "./ports/store.ts";

export interface RunOptions {
  readonly ticket?: string | null;
  readonly reason?: string | null;
  /** See LockRequest. */
  readonly breakLock?: boolean;
  /** Before the swap: the run is abandoned. In the swap: the current pair is finished, then the run stops as `interrupted`. */
  readonly signal?: AbortSignal;
  /** No live byte is changed before `fromAt` or after `toAt` (ms): the run is abandoned then. What was begun in time is finished. */
  readonly window?: ChangeWindow;
  readonly onEvent?: (event: RunEvent) => void;
}

export interface ChangeWindow {
  readonly fromAt: number;
  readonly toAt: number;
}

export interface RunContext {
  readonly ports: EnginePorts;
  readonly plan: Plan;
  readonly run: RunId;
  readonly lock: Lock;
  readonly journal: Journal;
  readonly signal: AbortSignal | undefined;
  readonly window: ChangeWindow | undefined;
  readonly tell: (event: RunEvent) => void;
  /** What the guards found, by formatAddress; empty when a run goes on behind `all-staged`. */
  readonly found: ReadonlyMap<string, Observation>;
  readonly memory: RunMemory;
}

/** Never written anywhere; private keys among it. */
export interface RunMemory {
  /** Keys by id of their issue step, begun before everything else: they are made in the thread pool while files are backed up. */
  readonly keys: Map<string, Promise<PrivateKey>>;
  readonly material: Map<SlotId, IssuedMaterial>;
  /** New bytes by formatAddress, until they were verified. */
  readonly composed: Map<string, Uint8Array>;
  /** Also what the journal could not be told of. */
  readonly staged: Map<string, Staged>;
  /** True from just before the first live byte that this process changes. */
  liveTouched: boolean;
}

export interface ContextParts {
  readonly plan: Plan;
  readonly run: RunId;
  readonly lock: Lock;
  readonly journal: Journal;
  readonly found?: ReadonlyMap<string, Observation>;
  /** Keys that are being made already. */
  readonly keys?: RunMemory["keys"];
}

export function createContext(
  ports: EnginePorts,
  options: RunOptions,
  { keys = new Map(), ...parts }: ContextParts,
): RunContext {
  const memory = {
    keys,
    material: new Map(),
    composed: new Map(),
    staged: new Map(),
    liveTouched: false,
  };
  const { signal, window } = options;
  return { found: new Map(), ...parts, ports, signal, window, tell: tellerOf(ports, options), memory };
}

export function tellerOf(ports: EnginePorts, options: RunOptions): (event: RunEvent) => void {
  return (event) => {
    ports.audience.tell(event);
    options.onEvent?.(event);
  };
}

export function viewOf({ journal, run }: Pick<RunContext, "journal" | "run">): RunView {
  const view = deriveRun(journal.entries());
  if (view === null) throw new AppError("run-unknown", { run });
  return view;
}

/** The running node that a step needs. @throws AppError `step-failed` when only files are worked on */
export function liveOf({ ports }: Pick<RunContext, "ports">, { id }: { readonly id: string }): Live {
  if (ports.live) return ports.live;
  throw new AppError("step-failed", {
    step: id,
    reason: "it needs the running node, and only files are worked on",
  });
}

/** Who writes archives. @throws AppError `step-failed` when nobody does */
export function archivesOf({ ports }: Pick<RunContext, "ports">, { id }: { readonly id: string }): Archives {
  if (ports.archives) return ports.archives;
  throw new AppError("step-failed", { step: id, reason: "nothing here can encrypt" });
}

/** @throws AppError `outside-window` */
export function checkWindow({ fromAt, toAt }: ChangeWindow, at: number): void {
  if (at < fromAt || at > toAt) throw new AppError("outside-window", { fromAt, toAt, at });
}

/** Stops between effects. @throws AppError `interrupted` */
export function checkSignal({ signal }: Pick<RunContext, "signal">): void {
  if (signal?.aborted) throw new AppError("interrupted", { signal: nameOf(signal.reason) });
}

function nameOf(reason: unknown): string {
  return typeof reason === "string" ? reason : "abort";
}

/** Overwrites what can be overwritten; key objects of the crypto library go with the garbage. */
export function forgetSecrets({ memory, found }: RunContext): void {
  for (const observation of found.values()) if (observation.state === "present") observation.bytes.fill(0);
  for (const { keyPem } of memory.material.values()) keyPem.fill(0);
  for (const bytes of memory.composed.values()) bytes.fill(0);
  memory.material.clear();
  memory.composed.clear();
}
