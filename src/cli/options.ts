// Options that several commands share. What they mean is in requests.ts, which loads much more.
import type { Command } from "commander";
import type { CliMessages } from "../report/cli-messages.ts";
import { flags } from "../report/flags.ts";

export interface NodeOptions {
  readonly root: string;
  readonly profile?: string;
  readonly set: readonly string[];
  readonly stateDir?: string;
  readonly allowLinksTo?: readonly string[];
  readonly probe?: boolean;
  readonly runtime?: string;
  readonly askPass?: boolean;
  readonly askBecomePass?: boolean;
  /** `--file`: a cluster file or a folder of them, for the commands of {@link clusterCommands}. */
  readonly file?: string;
}

export interface RenewOptions extends NodeOptions {
  readonly all?: boolean;
  readonly within: string;
  readonly validity?: string;
  readonly keepKey?: boolean;
  readonly keyAlgorithm?: string;
  readonly addSan: readonly string[];
  /** False for `--no-snapshot`. */
  readonly snapshot?: boolean;
  readonly process?: readonly string[];
  readonly backupTo?: string;
  readonly backupRecipient?: readonly string[];
  readonly recreateAuthority?: readonly string[];
  readonly acceptClock?: boolean;
}

const defaultWithin = "30d";

/** For options that may be given more than once. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

export function addNodeOptions(command: Command, { options }: CliMessages): Command {
  return command
    .option("--root <dir>", options.root, "/")
    .option("--profile <id>", options.profile)
    .option("--set <name=value>", options.set, collect, [])
    .option("--state-dir <dir>", options.stateDir);
}

export function addRenewOptions(command: Command, messages: CliMessages): Command {
  const { options } = messages;
  return addNodeOptions(command, messages)
    .option("--all", options.all)
    .option("--within <time>", options.within, defaultWithin)
    .option("--validity <time>", options.validity)
    .option("--keep-key", options.keepKey)
    .option("--key-algorithm <name>", options.keyAlgorithm)
    .option("--add-san <name>", options.addSan, collect, [])
    .option("--recreate-authority <name>", options.recreateAuthority, collect, [])
    .option("--allow-links-to <path>", options.allowLinksTo, collect, [])
    .option("--no-snapshot", options.noSnapshot)
    .option("--process <name.what=command>", options.process, collect, [])
    .option("--accept-clock", options.acceptClock)
    .option("--backup-to <path>", options.backupTo)
    .option("--backup-recipient <age1...|file>", options.backupRecipient, collect, []);
}

/** The bare command too: its name is the program's. Everything else would work on this machine in place of the cluster. */
export const clusterCommands: ReadonlySet<string> = new Set([
  "perennial",
  "check",
  "verify",
  "diagnose",
  "plan",
  "renew",
  "apply",
  "resume",
  "rollback",
  "runs list",
  "runs show",
  "runs report",
  "runs prune",
]);

export function isOfCluster<T extends Pick<NodeOptions, "file">>(
  options: T,
): options is T & { readonly file: string } {
  return options.file !== undefined;
}

/** For commands that take a whole cluster. */
export function addClusterOption(command: Command, { options }: CliMessages): Command {
  return command
    .option("-f, --file <file|dir>", options.file)
    .option("-k, --ask-pass", options.askPass)
    .option("-K, --ask-become-pass", options.askBecomePass);
}

/** The options of {@link addPlanningOptions} that are about the other nodes of a cluster. */
export interface PlanningOptions {
  readonly acceptOutage?: boolean;
  readonly skipUnreachable?: boolean;
  readonly minReady?: string;
  readonly batch?: string;
}

/** The name of the first that was given, as it is typed; null without any. */
export function planningOptionIn(options: PlanningOptions): string | null {
  const names = ["acceptOutage", "skipUnreachable", "minReady", "batch"] as const;
  const given = names.find((name) => options[name] !== undefined);
  return given === undefined ? null : flags[given];
}

/** For commands that plan for one node or a whole cluster. */
export function addPlanningOptions(command: Command, messages: CliMessages): Command {
  const { options } = messages;
  return addClusterOption(command, messages)
    .option("--accept-outage", options.acceptOutage)
    .option("--skip-unreachable", options.skipUnreachable)
    .option("--min-ready <n|n%>", options.minReady)
    .option("--batch <n|n%>", options.batch);
}

/** For commands that look at what runs, or restart it: their help says which. */
export function addLiveOptions(
  command: Command,
  { options }: CliMessages,
  restarts: "restarts" | "only-looks" = "restarts",
): Command {
  const [probe, noProbe] =
    restarts === "restarts" ? [options.probe, options.noProbe] : [options.probeOnly, options.noProbeOnly];
  return command
    .option("--probe", probe)
    .option("--no-probe", noProbe)
    .option("--runtime <name>", options.runtime);
}

export function addRunOptions(command: Command, { options }: CliMessages): Command {
  return command
    .option("--yes", options.yes)
    .option("--ticket <id>", options.ticket)
    .option("--reason <text>", options.reason)
    .option("--break-lock", options.breakLock);
}

/** {@link nodeArguments} of any command's options; commands without a node have none. */
export function nodeArgumentsIn(
  options: Partial<NodeOptions> & { readonly facts?: string },
): readonly string[] {
  return nodeArguments({ ...options, root: options.root ?? "/", set: options.set ?? [] });
}

/** What to type to act on the same node again: the options of this call that choose it. */
export function nodeArguments(options: NodeOptions & { readonly facts?: string }): readonly string[] {
  return [
    ...(options.file === undefined ? [] : ["-f", options.file]),
    ...(options.askPass === true ? ["-k"] : []),
    ...(options.askBecomePass === true ? ["-K"] : []),
    ...(options.facts === undefined ? [] : ["--facts", options.facts]),
    ...(options.root === "/" ? [] : ["--root", options.root]),
    ...(options.profile === undefined ? [] : ["--profile", options.profile]),
    ...options.set.flatMap((pair) => ["--set", pair]),
    ...(options.stateDir === undefined ? [] : ["--state-dir", options.stateDir]),
    ...(options.probe === undefined ? [] : [options.probe ? "--probe" : "--no-probe"]),
    ...(options.runtime === undefined ? [] : ["--runtime", options.runtime]),
  ];
}
