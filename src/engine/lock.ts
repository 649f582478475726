// The lock of one state directory: one writer at a time, each with a higher token than the one before.
//
// INPUTS   lock/TOKEN in the state directory: eight digits or more, JSON of {@link LockRecord}
// OUTPUTS  a new claim lock/TOKEN; claims long superseded are removed
//
//              create lock/(n+1), exclusive            a higher claim appeared
//   free n ──────────────────────────────▶ claimed n+1 ───────────────────────▶ withdrawn (own claim removed)
//     ▲                                        │ no higher claim
//     │ record rewritten as `free`             ▼
//     └──────────────────────────────────── held n+1 ──▶ holder dead, or the lock broken: someone claims n+2;
//                                                        from then on fence() of n+1 throws `lock-lost`
//
// The claim with the highest token is the lock. A claim is made by an exclusive creation and never renamed over another, and
// the highest one is never removed, so no token is ever held twice: whoever re-creates an old name (it read the directory long
// ago) finds a higher one and withdraws. Renaming claims over one fixed file cannot promise this: a claimant that pauses before
// its rename may later move somebody else's claim of the same name.
import type { NodeName } from "../core/model/address.ts";
import type { Actor } from "../core/model/run.ts";
import { AppError } from "../core/model/errors.ts";
import type { Processes, StateDirectory } from "./ports/state.ts";
import type { Clock, Failpoints } from "./ports/world.ts";

export interface LockPorts {
  readonly state: StateDirectory;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly failpoints: Failpoints;
}

export interface LockRequest {
  /** What the holder does, for the one who is kept out: `renew`, `rollback`. */
  readonly what: string;
  /** Takes the lock even from a holder that lives or may live; its next write fails. */
  readonly breakLock?: boolean;
  /** The token has to be higher than this. */
  readonly above?: number;
}

export interface LockRecord {
  readonly token: number;
  readonly state: "held" | "free";
  readonly holder: Actor;
  /** ms since the epoch. */
  readonly sinceAt: number;
  readonly what: string;
}

export interface Lock {
  readonly token: number;
  /** Call as late as possible before each effect; `node` is where the effect is. @throws AppError `lock-lost` */
  readonly fence: (node?: NodeName) => Promise<void>;
  /** Does nothing when the lock was lost. */
  readonly release: () => Promise<void>;
}

/** Below the state directory. */
export const lockFolder = "lock";

/** Each attempt loses against another claimant that made progress. */
const maxAttempts = 50;

/** A directory is not listed in one instant: superseded claims stay until this many newer ones exist, so that no listing misses all. */
const keptClaims = 8;

/** @throws AppError `locked` with who, since when and what for */
export async function acquireLock(ports: LockPorts, request: LockRequest): Promise<Lock> {
  let last: LockRecord | null = null;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const newest = await newestToken(ports.state);
    last = await readRecord(ports.state, newest);
    if (last !== null && last.state === "held") refuseIfHeld(ports, last, request.breakLock ?? false);
    const record = claimOf(ports, Math.max(newest, request.above ?? 0) + 1, request.what);
    if (await claim(ports, record)) return holdLock(ports, record);
  }
  throw lockedBy(ports, last ?? claimOf(ports, 0, request.what), true);
}

/** What the lock says, for messages; null when it was never taken. */
export async function readLock(state: Pick<StateDirectory, "read" | "list">): Promise<LockRecord | null> {
  return readRecord(state, await newestToken(state));
}

/** Asks only. @throws AppError `locked` unless the lock is free, or its holder is dead for certain */
export async function refuseWhileHeld(ports: Pick<LockPorts, "state" | "processes">): Promise<void> {
  const record = await readLock(ports.state);
  if (record?.state === "held") refuseIfHeld(ports, record, false);
}

function refuseIfHeld(
  ports: Pick<LockPorts, "state" | "processes">,
  record: LockRecord,
  breakLock: boolean,
): void {
  const life = ports.processes.isAlive(record.holder);
  if (life !== "dead" && !breakLock) throw lockedBy(ports, record, life === "alive");
}

function lockedBy(
  { state }: Pick<LockPorts, "state">,
  record: LockRecord,
  alive: boolean,
): AppError<"locked"> {
  const { holder, sinceAt, what } = record;
  const { pid, host } = holder;
  return new AppError("locked", {
    path: `${state.path}/${lockFolder}`,
    holder: whoIs(holder),
    sinceAt,
    what,
    pid,
    host,
    alive,
  });
}

function whoIs({ user, sudoUser }: Actor): string {
  return sudoUser === null ? user : `${user} (${sudoUser})`;
}

function claimOf({ processes, clock }: LockPorts, token: number, what: string): LockRecord {
  return { token, state: "held", holder: processes.self(), sinceAt: clock.now(), what };
}

/** False when somebody else was quicker. */
async function claim({ state, failpoints }: LockPorts, record: LockRecord): Promise<boolean> {
  await failpoints.hit("lock.before-claim");
  if (!(await state.create(fileOf(record.token), encode(record)))) return false;
  await failpoints.hit("lock.after-claim");
  if ((await newestToken(state)) === record.token) return true;
  await state.remove(fileOf(record.token));
  return false;
}

async function holdLock(ports: LockPorts, record: LockRecord): Promise<Lock> {
  const { state, failpoints } = ports;
  await removeSuperseded(state, record.token);
  await failpoints.hit("lock.after-acquire");
  const fence = async (): Promise<void> => {
    const found = await newestToken(state);
    if (found !== record.token) {
      throw new AppError("lock-lost", { path: `${state.path}/${lockFolder}`, token: record.token, found });
    }
  };
  return { token: record.token, fence, release: () => release(ports, record) };
}

async function release({ state, failpoints }: LockPorts, record: LockRecord): Promise<void> {
  await failpoints.hit("lock.before-release");
  if ((await newestToken(state)) !== record.token) return;
  const draft = `${fileOf(record.token)}.free`;
  await state.remove(draft);
  await state.create(draft, encode({ ...record, state: "free" }));
  // A thief may have come meanwhile: then this rewrites a superseded claim, which nobody reads.
  await state.rename(draft, fileOf(record.token));
  await failpoints.hit("lock.after-release");
}

async function removeSuperseded(state: StateDirectory, token: number): Promise<void> {
  for (const name of await state.list(lockFolder)) {
    const old = tokenOf(name);
    if (old !== null && old <= token - keptClaims) await state.remove(`${lockFolder}/${name}`);
  }
}

async function newestToken(state: Pick<StateDirectory, "list">): Promise<number> {
  const names = await state.list(lockFolder);
  return names.reduce((newest, name) => Math.max(newest, claimToken(name) ?? 0), 0);
}

/** Null for a claim that cannot be read: its creation was cut short, or still goes on and will find ours above it. */
async function readRecord(state: Pick<StateDirectory, "read">, token: number): Promise<LockRecord | null> {
  if (token === 0) return null;
  const bytes = await state.read(fileOf(token));
  if (bytes === null) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isRecord(value) && value.token === token ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is LockRecord {
  if (typeof value !== "object" || value === null) return false;
  const { token, state, holder } = value as Partial<Record<keyof LockRecord, unknown>>;
  return (
    typeof token === "number" &&
    (state === "held" || state === "free") &&
    typeof holder === "object" &&
    holder !== null
  );
}

function fileOf(token: number): string {
  return `${lockFolder}/${String(token).padStart(8, "0")}`;
}

function claimToken(name: string): number | null {
  return /^\d{8,15}$/.test(name) ? Number(name) : null;
}

/** The token a file of the lock's folder belongs to, drafts of a release included. */
function tokenOf(name: string): number | null {
  return claimToken(name.replace(/\.free$/, ""));
}

function encode(record: LockRecord): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(record)}\n`);
}
