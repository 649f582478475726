// What every command of the command line is made with.
import { type Command, Option } from "commander";
import type { cliMessages } from "../report/cli-messages.ts";
import type { Io } from "./io.ts";
import { addLiveOptions, addNodeOptions, addRenewOptions } from "./options.ts";

export type Words = ReturnType<typeof cliMessages>;

export interface Parts {
  readonly io: Io;
  readonly words: Words;
  readonly done: (code: Promise<number>) => Promise<void>;
}

export function output(words: Words, ...forms: readonly string[]): Option {
  const [first = "table"] = forms;
  return new Option(`-o, --output <${forms.join("|")}>`, words.options.output).choices(forms).default(first);
}

/** A command for a node that may be running. */
export function liveCommand(
  program: Command,
  name: "verify" | "apply" | "resume" | "rollback",
  words: Words,
): Command {
  const restarts = name === "verify" ? "only-looks" : "restarts";
  return addLiveOptions(addNodeOptions(described(program, name, words), words), words, restarts);
}

/** The same for commands that choose what is renewed. */
export function renewCommand(program: Command, name: "plan" | "renew", words: Words): Command {
  return addLiveOptions(addRenewOptions(described(program, name, words), words), words);
}

function described(program: Command, name: keyof Words["commands"], words: Words): Command {
  return program.command(name).description(words.commands[name]);
}
