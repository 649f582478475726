// What `diagnose` says to do next: what a sentence may use, and the steps that are commands and nothing else, in every language.
import type { CauseCode, Certainty } from "../../core/model/diagnosis.ts";
import { flags } from "../flags.ts";
import { shellQuote } from "../shell.ts";
import type { Tool } from "./types.ts";

/** What a next step may use; every string has been through `safeText`. */
export interface NextView {
  /** Names of the certificates concerned, ready for a command line. */
  readonly names: readonly string[];
  readonly paths: readonly string[];
  readonly subject: string | null;
  readonly certainty: Certainty;
  readonly tool: Tool;
}

export type NextMessages = Readonly<Record<CauseCode, (view: NextView) => readonly string[]>>;

/** Without a name the API server gets it. */
function addSan(name: string, san: string): string {
  return `${flags.addSan} ${name === "apiserver" ? "" : `${name}=`}${shellQuote(san)}`;
}

export const nextCommands = {
  "wrong-name": ({ names, subject, tool }) =>
    names.length === 0 || subject === null
      ? [tool("check -o wide")]
      : [tool(`plan ${names.join(" ")} ${names.map((name) => addSan(name, subject)).join(" ")}`)],
  "wrong-usage": ({ names, tool }) =>
    [tool("check"), ...names.map((name) => tool(`plan ${name}`))].slice(0, 2),
  "file-unusable": ({ paths, tool }) => [
    tool(`inspect ${paths.slice(0, 1).map(shellQuote).join("")}`),
    tool("check"),
  ],
  "certificate-expiring": ({ tool }) => [tool("plan")],
} satisfies Partial<NextMessages>;
