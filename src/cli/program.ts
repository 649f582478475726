// The command line's shape: every command and option once; what they do is loaded when it is asked for.
import { Command, Option } from "commander";
import { AppError } from "../core/model/errors.ts";
import { cliMessages } from "../report/cli-messages.ts";
import { displayWidth, wrapText } from "../report/width.ts";
import type { CheckOptions } from "./commands/check.ts";
import type { CollectOptions } from "./commands/collect.ts";
import type { DiagnoseOptions } from "./commands/diagnose.ts";
import type { InspectOptions } from "./commands/inspect.ts";
import type { LabExpireOptions, LabOptions, LabRunOptions, LabUpOptions } from "./commands/lab.ts";
import type { ApplyOptions, PlanOptions, RenewCommandOptions } from "./commands/renew.ts";
import type { ResumeOptions, RunsOptions, RunsReportOptions } from "./commands/runs.ts";
import type { VerifyOptions } from "./commands/verify.ts";
import type { Io } from "./io.ts";
import {
  type NodeOptions,
  addNodeOptions,
  addLiveOptions,
  addRenewOptions,
  addRunOptions,
} from "./options.ts";

type Finish = (exitCode: number) => void;
type Words = ReturnType<typeof cliMessages>;

const groups = [
  { commands: ["check", "inspect"], add: addLooking },
  { commands: ["verify"], add: addVerify },
  { commands: ["diagnose"], add: addDiagnose },
  { commands: ["collect"], add: addCollect },
  { commands: ["plan", "renew", "apply"], add: addDoing },
  { commands: ["resume", "rollback", "runs"], add: addRuns },
  { commands: ["profile"], add: addProfiles },
  { commands: ["lab"], add: addLab },
  { commands: ["version"], add: addVersion },
] as const;

/** Making every command takes longer than most of them run: a first word that is a command needs its own group only. */
function groupsFor(first: string | undefined): readonly (typeof groups)[number][] {
  const own = groups.filter(({ commands }) => commands.some((command) => command === first));
  return own.length > 0 ? own : groups;
}

/** `finish` gets the exit code of the command that ran; `first` is the first word of the command line. */
export function createProgram(io: Io, finish: Finish, first?: string): Command {
  const words = cliMessages(io.lang);
  const program = new Command("perennial");
  const done = async (code: Promise<number>): Promise<void> => finish(await code);
  program
    .description(words.tool)
    .usage("[options] [command]")
    .option("--lang <en|zh>", words.options.lang)
    .showSuggestionAfterError(true)
    .enablePositionalOptions(false);
  addNodeOptions(program, words);
  // Words that are no command would be arguments of the bare command: commander then knows nothing to suggest.
  program.argument("[word...]").action(async (strangers: readonly string[], options: NodeOptions) => {
    const [stranger] = strangers;
    if (stranger !== undefined) throw unknownCommand(stranger, program, words);
    const { runOverview } = await import("./commands/overview.ts");
    await done(runOverview({ ...options, within: "30d" }, io));
  });
  for (const group of groupsFor(first)) group.add(program, { io, words, done });
  localise(program, words, io);
  return program;
}

function unknownCommand(word: string, program: Command, { usage }: Words): AppError<"usage"> {
  const known = program.commands.map((command) => command.name());
  const [nearest] = known
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .filter(({ name, distance }) => distance <= 2 && distance < name.length - 1)
    .sort((a, b) => a.distance - b.distance);
  const reason = usage.unknownCommand(word);
  return new AppError("usage", {
    reason: nearest === undefined ? reason : `${reason} - ${usage.didYouMean(nearest.name)}`,
  });
}

/** Insertions, deletions and replacements from one word to the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let index = 0; index < from.length; index++) {
    const next = [index + 1];
    for (let at = 1; at <= to.length; at++) {
      const replaced = (row[at - 1] ?? 0) + (to[at - 1] === from[index] ? 0 : 1);
      next.push(Math.min(replaced, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

interface Parts {
  readonly io: Io;
  readonly words: Words;
  readonly done: (code: Promise<number>) => Promise<void>;
}

function output(words: Words, ...forms: readonly string[]): Option {
  const [first = "table"] = forms;
  return new Option(`-o, --output <${forms.join("|")}>`, words.options.output).choices(forms).default(first);
}

function addLooking(program: Command, { io, words, done }: Parts): void {
  const check = addNodeOptions(program.command("check").description(words.commands.check), words);
  check
    .option("--facts <file>", words.options.facts)
    .option("--at <date>", words.options.at)
    .option("--within <time>", words.options.within, "30d")
    .addOption(output(words, "table", "wide", "json", "yaml"))
    .action(async (_: unknown, command: Command) => {
      const { runCheck } = await import("./commands/check.ts");
      await done(runCheck(command.optsWithGlobals<CheckOptions>(), io));
    });
  program
    .command("inspect")
    .description(words.commands.inspect)
    .argument("<file...>", words.args.files)
    .option("--facts <file>", words.options.facts)
    .option("--at <date>", words.options.at)
    .addOption(output(words, "table", "json", "yaml"))
    .action(async (files: string[], _: unknown, command: Command) => {
      const { runInspect } = await import("./commands/inspect.ts");
      await done(runInspect(files, command.optsWithGlobals<InspectOptions>(), io));
    });
}

function addVerify(program: Command, { io, words, done }: Parts): void {
  const verify = program.command("verify").description(words.commands.verify);
  addLiveOptions(addNodeOptions(verify, words), words)
    .option("--within <time>", words.options.within, "30d")
    .option("--read-only", words.options.readOnly)
    .addOption(output(words, "table", "wide", "json", "yaml"))
    .action(async (_: unknown, command: Command) => {
      const { runVerify } = await import("./commands/verify.ts");
      await done(runVerify(command.optsWithGlobals<VerifyOptions>(), io));
    });
}

function addDiagnose(program: Command, { io, words, done }: Parts): void {
  addNodeOptions(program.command("diagnose").description(words.commands.diagnose), words)
    .argument("[file...]", words.args.logs)
    .option("--facts <file>", words.options.facts)
    .option("--within <time>", words.options.within, "30d")
    .addOption(output(words, "table", "json", "yaml"))
    .action(async (files: string[], _: unknown, command: Command) => {
      const { runDiagnose } = await import("./commands/diagnose.ts");
      await done(runDiagnose(files, command.optsWithGlobals<DiagnoseOptions>(), io));
    });
}

function addCollect(program: Command, { io, words, done }: Parts): void {
  program
    .command("collect")
    .description(words.commands.collect)
    .option("--root <dir>", words.options.root, "/")
    .option("--script", words.options.collectScript)
    .option("--log-lines <count>", words.options.logLines, "40")
    .action(async (_: unknown, command: Command) => {
      const { runCollect } = await import("./commands/collect.ts");
      await done(runCollect(command.optsWithGlobals<CollectOptions>(), io));
    });
}

function addDoing(program: Command, { io, words, done }: Parts): void {
  const plan = addLiveOptions(
    addRenewOptions(program.command("plan").description(words.commands.plan), words),
    words,
  );
  plan
    .argument("[name...]", words.args.names)
    .option("--out <file>", words.options.out)
    .option("--signed <dir>", words.options.signed)
    .option("--runbook", words.options.runbook)
    .option("--script", words.options.script)
    .option("--detailed-exitcode", words.options.detailedExitcode)
    .addOption(output(words, "table", "json", "yaml"))
    .action(async (names: string[], _: unknown, command: Command) => {
      const { runPlanCommand } = await import("./commands/renew.ts");
      await done(runPlanCommand(names, command.optsWithGlobals<PlanOptions>(), io));
    });
  const renew = addRunOptions(
    addLiveOptions(addRenewOptions(program.command("renew").description(words.commands.renew), words), words),
    words,
  );
  renew
    .argument("[name...]", words.args.names)
    .option("--csr-dir <dir>", words.options.csrDir)
    .option("--signed <dir>", words.options.signed)
    .addOption(output(words, "table", "json"))
    .action(async (names: string[], _: unknown, command: Command) => {
      const { runRenew } = await import("./commands/renew.ts");
      await done(runRenew(names, command.optsWithGlobals<RenewCommandOptions>(), io));
    });
  const apply = addRunOptions(
    addLiveOptions(addNodeOptions(program.command("apply").description(words.commands.apply), words), words),
    words,
  );
  apply
    .argument("<plan>", words.args.plan)
    .option("--approved <digest>", words.options.approved)
    .option("--window <from/to>", words.options.window)
    .addOption(output(words, "table", "json"))
    .action(async (path: string, _: unknown, command: Command) => {
      const { runApply } = await import("./commands/renew.ts");
      await done(runApply(path, command.optsWithGlobals<ApplyOptions>(), io));
    });
}

function addRuns(program: Command, { io, words, done }: Parts): void {
  const load = () => import("./commands/runs.ts");
  const resume = addLiveOptions(
    addNodeOptions(program.command("resume").description(words.commands.resume), words),
    words,
  );
  resume
    .argument("[run]", words.args.run)
    .option("--break-lock", words.options.breakLock)
    .addOption(output(words, "table", "json"))
    .action(async (run: string | undefined, _: unknown, command: Command) => {
      await done((await load()).runResume(run, command.optsWithGlobals<ResumeOptions>(), io));
    });
  const rollback = addRunOptions(
    addLiveOptions(
      addNodeOptions(program.command("rollback").description(words.commands.rollback), words),
      words,
    ),
    words,
  );
  rollback
    .argument("[run]", words.args.run, "last")
    .addOption(output(words, "table", "json"))
    .action(async (run: string, _: unknown, command: Command) => {
      await done((await load()).runRollback(run, command.optsWithGlobals<ResumeOptions>(), io));
    });
  const runs = program.command("runs").description(words.commands.runs);
  addNodeOptions(runs.command("list", { isDefault: true }).description(words.sub["runs list"]), words)
    .addOption(output(words, "table", "json", "yaml"))
    .action(async (_: unknown, command: Command) => {
      await done((await load()).runRunsList(command.optsWithGlobals<RunsOptions>(), io));
    });
  addNodeOptions(runs.command("show").description(words.sub["runs show"]), words)
    .argument("[run]", words.args.run, "last")
    .addOption(output(words, "table", "json", "yaml"))
    .action(async (run: string, _: unknown, command: Command) => {
      await done((await load()).runRunsShow(run, command.optsWithGlobals<RunsOptions>(), io));
    });
  addNodeOptions(runs.command("report").description(words.sub["runs report"]), words)
    .argument("[run]", words.args.run, "last")
    .addOption(new Option("--format <md|html>", words.options.format).choices(["md", "html"]).default("md"))
    .option("--out <file>", words.options.outReport)
    .action(async (run: string, _: unknown, command: Command) => {
      await done((await load()).runRunsReport(run, command.optsWithGlobals<RunsReportOptions>(), io));
    });
  addNodeOptions(runs.command("prune").description(words.sub["runs prune"]), words)
    .option("--keep <count>", words.options.keep, "5")
    .option("--older-than <time>", words.options.olderThan, "90d")
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        NodeOptions & { readonly keep: string; readonly olderThan: string }
      >();
      await done((await load()).runRunsPrune(options, io));
    });
}

function addProfiles(program: Command, { io, words, done }: Parts): void {
  const load = () => import("./commands/profile.ts");
  const profile = program.command("profile").description(words.commands.profile);
  profile
    .command("list", { isDefault: true })
    .description(words.sub["profile list"])
    .action(async () => done((await load()).runProfileList(io)));
  profile
    .command("show")
    .description(words.sub["profile show"])
    .argument("<id>", words.args.profile)
    .action(async (id: string) => done((await load()).runProfileShow(id, io)));
  profile
    .command("lint")
    .description(words.sub["profile lint"])
    .argument("<file>", words.args.profileFile)
    .action(async (path: string) => done((await load()).runProfileLint(path, io)));
}

function addLab(program: Command, { io, words, done }: Parts): void {
  const load = () => import("./commands/lab.ts");
  const lab = program.command("lab").description(words.commands.lab);
  const command = (name: "up" | "expire" | "status" | "down"): Command =>
    lab.command(name).description(words.sub[`lab ${name}`]).requiredOption("--dir <dir>", words.options.dir);
  command("up")
    .option("--pace <factor>", words.options.pace, "1")
    .option("--key-algorithm <name>", words.options.labKey, "RSA-2048")
    .option("--runtime <name>", words.options.labRuntime, "cri")
    .action(async (_: unknown, own: Command) => done((await load()).runLabUp(own.opts<LabUpOptions>(), io)));
  command("expire")
    .option("--at <date>", words.options.labAt)
    .option("--ca", words.options.labCa)
    .action(async (_: unknown, own: Command) =>
      done((await load()).runLabExpire(own.opts<LabExpireOptions>(), io)),
    );
  command("status").action(async (_: unknown, own: Command) =>
    done((await load()).runLabStatus(own.opts<LabOptions>(), io)),
  );
  command("down").action(async (_: unknown, own: Command) =>
    done((await load()).runLabDown(own.opts<LabOptions>(), io)),
  );
  lab
    .command("run", { hidden: true })
    .argument("<role>")
    .argument("[word...]")
    .requiredOption("--dir <dir>")
    .requiredOption("--host <name>")
    .action(async (role: string, rest: readonly string[], _: unknown, own: Command) =>
      done((await load()).runLabPart(role, rest, own.opts<LabRunOptions>())),
    );
}

function addVersion(program: Command, { io, words, done }: Parts): void {
  program
    .command("version")
    .description(words.commands.version)
    .action(async () => {
      const { toolVersion } = await import("../app/version.ts");
      io.out(`perennial ${toolVersion}\n`);
      await done(Promise.resolve(0));
    });
}

/** commander adds `(default: [])`, in English, and the choices that the flags show already. */
function optionText({ description, defaultValue, flags }: Option, words: Words): string {
  const value: unknown = defaultValue;
  if (typeof value !== "string" || value === "" || flags.startsWith("--root")) return description;
  return `${description}${words.byDefault(value)}`;
}

/** Headings and the help option in the chosen language, errors thrown instead of printed, for every command. */
function localise(command: Command, words: Words, io: Io): void {
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
      // Chinese has two columns per character, and no spaces to break at.
      displayWidth,
      boxWrap: (text, width) =>
        text
          .split("\n")
          .map((line) => wrapText(line, width))
          .join("\n"),
    })
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: () => {}, outputError: () => {} });
  if (command.commands.length > 0) command.helpCommand("help [command]", words.help);
  for (const child of command.commands) localise(child, words, io);
}
