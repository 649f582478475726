// What commander refuses, in our words: which word, what is known instead, and the command whose help says more.
import { type Command, CommanderError } from "commander";
import { AppError, isAppError } from "../core/model/errors.ts";
import { cliMessages } from "../report/cli-messages.ts";
import type { Language } from "../report/language.ts";
import type { Words } from "./command-parts.ts";

export interface Typed {
  readonly program: Command;
  readonly words: readonly string[];
  readonly lang: Language;
}

/** Usage errors name the command that was typed; null when commander only left after printing help; anything else as it is. */
export function explainUsage(thrown: unknown, typed: Typed): unknown {
  const { path } = commandTyped(typed);
  const command = path.length === 0 ? {} : { command: path.join(" ") };
  if (isAppError(thrown, "usage")) return new AppError("usage", { ...command, ...thrown.params });
  if (!(thrown instanceof CommanderError)) return thrown;
  const reason = reasonOf(thrown, typed);
  return reason === null ? null : new AppError("usage", { ...command, reason });
}

/** The first words that are commands: `["runs", "show"]`. */
export function commandTyped({ program, words }: Pick<Typed, "program" | "words">): {
  readonly command: Command;
  readonly path: readonly string[];
} {
  let command = program;
  const path: string[] = [];
  for (const word of words) {
    const next = command.commands.find((child) => child.name() === word && word !== "help");
    if (!next) continue;
    command = next;
    path.push(word);
  }
  return { command, path };
}

function reasonOf(error: CommanderError, typed: Typed): string | null {
  const { usage } = cliMessages(typed.lang);
  if (error.code === "commander.help") return helpReason(typed, usage);
  if (error.exitCode === 0) return null;
  const name = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  const kinds: Readonly<Record<string, (name: string) => string>> = {
    "commander.unknownOption": usage.unknownOption,
    "commander.unknownCommand": usage.unknownCommand,
    "commander.missingArgument": usage.missingArgument,
    "commander.optionMissingArgument": usage.optionMissingArgument,
    "commander.missingMandatoryOptionValue": usage.optionMissing,
    "commander.excessArguments": usage.excessArguments,
    "commander.invalidArgument": usage.invalidArgument,
  };
  const choice =
    /option '(?:-\w, )?(--[\w-]+)[^']*' argument '([^']*)' is invalid. Allowed choices are (.*)\.$/.exec(
      error.message,
    );
  if (choice) {
    const [, option = "", value = "", allowed = ""] = choice;
    return usage.notAllowed(value, option, allowed);
  }
  const suggestion = /Did you mean (?:one of )?([^?]+)\?/.exec(error.message)?.[1];
  const say = kinds[error.code];
  const reason = say ? say(name) : usage.other(error.message.replace(/^error: /, ""));
  return suggestion === undefined ? reason : `${reason}${usage.didYouMean(suggestion)}`;
}

/** commander prints its help as an answer and as a fault alike: `help` was asked for, or the word behind a command is missing or unknown. */
function helpReason(typed: Typed, usage: Words["usage"]): string | null {
  const { command, path } = commandTyped(typed);
  const operands = typed.words.filter((word) => !word.startsWith("-"));
  const stranger = operands.slice(operands.indexOf("help") + 1).find((word) => !path.includes(word));
  if (operands.includes("help")) return stranger === undefined ? null : usage.unknownCommand(stranger);
  // commander adds its own `help`; `lab run` is hidden.
  const known = command.createHelp().visibleCommands(command);
  const names = known.map((child) => child.name()).filter((name) => name !== "help");
  return usage.commandMissing(path.join(" "), names);
}
