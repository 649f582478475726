// Reads journal.jsonl: a chain of entries that a crash may have torn and a woken writer may have forked.
import { sha256Hex } from "../core/pki/fingerprints.ts";
import { AppError } from "../core/model/errors.ts";
import type { JournalBody, JournalEntry } from "../core/model/run.ts";

export interface JournalContents {
  readonly entries: readonly JournalEntry[];
  /** False when the file ends in the middle of a line: the next append begins with a line break. */
  readonly endsWithLineBreak: boolean;
}

/** The `sum` before the first entry. */
export const firstSum = "";

/** The line of an entry, line break included. The sum is over the sum before it and the line without its own. */
export function encodeEntry(
  fields: { readonly seq: number; readonly at: number; readonly token: number; readonly body: JournalBody },
  previousSum: string,
): { readonly line: string; readonly entry: JournalEntry } {
  const { seq, at, token, body } = fields;
  const bare = JSON.stringify({ seq, at, token, body });
  const sum = sumOf(previousSum, bare);
  return { line: `${bare.slice(0, -1)},"sum":"${sum}"}\n`, entry: { seq, at, token, body, sum } };
}

/**
 * The entries of a journal. Tolerated, because they are what crashes and lost locks leave:
 * - a fragment of a line, at the end or between entries that follow one another: its append never resolved;
 * - a fragment with a whole line behind it: it came between another's reading of the journal and their first append;
 * - the rest of such a line, further down: its writer was paused in the middle of it and woke when its lock was somebody else's;
 * - entries of a lower token beside those of a higher one: written by a holder whose lock had been taken. They are left out;
 *   what they did to the world was stopped by the fence, or is found by looking at the world.
 * @throws AppError `journal-damaged` with the line of anything else
 */
export function readJournal(bytes: Uint8Array, path: string): JournalContents {
  const text = new TextDecoder().decode(bytes);
  const entries: JournalEntry[] = [];
  const torn: string[] = [];
  text.split("\n").forEach((line, index) => {
    if (line === "" || !completeLine.test(line)) return void torn.push(line);
    const found = findEntry(line);
    if (found !== null) torn.push(found.fragment);
    if (found === null && torn.some((start) => findEntry(start + line) !== null)) return;
    if (found === null || !attach(entries, found.entry, found.text)) {
      throw new AppError("journal-damaged", {
        path,
        line: index + 1,
        reason: "the checksum does not follow",
      });
    }
  });
  return { entries, endsWithLineBreak: text === "" || text.endsWith("\n") };
}

/** What only an append that got to its last byte can leave. */
const completeLine = /,"sum":"([0-9a-f]{16})"\}$/;

interface FoundEntry {
  readonly entry: JournalEntry;
  readonly text: string;
  /** What lies before it on its line; mostly empty. */
  readonly fragment: string;
}

/** The entry that a line ends with. In a text inside an entry quotes are escaped: only an entry itself begins so. */
function findEntry(line: string): FoundEntry | null {
  for (let start = line.indexOf(entryStart); start >= 0; start = line.indexOf(entryStart, start + 1)) {
    const text = line.slice(start);
    const entry = parseLine(text);
    if (entry !== null) return { entry, text, fragment: line.slice(0, start) };
  }
  return null;
}

const entryStart = '{"seq":';

function parseLine(line: string): JournalEntry | null {
  try {
    const value: unknown = JSON.parse(line);
    return isEntry(value) ? value : null;
  } catch {
    return null;
  }
}

/** The checksum vouches for the rest: only the engine writes lines that follow it. */
function isEntry(value: unknown): value is JournalEntry {
  if (typeof value !== "object" || value === null) return false;
  const { seq, token, body } = value as Partial<Record<keyof JournalEntry, unknown>>;
  return typeof seq === "number" && typeof token === "number" && typeof body === "object" && body !== null;
}

/** Puts the entry behind the one it was written after; false when there is none. */
function attach(entries: JournalEntry[], entry: JournalEntry, line: string): boolean {
  const last = entries.at(-1);
  const bare = line.replace(completeLine, "}");
  if (follows(last, entry, bare)) return entries.push(entry) > 0;
  if (last === undefined) return false;
  if (entry.token < last.token) return true;
  if (entry.token === last.token || entry.seq < 2) return false;
  const fork = entries.findIndex(({ seq }) => seq === entry.seq - 1);
  if (fork < 0 || !follows(entries[fork], entry, bare)) return false;
  entries.splice(fork + 1);
  return entries.push(entry) > 0;
}

function follows(last: JournalEntry | undefined, entry: JournalEntry, bare: string): boolean {
  const inOrder = entry.seq === (last?.seq ?? 0) + 1 && entry.token >= (last?.token ?? 0);
  return inOrder && entry.sum === sumOf(last?.sum ?? firstSum, bare);
}

function sumOf(previousSum: string, bare: string): string {
  return sha256Hex(new TextEncoder().encode(previousSum + bare)).slice(0, 16);
}
