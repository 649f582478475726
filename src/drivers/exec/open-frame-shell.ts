// How a shell for frames is begun: its login, sudo where it is asked for, the loop.
// INPUTS: a process whose standard streams lead to a shell.
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { bootCode, loopLine, neededTools, sudoLine } from "./frame-loop.ts";
import {
  frameShell,
  stderrLimit,
  type FrameShell,
  type LoopReady,
  type ShellStreams,
} from "./frame-shell.ts";
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

interface Opening extends OpeningOptions, ShellStreams {
  readonly said: ReturnType<typeof keepLast>;
}

async function begin(opening: Opening): Promise<LoopReady> {
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
