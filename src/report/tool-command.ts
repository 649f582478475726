// The tool's own command lines inside sentences: they repeat the options that chose the node of this call, as far as the command takes them.
import { flags } from "./flags.ts";
import type { Tool } from "./messages/types.ts";
import { shellQuote } from "./shell.ts";

/** `again`: the words that choose the node, `["--root", "/mnt/m1"]`. They come last, so that a command reads as it is spoken. */
export function toolCommand(again: readonly string[]): Tool {
  return (args) => {
    const options = fitting(again, args).map((word) => ` ${shellQuote(word)}`);
    return `perennial ${args}${options.join("")}`.replace("perennial  ", "perennial ");
  };
}

/** The same as root here; on the nodes of a cluster file it is the file that says who becomes root. */
export function sudoCommand(command: string): string {
  return / (?:-f|--file) /.test(command) ? command : `sudo ${command}`.trim();
}

/** The words for a root alone; none for the live node. */
export function rootArguments(root: string): readonly string[] {
  return root === "/" ? [] : [flags.root, root];
}

const clusterWords = ["-f", "-k", "-K"];
const fileWords = [flags.root, flags.profile, "--set", flags.stateDir];
const liveWords = ["--probe", flags.noProbe, flags.runtime];
const withValue: ReadonlySet<string> = new Set(["-f", ...fileWords, flags.runtime, flags.facts]);
/** The cluster file says them for those who only look, and they refuse them beside it. */
const saidByFile = new Set<string>([flags.profile, "--set", flags.stateDir]);
const onlyLook: ReadonlySet<string> = new Set(["check", "verify", "diagnose", ""]);

/** Which of these words a command takes; every other one takes what chooses files of a node or a cluster (test/cli/hints.test.ts). */
const taken: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    ["verify", "plan", "renew", "apply", "resume", "rollback"].map((command) => [
      command,
      [...clusterWords, ...fileWords, ...liveWords],
    ]),
  ),
  // Collected facts are read by few commands; all others are typed on the node.
  check: [...clusterWords, ...fileWords, flags.facts],
  diagnose: [...clusterWords, ...fileWords, flags.facts],
  init: [...fileWords, ...liveWords],
  collect: [flags.root],
  inspect: [flags.facts],
  lab: [],
  profile: [],
  version: [],
};

/** `args` begins with the command; what it says itself is not said twice. */
function fitting(again: readonly string[], args: string): readonly string[] {
  const own = args.split(" ");
  const command = own[0]?.startsWith("-") === true ? "" : (own[0] ?? "");
  const takes = taken[command] ?? [...clusterWords, ...fileWords];
  const isLook = onlyLook.has(command) && again.includes("-f");
  const saysProbe = own.includes("--probe") || own.includes(flags.noProbe);
  return pairsOf(again)
    .filter(([word]) => takes.includes(word))
    .filter(([word]) => !(isLook && saidByFile.has(word)))
    .filter(([word]) => !(saysProbe && (word === "--probe" || word === flags.noProbe)))
    .flat();
}

/** Each option with its value. */
function pairsOf(words: readonly string[]): readonly (readonly [string, ...string[]])[] {
  const pairs: (readonly [string, ...string[]])[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    const value = withValue.has(word) ? words[at + 1] : undefined;
    pairs.push(value === undefined ? [word] : [word, value]);
    if (value !== undefined) at += 1;
  }
  return pairs;
}
