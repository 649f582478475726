// commander's own words in the chosen language.
import type { Argument, Command, Option } from "commander";
import { displayWidth, wrapText } from "../report/width.ts";
import type { Words } from "./command-parts.ts";
import type { Io } from "./io.ts";

/** commander adds `(default: [])`, in English, and the choices that the flags show already. */
function optionText({ description, defaultValue, flags }: Option, words: Words): string {
  const value: unknown = defaultValue;
  if (typeof value !== "string" || value === "" || flags.startsWith("--root")) return description;
  return `${description}${words.byDefault(value)}`;
}

/** The same for an argument. */
function argumentText({ description, defaultValue }: Argument, words: Words): string {
  const value: unknown = defaultValue;
  return typeof value === "string" ? `${description}${words.byDefault(value)}` : description;
}

/** Headings and the help option in the chosen language, errors thrown instead of printed, for every command. */
export function localise(command: Command, words: Words, io: Io): void {
  const titles: Readonly<Record<string, string>> = {
    "Usage:": words.headings.usage,
    "Arguments:": words.headings.arguments,
    "Options:": words.headings.options,
    "Commands:": words.headings.commands,
  };
  command
    .exitOverride()
    .helpOption("-h, --help", words.help)
    .configureHelp({
      styleTitle: (title) => titles[title] ?? title,
      optionDescription: (option) => optionText(option, words),
      argumentDescription: (argument) => argumentText(argument, words),
      // Chinese has two columns per character, and no spaces to break at.
      displayWidth,
      boxWrap: (text, width) =>
        text
          .split("\n")
          .map((line) => wrapText(line, width))
          .join("\n"),
    })
    // commander puts a space behind its headings; a wide colon has its own.
    .configureOutput({
      writeOut: (text) => io.out(text.replaceAll("： ", "：")),
      writeErr: () => {},
      outputError: () => {},
    });
  if (command.commands.length > 0) command.helpCommand("help [command]", words.help);
  for (const child of command.commands) localise(child, words, io);
}
