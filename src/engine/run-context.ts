// What every step handler works with: the ports, the plan, the open journal and what is kept in memory only.
import type { IssuedMaterial } from "../core/plan/compose.ts";
import type { NodeName } from "../core/model/address.ts";
import { AppError, type ErrorParams } from "../core/model/errors.ts";
import type { Refusal } from "../core/model/refusal.ts";
import type { SlotId } from "../core/model/inventory.ts";
import type { MinReady } from "../core/model/readiness.ts";
import type { Plan } from "../core/model/plan.ts";
import type { ChangeWindow, RunId, Staged } from "../core/model/run.ts";
import { nodesOfSteps } from "../core/plan/steps.ts";
import type { PrivateKey } from "../core/pki/keys.ts";
import type { RunView } from "./derive-run.ts";
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
  /** True once the operator said that the clock is right, whatever speaks against it. */
  readonly acceptClock?: boolean;
  /** How many nodes have to report, in place of the plan's number; null waits for none. */
  readonly minReady?: MinReady | null;
  /** What spoke against the clock and was overruled: for the journal. */
  readonly overruled?: readonly Refusal[];
  readonly onEvent?: (event: RunEvent) => void;
}

export type { ChangeWindow } from "../core/model/run.ts";

export interface RunContext {
  readonly ports: EnginePorts;
  readonly plan: Plan;
  readonly run: RunId;
  readonly lock: Lock;
  readonly journal: Journal;
  readonly signal: AbortSignal | undefined;
  readonly window: ChangeWindow | undefined;
  /** In place of the plan's; undefined for the plan's. */
  readonly minReady: MinReady | null | undefined;
  /** Both clocks when this process began, ms: a step of the one that can be set shows between them. */
  readonly begunAt: { readonly wallMs: number; readonly elapsedMs: number };
  readonly tell: (event: RunEvent) => void;
  /** What the guards found, by formatAddress; empty when a run goes on behind `all-staged`. */
  readonly found: ReadonlyMap<string, Observation>;
  /** The node of every step, by id. */
  readonly nodes: ReadonlyMap<string, NodeName>;
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
  /** Workers that this process could not bring through. */
  readonly failedWorkers: ErrorParams["workers-failed"]["failures"][number][];
  /** True while a rollback goes to bytes with which etcd's members cannot agree: no gate would pass any more. */
  revivesExpired: boolean;
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
    failedWorkers: [],
    revivesExpired: false,
  };
  const { signal, window, minReady } = options;
  const { clock } = ports;
  const begunAt = { wallMs: clock.now(), elapsedMs: clock.elapsedMs() };
  const tell = tellerOf(ports, options);
  const nodes = nodesOfSteps(parts.plan);
  return { found: new Map(), ...parts, ports, signal, window, minReady, begunAt, tell, nodes, memory };
}

export function tellerOf(ports: EnginePorts, options: RunOptions): (event: RunEvent) => void {
  return (event) => {
    ports.audience.tell(event);
    options.onEvent?.(event);
  };
}

export function viewOf({ journal, run }: Pick<RunContext, "journal" | "run">): RunView {
  const view = journal.view();
  if (view === null) throw new AppError("run-unknown", { run });
  return view;
}

/** The running node that a step needs. @throws AppError `step-failed` when only files are worked on */
export function liveOf(context: Pick<RunContext, "ports" | "nodes">, { id }: { readonly id: string }): Live {
  if (context.ports.live) return liveOn(context, nodeOf(context, id));
  throw new AppError("step-failed", {
    step: id,
    reason: "it needs the running node, and only files are worked on",
  });
}

/** @throws TypeError when only files are worked on */
export function liveOn({ ports }: Pick<RunContext, "ports">, node: NodeName): Live {
  if (ports.live) return ports.live(node);
  throw new TypeError("only files are worked on");
}

/** @throws TypeError for a step that is not in the plan */
export function nodeOf({ nodes }: Pick<RunContext, "nodes">, step: string): NodeName {
  const node = nodes.get(step);
  if (node === undefined) throw new TypeError(`no step ${step} in the plan`);
  return node;
}

/** Who writes archives. @throws AppError `step-failed` when nobody does */
export function archivesOf({ ports }: Pick<RunContext, "ports">, { id }: { readonly id: string }): Archives {
  if (ports.archives) return ports.archives;
  throw new AppError("step-failed", { step: id, reason: "nothing here can encrypt" });
}

/** `run` is the one that had the window from an earlier command. @throws AppError `outside-window` */
export function checkWindow({ fromAt, toAt }: ChangeWindow, at: number, run?: RunId): void {
  if (at >= fromAt && at <= toAt) return;
  throw new AppError("outside-window", { fromAt, toAt, at, ...(run === undefined ? {} : { run }) });
}

/** More than clocks are corrected by while they run. */
const stepToleranceMs = 5 * 60_000;

/** Dates of new certificates count from the wall clock: one that was set meanwhile has made some of them wrong. @throws AppError `clock-stepped` */
export function checkClock({ ports: { clock }, begunAt }: Pick<RunContext, "ports" | "begunAt">): void {
  const byMs = clock.now() - begunAt.wallMs - (clock.elapsedMs() - begunAt.elapsedMs);
  if (Math.abs(byMs) > stepToleranceMs) throw new AppError("clock-stepped", { byMs: Math.round(byMs) });
}

/** What of a command's options the journal keeps. */
export function keptOptions({ overruled = [], window, minReady }: RunOptions): {
  readonly clock?: readonly Refusal[];
  readonly window?: ChangeWindow;
  readonly minReady?: MinReady | null;
} {
  return {
    ...(overruled.length > 0 ? { clock: overruled } : {}),
    ...(window ? { window } : {}),
    ...(minReady === undefined ? {} : { minReady }),
  };
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
