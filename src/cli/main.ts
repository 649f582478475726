// Entry point: arguments in, exit code out. Every error ends here as an `error:` line and `hint:` lines on stderr.
import { CommanderError } from "commander";
import { AppError, isAppError } from "../core/model/errors.ts";
import { cliMessages } from "../report/cli-messages.ts";
import { formatError } from "../report/error-text.ts";
import { type Language, chooseLanguage } from "../report/language.ts";
import { exitCodeOfError, exitCodeOfSignal, exitCodes } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { nodeArgumentsIn } from "./options.ts";
import { createProgram } from "./program.ts";
import { terminal } from "./terminal.ts";

/** Runs one command line; resolves to the exit code. */
export async function main(words: readonly string[], io: Io): Promise<number> {
  let exitCode: number = exitCodes.ok;
  let again: readonly string[] = [];
  const finish = (code: number): void => {
    exitCode = code;
  };
  const program = createProgram(io, finish, words[0]);
  // What chose the node is repeated in every command that an error names.
  program.hook("preAction", (_, command) => {
    again = nodeArgumentsIn(command.optsWithGlobals());
  });
  try {
    await program.parseAsync([...words], { from: "user" });
    return exitCode;
  } catch (error) {
    return explain(error, io, again);
  }
}

function explain(thrown: unknown, io: Io, again: readonly string[]): number {
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return exitCodes.ok;
  const error = thrown instanceof CommanderError ? usageError(thrown, io) : interruptedBy(thrown, io);
  io.err(formatError(error, io.lang, again));
  if (isAppError(error, "interrupted")) return exitCodeOfSignal(error.params.signal);
  return isAppError(error) ? exitCodeOfError(error.code) : exitCodes.failed;
}

/** Before a run there is nothing to settle: what was aborted throws the signal's name. */
function interruptedBy(thrown: unknown, { signal }: Io): unknown {
  if (!signal.aborted || thrown !== signal.reason) return thrown;
  return new AppError("interrupted", { signal: String(thrown) });
}

/** commander's error in our words; `(Did you mean x?)` becomes part of it. */
function usageError(error: CommanderError, io: Io): AppError<"usage"> {
  const { usage } = cliMessages(io.lang);
  const name = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  const kinds: Readonly<Record<string, (name: string) => string>> = {
    "commander.unknownOption": usage.unknownOption,
    "commander.unknownCommand": usage.unknownCommand,
    "commander.missingArgument": usage.missingArgument,
    "commander.optionMissingArgument": usage.optionMissingArgument,
    "commander.excessArguments": usage.excessArguments,
    "commander.invalidArgument": usage.invalidArgument,
  };
  const say = kinds[error.code];
  const choice =
    /option '(?:-\w, )?(--[\w-]+)[^']*' argument '([^']*)' is invalid. Allowed choices are (.*)\.$/.exec(
      error.message,
    );
  if (choice) {
    const [, option = "", value = "", allowed = ""] = choice;
    return new AppError("usage", { reason: usage.notAllowed(value, option, allowed) });
  }
  const suggestion = /Did you mean (?:one of )?([^?]+)\?/.exec(error.message)?.[1];
  const reason = say ? say(name) : usage.other(error.message.replace(/^error: /, ""));
  return new AppError("usage", {
    reason: suggestion === undefined ? reason : `${reason} - ${usage.didYouMean(suggestion)}`,
  });
}

function languageOf(words: readonly string[]): Language {
  const at = words.indexOf("--lang");
  const flag =
    at >= 0 ? words[at + 1] : words.find((word) => word.startsWith("--lang="))?.slice("--lang=".length);
  return chooseLanguage({ flag, env: process.env });
}

const awakeMs = 60_000;

/** Called by the launcher. */
export async function run(): Promise<void> {
  const words = process.argv.slice(2);
  // Node ends with 0 when nothing is left to wait for, whatever was still awaited: a command that is not done is no success.
  process.exitCode = exitCodes.failed;
  const awake = setInterval(() => {}, awakeMs);
  try {
    process.exitCode = await main(words, terminal(languageOf(words)));
  } finally {
    clearInterval(awake);
  }
}
