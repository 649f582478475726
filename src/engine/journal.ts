// The journal of one run, open for appending: each entry is on disk before the call resolves.
import type { JournalBody, JournalEntry, RunId } from "../core/model/run.ts";
import { growingView, type RunView } from "./derive-run.ts";
import type { Lock } from "./lock.ts";
import type { StateDirectory } from "./ports/state.ts";
import type { Clock, Failpoints } from "./ports/world.ts";
import { encodeEntry, firstSum, readJournal } from "./read-journal.ts";

export interface Journal {
  /**
   * Appends the bodies in one durable write, under the lock. After a failed append every further one fails with the same
   * error: what a failed sync left on disk is not known (fsync is not retried).
   * @throws AppError `lock-lost`, and what the state directory throws
   */
  append(...bodies: readonly JournalBody[]): Promise<void>;
  /** Everything appended so far, what was there on opening included. */
  entries(): readonly JournalEntry[];
  /** What they add up to; null before the first. */
  view(): RunView | null;
}

export interface JournalPorts {
  readonly state: StateDirectory;
  readonly clock: Clock;
  readonly failpoints: Failpoints;
}

/** Opens the journal of a run, existing or not. @throws AppError `journal-damaged` */
export async function openJournal(ports: JournalPorts, run: RunId, lock: Lock): Promise<Journal> {
  const file = journalFile(run);
  const bytes = (await ports.state.read(file)) ?? new Uint8Array();
  const { entries: found, endsWithLineBreak } = readJournal(bytes, `${ports.state.path}/${file}`);
  let entries = found;
  let separator = endsWithLineBreak ? "" : "\n";
  let failure: { readonly error: unknown } | null = null;

  /** Nodes may be worked on at the same time: what they say is written one after the other. */
  let last: Promise<unknown> = Promise.resolve();
  function append(...bodies: readonly JournalBody[]): Promise<void> {
    const mine = last.then(() => appendNow(bodies));
    last = mine.catch(() => {});
    return mine;
  }

  async function appendNow(bodies: readonly JournalBody[]): Promise<void> {
    if (failure !== null) throw failure.error;
    if (bodies.length === 0) return;
    await ports.failpoints.hit("journal.before-append");
    await lock.fence();
    const { text, added } = encodeAll(entries, bodies, { at: ports.clock.now(), token: lock.token });
    try {
      await ports.state.append(file, new TextEncoder().encode(separator + text));
    } catch (error) {
      failure = { error };
      throw error;
    }
    entries = [...entries, ...added];
    separator = "";
    await ports.failpoints.hit("journal.after-append");
  }

  const viewOf = growingView();
  return { append, entries: () => entries, view: () => viewOf(entries) };
}

export function runFolder(run: RunId): string {
  return `runs/${run}`;
}

export function journalFile(run: RunId): string {
  return `${runFolder(run)}/journal.jsonl`;
}

function encodeAll(
  entries: readonly JournalEntry[],
  bodies: readonly JournalBody[],
  { at, token }: { readonly at: number; readonly token: number },
): { readonly text: string; readonly added: readonly JournalEntry[] } {
  const added: JournalEntry[] = [];
  const lines = bodies.map((body) => {
    const last = added.at(-1) ?? entries.at(-1);
    const { line, entry } = encodeEntry(
      { seq: (last?.seq ?? 0) + 1, at, token, body },
      last?.sum ?? firstSum,
    );
    added.push(entry);
    return line;
  });
  return { text: lines.join(""), added };
}
