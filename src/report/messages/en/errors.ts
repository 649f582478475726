// English: every error as what went wrong, where, why; and what to do next.
import { hostErrors } from "./hosts.ts";
import type { FactsDamage } from "../../../core/model/errors-content.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import type { ErrorMessages } from "../types.ts";
import { errorsClusters } from "./errors-clusters.ts";
import { errorsContent } from "./errors-content.ts";
import { errorsStore } from "./errors-store.ts";
import { errorsMany } from "./errors-many.ts";
import { errorsRuns } from "./errors-runs.ts";
import { errorsServers } from "./errors-servers.ts";
import { otherDistributions } from "./other-distributions.ts";

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

const outputWork = {
  looked: "the command only reads, and nothing was changed",
  done: "the command itself has done its work to the end",
  failed: "the command itself did not succeed, as told above",
  "not-begun": "the plan could not be shown, so nothing was begun or changed",
} as const;

function folderOf(path: string): string {
  return path.replace(/\/[^/]*$/, "") || "/";
}

function factsDamage({ section, title, fault }: FactsDamage): string {
  if (section === null) return factsFaults[fault];
  if (fault === "missing")
    return `section ${section}${title === "" ? "" : ` (behind ${title})`} ${factsFaults[fault]}`;
  return `section ${section} (${title}) ${factsFaults[fault]}`;
}

/** Names beyond these are only counted. */
const mostKnown = 10;

export const errors: ErrorMessages = {
  ...errorsContent,
  ...errorsClusters,
  ...errorsStore,
  ...errorsMany,
  ...errorsRuns,
  ...errorsServers,
  ...hostErrors,
  usage: {
    sentence: (p) => p.reason,
    hint: (p) => [`perennial ${p.command === undefined ? "" : `${p.command} `}--help`],
  },
  "needs-probe": {
    sentence: ({ nodes }) =>
      `verify looks at what runs, and only files${nodes.length === 0 ? "" : ` of ${nodes.join(", ")}`} are named: nothing is dialled without ${flags.probe}`,
    hint: ({ nodes }, tool) => [
      `if ${nodes.length > 1 ? "they run" : "it runs"} on this machine: ${tool(`verify ${flags.probe}`)}`,
      `for the files alone: ${tool("check")}`,
    ],
  },
  "lab-keys-missing": {
    sentence: ({ authorities }) =>
      `the keys of these CAs are not in the lab, so what they have signed cannot end on another day: ${authorities.join(", ")}; nothing was changed`,
    hint: () => ["put the keys back for the time of this command, then take them away again"],
  },
  "name-unknown": {
    sentence: (p) => `there is no certificate ${p.name}`,
    hint: (p) => [`known here: ${p.known.join(", ")}`],
  },
  "not-a-node": {
    sentence: (p) =>
      p.cause === undefined
        ? `${p.root} does not look like a control-plane node: no kubeadm certificates or manifests below it`
        : `${p.root} cannot be looked into as a node's file system: ${p.cause}`,
    hint: (p) => [
      ...(p.cause === undefined ? [] : [`ls -ld ${shellQuote(p.root)}`]),
      `run it on a control-plane node, name its file system with ${flags.root} DIR, or describe it: ${flags.profile} ID (perennial profile list)`,
    ],
  },
  "not-kubeadm": {
    sentence: (p) =>
      `${p.root} is a node of ${otherDistributions[p.distribution].name} (${p.path}), which kubeadm does not manage: it is left alone; its certificates are renewed by ${otherDistributions[p.distribution].renews}`,
    hint: (p) => [
      ...otherDistributions[p.distribution].next,
      `if kubeadm has made this node all the same: ${flags.profile} kubeadm`,
    ],
  },
  "input-unreadable": {
    sentence: (p) => `${p.path} could not be read: ${p.reason}`,
    hint: (p) => [`ls -l ${shellQuote(p.path)}`],
  },
  "not-collected": {
    sentence: (p) => `${p.path} is not in the collected facts`,
    hint: (p) => [
      `in them: ${p.known.slice(0, mostKnown).join(", ")}${p.known.length > mostKnown ? `, +${p.known.length - mostKnown}` : ""}`,
      "what else is there is collected by running perennial collect (or perennial-collect) on the node as root again",
    ],
  },
  "no-password": {
    sentence: () => "standard input ended before a password was read",
    hint: () => [
      `type it at a terminal, or give standard input one line for ${flags.askPass} and one for ${flags.askBecomePass}, in this order`,
    ],
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
  "out-failed": {
    sentence: (p) => `${p.path} could not be written: ${p.cause}`,
    hint: (p) => [
      `nothing else was changed; look at the place (ls -ld and df -h ${shellQuote(folderOf(p.path))}) or name another file with ${flags.out}`,
    ],
  },
  "output-lost": {
    sentence: (p) =>
      `the answer could not be written to standard output, or not to its end: ${p.cause}; ${outputWork[p.work]}`,
    hint: (p, tool) => [
      ...(p.hasJournal
        ? [`what a run did is in its journal: ${tool("runs show last")}, ${tool("runs report last")}`]
        : []),
      "df -h shows what is full: give the output another place, or print it on the terminal",
    ],
  },
  "confirmation-needed": {
    sentence: (p) => `${p.command} asks before it changes anything, and there is no terminal to ask on`,
    hint: (p, tool) => [
      `${p.look === "" ? "read what stands above" : `see what it would do: ${tool(p.look)}`}; if it is right: perennial ${p.typed} ${flags.yes}`,
    ],
  },
  declined: {
    sentence: (p) => `${p.command} was not confirmed, nothing was changed`,
    hint: () => ["only the word yes is taken as consent; repeat the command when ready"],
  },
  internal: {
    sentence: (p) => `internal error: ${p.reason}`,
    hint: (p, tool) => [
      "this is a fault of perennial; please report it with the output of perennial version",
      p.onlyReads === true
        ? "the command only reads: nothing was changed"
        : `${tool("runs list")} shows whether a run is open; ${tool("rollback last")} undoes it`,
    ],
  },
};
