// Which of several journals of one run is the run's: pure. Copies on nodes lag behind, and two operators may have gone on from the same place.
import { AppError } from "../core/model/errors.ts";
import type { JournalBody, JournalEntry } from "../core/model/run.ts";
import { encodeEntry, firstSum } from "./read-journal.ts";

export interface KnownJournal<T> {
  /** Where it was found. */
  readonly from: T;
  /** For messages. */
  readonly path: string;
  readonly entries: readonly JournalEntry[];
}

/**
 * The longest, when each is the beginning of the next. Where two go different ways behind a common beginning the one that goes on with
 * the higher token is the run's: the other's lock had been taken, and what it did to the world is found by looking at the world.
 * undefined for none.
 * @throws AppError `journal-damaged` when they part under one token, which no lock allows
 */
export function chooseJournal<T>(all: readonly KnownJournal<T>[]): KnownJournal<T> | undefined {
  return all.reduce<KnownJournal<T> | undefined>((best, other) => {
    if (best === undefined) return other;
    const at = parting(best.entries, other.entries);
    const [mine, theirs] = [best.entries[at], other.entries[at]];
    if (theirs === undefined) return best;
    if (mine === undefined || theirs.token > mine.token) return other;
    if (theirs.token < mine.token) return best;
    throw new AppError("journal-damaged", {
      path: other.path,
      line: at + 1,
      reason: "it parts from another copy of the same journal",
    });
  }, undefined);
}

/** Index of the first entry that is not the same in both; sums go back to the first entry. */
function parting(a: readonly JournalEntry[], b: readonly JournalEntry[]): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) if (a[at]?.sum !== b[at]?.sum) return at;
  return shorter;
}

/** The journal's text, with one entry more at its end. */
export function withEntry(
  entries: readonly JournalEntry[],
  added: { readonly at: number; readonly token: number; readonly body: JournalBody },
): string {
  const last = entries.at(-1);
  const next = { ...added, seq: (last?.seq ?? 0) + 1 };
  let sum = firstSum;
  const lines = entries.map((entry) => {
    const encoded = encodeEntry(entry, sum);
    sum = encoded.entry.sum;
    return encoded.line;
  });
  return lines.join("") + encodeEntry(next, sum).line;
}
