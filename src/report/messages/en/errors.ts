// English: every error as what went wrong, where, why; and what to do next.
import { hostErrors } from "./hosts.ts";
import type { FactsDamage } from "../../../core/model/errors.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import type { ErrorMessages } from "../types.ts";
import { errorsContent } from "./errors-content.ts";
import { errorsStore } from "./errors-store.ts";
import { errorsRuns } from "./errors-runs.ts";
import { errorsServers } from "./errors-servers.ts";

const factsFaults = {
  "no-beginning": "its first line (=== perennial facts 1 ===) is missing, or this is something else",
  "other-version": "it is of a version of perennial collect that this one does not know",
  "no-end": "its last line (=== perennial facts end N ===) is missing: the end was not copied",
  missing: "is missing",
  unfinished: "was not copied to its end",
  "sum-differs": "was changed on the way: its sum differs",
  "two-contents": "is there twice and not the same: texts of two collections, one file each is needed",
  "not-understood": "is whole, but not of a kind this version knows",
} as const;

function factsDamage({ section, title, fault }: FactsDamage): string {
  if (section === null) return factsFaults[fault];
  if (fault === "missing")
    return `section ${section}${title === "" ? "" : ` (behind ${title})`} ${factsFaults[fault]}`;
  return `section ${section} (${title}) ${factsFaults[fault]}`;
}

export const errors: ErrorMessages = {
  ...errorsContent,
  ...errorsStore,
  ...errorsRuns,
  ...errorsServers,
  ...hostErrors,
  usage: { sentence: (p) => p.reason, hint: () => ["perennial --help, perennial COMMAND --help"] },
  "name-unknown": {
    sentence: (p) => `there is no certificate ${p.name}`,
    hint: (p) => [`known here: ${p.known.join(", ")}`],
  },
  "not-a-node": {
    sentence: (p) =>
      `${p.root} does not look like a control-plane node: no kubeadm certificates or manifests below it`,
    hint: () => [
      `run it on a control-plane node, name its file system with ${flags.root} DIR, or describe it: ${flags.profile} ID (perennial profile list)`,
    ],
  },
  "input-unreadable": {
    sentence: (p) => `${p.path} could not be read: ${p.reason}`,
    hint: (p) => [`ls -l ${shellQuote(p.path)}`],
  },
  "facts-damaged": {
    sentence: (p) =>
      `the collected facts in ${p.path} are not whole: ${p.damages.map(factsDamage).join("; ")}`,
    hint: () => [
      "copy what is damaged again, from its @N line to its @N end line, and put it anywhere before the last line: a whole copy of a section wins over a damaged one",
      "or collect again into a file and copy that: perennial collect > facts.txt",
    ],
  },
  refused: {
    sentence: (p) =>
      `refused for ${p.refusals.length === 1 ? "one reason" : `${p.refusals.length} reasons`}, nothing was changed`,
    hint: (_, tool) => [
      `remove what is named above, or name only the other certificates: ${tool("renew NAME ...")}`,
    ],
  },
  "confirmation-needed": {
    sentence: (p) => `${p.command} asks before it changes anything, and there is no terminal to ask on`,
    hint: (p, tool) => [`look at the plan first: ${tool("plan")}; then ${tool(`${p.command} ${flags.yes}`)}`],
  },
  declined: {
    sentence: (p) => `${p.command} was not confirmed, nothing was changed`,
    hint: () => ["only the word yes is taken as consent; repeat the command when ready"],
  },
  internal: {
    sentence: (p) => `internal error: ${p.reason}`,
    hint: (_, tool) => [
      "this is a fault of perennial; please report it with the output of perennial version",
      `${tool("runs list")} shows whether a run is open; ${tool("rollback last")} undoes it`,
    ],
  },
};
