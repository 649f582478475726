// What every command of the command line is made with.
import { Option } from "commander";
import type { cliMessages } from "../report/cli-messages.ts";
import type { Io } from "./io.ts";

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
