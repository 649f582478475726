// Reads a stream up to a mark, wherever chunks are cut; what nobody waits for is dropped, so noise costs no memory.
import type { Readable } from "node:stream";

export interface MarkWait {
  /** Gets what comes before the mark, in pieces. */
  readonly sink?: (piece: Buffer) => void;
  /** The rest of the mark's line belongs to it. */
  readonly isLine?: boolean;
}

export interface MarkReader {
  /** The rest of the mark's line, or "" when it has none; null when the stream ended before. A new wait takes the place of an old one. */
  until(mark: string, wait?: MarkWait): Promise<string | null>;
  /** What may yet become a mark, and is in no sink. */
  carried(): string;
}

interface Waiting extends MarkWait {
  readonly mark: Buffer;
  readonly settle: (rest: string | null) => void;
}

/** A line that begins with a mark is not longer. */
const longestLine = 4096;
const lineEnd = 10;

export function readMarks(stream: Readable): MarkReader {
  let waiting: Waiting | null = null;
  let carry: Buffer = Buffer.alloc(0);
  let isOver = false;

  function take(): void {
    if (!waiting) {
      carry = Buffer.alloc(0);
      return;
    }
    const { mark, sink, isLine, settle } = waiting;
    const at = carry.indexOf(mark);
    if (at === -1) return giveAway(Math.max(0, carry.length - mark.length + 1));
    const from = at + mark.length;
    const end = isLine ? carry.indexOf(lineEnd, from) : from;
    if (end === -1 && carry.length - from < longestLine) return giveAway(at);
    if (at > 0) sink?.(carry.subarray(0, at));
    const rest = carry.toString("utf8", from, end === -1 ? from : end);
    carry = carry.subarray(end === -1 ? from : isLine ? end + 1 : end);
    waiting = null;
    settle(rest);
  }

  function giveAway(length: number): void {
    if (length === 0) return;
    waiting?.sink?.(carry.subarray(0, length));
    carry = carry.subarray(length);
  }

  function finish(): void {
    if (isOver) return;
    isOver = true;
    const last = waiting;
    waiting = null;
    if (carry.length > 0) last?.sink?.(carry);
    last?.settle(null);
  }

  stream.on("data", (chunk: Buffer) => {
    carry = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    take();
  });
  stream.on("end", finish);
  stream.on("close", finish);
  // The stream's end tells it.
  stream.on("error", finish);

  return {
    carried: () => carry.toString("utf8"),
    until: (mark, wait = {}) =>
      new Promise((settle) => {
        if (isOver) return settle(null);
        waiting = { ...wait, mark: Buffer.from(mark), settle };
        take();
      }),
  };
}
