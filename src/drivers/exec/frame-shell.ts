// One long-lived shell that runs frames, one at a time: what it said, and what ends a frame too early. How it is begun: open-frame-shell.ts.
// INPUTS: a process whose standard streams lead to a shell. OUTPUTS: those of the scripts.
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { ShellResult } from "../shared/host.ts";
import { encodeFrame } from "./frame-loop.ts";
import type { readMarks } from "./mark-reader.ts";

export interface FrameOptions {
  readonly input: Uint8Array;
  readonly timeoutMs: number;
  readonly limitBytes: number;
  readonly signal: AbortSignal | undefined;
}

export type FrameEnd =
  | { readonly kind: "done"; readonly result: ShellResult }
  /** The far side no longer answers. */
  | { readonly kind: "lost"; readonly words: string }
  | { readonly kind: "late" | "too-much" | "aborted" };

export interface FrameShell {
  readonly word: string;
  /** The loop's own numbers over there; group 0 is not known. */
  readonly pid: number;
  readonly group: number;
  isAlive(): boolean;
  /** With another end than `done` the shell must not be used again. */
  run(script: string, options: FrameOptions): Promise<FrameEnd>;
  /** Lets the loop read its end; true when it went by itself in that time. */
  end(graceMs: number): Promise<boolean>;
  /** Ends this side of it at once. */
  drop(): void;
}

/** Of what a shell says on stderr. */
export const stderrLimit = 4096;

/** This side of a shell. */
export interface ShellStreams {
  readonly word: string;
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<number | null>;
  readonly out: ReturnType<typeof readMarks>;
  readonly err: ReturnType<typeof readMarks>;
}

/** What the loop said of itself when it had begun. */
export interface LoopReady {
  readonly pid: number;
  readonly group: number;
  readonly byLength: boolean;
}

export function frameShell({ word, child, out, err, ended }: ShellStreams, ready: LoopReady): FrameShell {
  let [count, isOver] = [0, false];
  void ended.then(() => {
    isOver = true;
  });
  holdLoop(child, false);

  async function answer(number: number, output: Output): Promise<FrameEnd> {
    const [rest, errRest] = await Promise.all([
      out.until(`\n${word}-${number} `, { sink: output.out, isLine: true }),
      err.until(`\n${word}-${number}\n`, { sink: output.err }),
    ]);
    if (rest === null || errRest === null) {
      await ended;
      return { kind: "lost", words: output.words() };
    }
    return { kind: "done", result: output.result(Number(rest)) };
  }

  async function run(script: string, options: FrameOptions): Promise<FrameEnd> {
    const number = ++count;
    const early = watch(options);
    const output = collect(options.limitBytes, () => early.end({ kind: "too-much" }));
    holdLoop(child, true);
    try {
      const answered = answer(number, output);
      child.stdin.write(encodeFrame(word, { number, script, input: options.input }, ready.byLength));
      return await Promise.race([answered, early.ended]);
    } finally {
      early.stop();
      holdLoop(child, false);
    }
  }

  async function end(graceMs: number): Promise<boolean> {
    holdLoop(child, true);
    child.stdin.end();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), graceMs);
    });
    const first = await Promise.race([ended, late]);
    clearTimeout(timer);
    return first !== "late";
  }

  return {
    word,
    pid: ready.pid,
    group: ready.group,
    isAlive: () => !isOver,
    run,
    end,
    drop: () => {
      isOver = true;
      child.kill("SIGKILL");
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    },
  };
}

/** A shell that waits for nothing keeps no process alive that has ended otherwise. */
function holdLoop(child: ChildProcessWithoutNullStreams, isHeld: boolean): void {
  const verb = isHeld ? "ref" : "unref";
  child[verb]();
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    (stream as { ref?: () => void; unref?: () => void })[verb]?.();
  }
}

function watch({ timeoutMs, signal }: FrameOptions): {
  readonly ended: Promise<FrameEnd>;
  end(how: FrameEnd): void;
  stop(): void;
} {
  let end: (how: FrameEnd) => void = () => undefined;
  const ended = new Promise<FrameEnd>((resolve) => {
    end = resolve;
  });
  const timer = setTimeout(() => end({ kind: "late" }), timeoutMs);
  const onAbort = (): void => end({ kind: "aborted" });
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  return {
    ended,
    end: (how) => end(how),
    stop: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

interface Output {
  readonly out: (piece: Buffer) => void;
  readonly err: (piece: Buffer) => void;
  words(): string;
  result(code: number): ShellResult;
}

function collect(limitBytes: number, onTooMuch: () => void): Output {
  const pieces: Buffer[] = [];
  let [size, stderr] = [0, Buffer.alloc(0)];
  return {
    out: (piece) => {
      size += piece.length;
      if (size > limitBytes) {
        pieces.length = 0;
        onTooMuch();
      } else pieces.push(piece);
    },
    err: (piece) => {
      if (stderr.length < stderrLimit) stderr = Buffer.concat([stderr, piece]).subarray(0, stderrLimit);
    },
    words: () => stderr.toString("utf8"),
    result: (code) => ({ code, stdout: Buffer.concat(pieces), stderr: stderr.toString("utf8") }),
  };
}
