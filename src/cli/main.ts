// Entry point: arguments in, exit code out. Every error ends here as an `error:` line and `hint:` lines on stderr.
import { AppError, isAppError } from "../core/model/errors.ts";
import { formatError, reasonOf } from "../report/error-text.ts";
import { type Language, chooseLanguage, isLanguage } from "../report/language.ts";
import { exitCodeOfError, exitCodeOfSignal, exitCodes } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { nodeArgumentsIn } from "./options.ts";
import { createProgram } from "./program.ts";
import { terminal } from "./terminal.ts";
import { commandTyped, explainUsage } from "./usage-errors.ts";

/** Runs one command line; resolves to the exit code. */
export async function main(words: readonly string[], io: Io): Promise<number> {
  let exitCode: number = exitCodes.ok;
  let again: readonly string[] = [];
  const finish = (code: number): void => {
    exitCode = code;
  };
  const program = createProgram(io, finish, words[0]);
  const { path } = commandTyped({ program, words });
  // What chose the node is repeated in every command that an error names.
  program.hook("preAction", (_, command) => {
    // A lab's --runtime is what it brings, no choice of a node.
    again = path[0] === "lab" ? [] : nodeArgumentsIn(command.optsWithGlobals());
  });
  const changes = changing[path.join(" ")] ?? "nothing";
  try {
    await program.parseAsync([...words], { from: "user" });
  } catch (error) {
    const explained = explainUsage(error, { program, words, lang: io.lang });
    if (explained !== null) exitCode = explain(explained, io, { again, changes });
    // Told already.
    if (isAppError(explained, "output-lost")) return exitCode;
  }
  return delivered(exitCode, io, { again, changes });
}

/** Commands that may change something: what became of that is said when their output is lost. */
const changing: Readonly<Record<string, "run" | "other">> = {
  renew: "run",
  apply: "run",
  resume: "run",
  rollback: "run",
  "runs prune": "other",
  verify: "other",
  init: "other",
  "lab up": "other",
  "lab expire": "other",
  "lab down": "other",
};

interface Spoken {
  /** The words that chose the node. */
  readonly again: readonly string[];
  readonly changes: "run" | "other" | "nothing";
}

/** An answer that did not arrive is no success; the code of what failed itself stays. */
function delivered(exitCode: number, io: Io, { again, changes }: Spoken): number {
  const cause = io.unwritten();
  if (cause === null) return exitCode;
  const isWell = exitCode === exitCodes.ok || exitCode === exitCodes.attention;
  const work = changes === "nothing" ? "looked" : isWell ? "done" : "failed";
  const params = { cause, work, hasJournal: changes === "run" } as const;
  io.err(formatError(new AppError("output-lost", params), io.lang, again));
  return isWell ? exitCodes.failed : exitCode;
}

function explain(thrown: unknown, io: Io, { again, changes }: Spoken): number {
  const error = internalOf(interruptedBefore(thrown, io), changes === "nothing");
  io.err(formatError(error, io.lang, again));
  if (isAppError(error, "interrupted")) return exitCodeOfSignal(error.params.signal);
  return exitCodeOfError(error.code);
}

function internalOf(error: unknown, onlyReads: boolean): AppError {
  return isAppError(error) ? error : new AppError("internal", { reason: reasonOf(error), onlyReads });
}

/** Before a run there is nothing to settle: what was aborted throws the signal's name. A run that was begun ends with a result, and throws nothing. */
function interruptedBefore(thrown: unknown, { signal }: Io): unknown {
  if (isAppError(thrown, "interrupted"))
    return new AppError("interrupted", { ...thrown.params, isBefore: true }, { cause: thrown });
  if (!signal.aborted || thrown !== signal.reason) return thrown;
  return new AppError("interrupted", { signal: String(thrown), isBefore: true });
}

function languageOf(words: readonly string[]): Language {
  const at = words.indexOf("--lang");
  const flag =
    at >= 0 ? words[at + 1] : words.find((word) => word.startsWith("--lang="))?.slice("--lang=".length);
  // Another one is refused later, in the language of the locale.
  return chooseLanguage({
    flag: flag !== undefined && isLanguage(flag) ? flag : undefined,
    env: process.env,
  });
}

const awakeMs = 60_000;

/** Called by the launcher. */
export async function run(): Promise<void> {
  const words = process.argv.slice(2);
  // Node ends with 0 when nothing is left to wait for, whatever was still awaited: a command that is not done is no success.
  process.exitCode = exitCodes.failed;
  const awake = setInterval(() => {}, awakeMs);
  try {
    process.exitCode = await main(words, terminal(languageOf(words), words));
  } finally {
    clearInterval(awake);
  }
}
