// One long-lived shell that runs frames, one at a time: how it is begun, what it said, and what ends a frame too early.
// INPUTS: a process whose standard streams lead to a shell. OUTPUTS: those of the scripts.
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { ShellResult } from "../shared/host.ts";
import { bootCode, encodeFrame, loopLine, neededTools, sudoLine } from "./frame-loop.ts";
import { readMarks } from "./mark-reader.ts";

/** Why no shell came about; whoever opened it knows what to call that. */
export type OpeningFault =
  | { readonly kind: "ended"; readonly code: number | null; readonly words: string }
  | { readonly kind: "late"; readonly words: string }
  | { readonly kind: "missing"; readonly tools: readonly string[] }
  | {
      readonly kind: "sudo";
      readonly reason: "needed" | "wrong" | "ended";
      readonly code: number | null;
      readonly words: string;
    };

export class OpeningFailed extends Error {
  readonly fault: OpeningFault;

  constructor(fault: OpeningFault) {
    super(`no shell: ${fault.kind}`);
    this.fault = fault;
  }
}

export interface OpeningOptions {
  readonly word: string;
  /** Starts the shell with the code as its `-c`. */
  readonly start: (code: string) => ChildProcessWithoutNullStreams;
  readonly timeoutMs: number;
  readonly sudo: null | { readonly password: (() => Promise<string>) | null };
  /** Default {@link neededTools}. */
  readonly tools?: readonly string[];
}

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

const stderrLimit = 4096;

/** Keeps the last bytes, as text. */
function keepLast(limit: number): { readonly sink: (piece: Buffer) => void; text(): string } {
  let kept = Buffer.alloc(0);
  return {
    sink: (piece) => {
      kept = Buffer.concat([kept, piece.subarray(-limit)]).subarray(-limit);
    },
    text: () => kept.toString("utf8"),
  };
}

/**
 * Opens a shell, becomes root through sudo when asked to, and starts the loop.
 * @throws OpeningFailed; whatever the password's source throws
 */
export async function openFrameShell(options: OpeningOptions): Promise<FrameShell> {
  const child = options.start(bootCode(options.word, "up"));
  const said = keepLast(stderrLimit);
  const ended = new Promise<number | null>((resolve) => {
    child.on("close", resolve);
    child.on("error", (error) => {
      said.sink(Buffer.from(error.message));
      resolve(null);
    });
  });
  // What cannot be written is told by the end of the other streams.
  child.stdin.on("error", () => undefined);
  const opening = {
    ...options,
    child,
    said,
    ended,
    out: readMarks(child.stdout),
    err: readMarks(child.stderr),
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new OpeningFailed({ kind: "late", words: said.text() + opening.err.carried() })),
      options.timeoutMs,
    );
  });
  try {
    const ready = await Promise.race([begin(opening), late]);
    return frameShell(opening, ready);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

interface Opening extends OpeningOptions {
  readonly child: ChildProcessWithoutNullStreams;
  readonly said: ReturnType<typeof keepLast>;
  readonly ended: Promise<number | null>;
  readonly out: ReturnType<typeof readMarks>;
  readonly err: ReturnType<typeof readMarks>;
}

interface Ready {
  readonly pid: number;
  readonly group: number;
  readonly byLength: boolean;
}

async function begin(opening: Opening): Promise<Ready> {
  const { word, out, err, child, said, ended } = opening;
  void err.until(`${word}-never`, { sink: said.sink });
  if ((await out.until(`${word}-up\n`)) === null) {
    throw new OpeningFailed({ kind: "ended", code: await ended, words: said.text() });
  }
  if (opening.sudo) await becomeRoot(opening, opening.sudo.password);
  const quiet = err.until(`${word}-ready\n`, { sink: said.sink });
  child.stdin.write(loopLine(word, opening.tools ?? neededTools));
  const ready = await out.until(`${word}-ready `, { isLine: true });
  if (ready === null || (await quiet) === null)
    throw new OpeningFailed({ kind: "ended", code: await ended, words: said.text() });
  const [, pid, group, dd, missing = ""] = /^(\d+) (\d+) ([01]):(.*)$/.exec(ready) ?? [];
  const tools = missing.split(" ").filter((name) => name !== "");
  if (tools.length > 0) throw new OpeningFailed({ kind: "missing", tools });
  return { pid: Number(pid), group: Number(group), byLength: dd === "1" };
}

/** The prompt is sudo's own: what a login prints is over. */
async function becomeRoot(
  { word, out, err, child, said, ended }: Opening,
  password: (() => Promise<string>) | null,
): Promise<void> {
  const words = keepLast(stderrLimit);
  const sink = (piece: Buffer): void => {
    words.sink(piece);
    said.sink(piece);
  };
  const root = out.until(`${word}-root\n`);
  const asked = err.until(`${word}-ask`, { sink });
  const fail = async (reason: "needed" | "wrong" | "ended"): Promise<never> => {
    const code = reason === "ended" ? await ended : null;
    throw new OpeningFailed({ kind: "sudo", reason, code, words: words.text() });
  };
  child.stdin.write(sudoLine(word));
  const first = await Promise.race([named("root", root), named("asked", asked)]);
  if (first.name === "asked" && first.rest !== null) {
    if (password === null) return fail("needed");
    child.stdin.write(`${await password()}\n`);
    const again = err.until(`${word}-ask`, { sink });
    const second = await Promise.race([named("root", root), named("asked", again)]);
    if (second.name === "asked" && second.rest !== null) return fail("wrong");
  }
  if ((await root) === null) return fail("ended");
  void err.until(`${word}-never`, { sink: said.sink });
}

async function named<N extends string>(
  name: N,
  rest: Promise<string | null>,
): Promise<{ readonly name: N; readonly rest: string | null }> {
  return { name, rest: await rest };
}

function frameShell({ word, child, out, err, ended, said }: Opening, ready: Ready): FrameShell {
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
      said.sink(Buffer.alloc(0));
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
