// The command line's shape: every command and option once; what they do is loaded when it is asked for.
import { Command, Option } from "commander";
import { toolVersion } from "../app/version.ts";
import { AppError } from "../core/model/errors.ts";
import { cliMessages } from "../report/cli-messages.ts";
import { addDoing } from "./add-doing.ts";
import { addLab } from "./add-lab.ts";
import { addCollect, addDiagnose, addInit, addLooking, addVerify } from "./add-looking.ts";
import { addRuns } from "./add-runs.ts";
import type { Parts, Words } from "./command-parts.ts";
import { editDistance } from "./edit-distance.ts";
import type { Io } from "./io.ts";
import { isLanguage } from "../report/language.ts";
import { localise } from "./localise.ts";
import {
  type NodeOptions,
  addClusterOption,
  addNodeOptions,
  clusterCommands,
  isOfCluster,
  planningOptionIn,
  type PlanningOptions,
} from "./options.ts";

type Finish = (exitCode: number) => void;

const groups = [
  { commands: ["check", "inspect"], add: addLooking },
  { commands: ["verify"], add: addVerify },
  { commands: ["diagnose"], add: addDiagnose },
  { commands: ["collect"], add: addCollect },
  { commands: ["init"], add: addInit },
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
    .addOption(languageOption(words))
    .version(`perennial ${toolVersion}`, "-V, --version", words.commands.version)
    .showSuggestionAfterError(true)
    .enablePositionalOptions(false);
  addClusterOption(addNodeOptions(program, words), words);
  // Words that are no command would be arguments of the bare command: commander then knows nothing to suggest.
  program.argument("[word...]").action(async (strangers: readonly string[], options: NodeOptions) => {
    const [stranger] = strangers;
    if (stranger !== undefined) throw unknownCommand(stranger, program, words);
    if (isOfCluster(options)) {
      const { overviewOfClusters } = await import("./commands/clusters.ts");
      return done(overviewOfClusters({ ...options, within: "30d" }, io));
    }
    const { runOverview } = await import("./commands/overview.ts");
    return done(runOverview({ ...options, within: "30d" }, io));
  });
  program.hook("preAction", (_, command) => {
    const { parent } = command;
    const name = parent && parent !== program ? `${parent.name()} ${command.name()}` : command.name();
    refuseMisplaced(name, command.optsWithGlobals<Partial<NodeOptions> & PlanningOptions>(), words);
  });
  for (const group of groupsFor(first)) group.add(program, { io, words, done });
  localise(program, words, io);
  return program;
}

/** A language without sentences would be English without a word. */
function languageOption({ options, usage }: Words): Option {
  return new Option("--lang <en|zh>", options.lang).argParser((value) => {
    if (isLanguage(value)) return value;
    throw new AppError("usage", { reason: usage.notAllowed(value, "--lang", "en, zh") });
  });
}

/** What `-f` would say to a command for one node, and what only makes sense with it: neither is passed over. */
function refuseMisplaced(
  command: string,
  options: Partial<NodeOptions> & PlanningOptions,
  { usage }: Words,
): void {
  const { file, root = "/", askPass, askBecomePass } = options;
  if (file !== undefined) {
    if (!clusterCommands.has(command)) throw new AppError("usage", { reason: usage.notOfCluster(command) });
    if (root !== "/") throw new AppError("usage", { reason: usage.rootOfCluster });
    return;
  }
  if ((askPass ?? askBecomePass) === true) throw new AppError("usage", { reason: usage.passwordsNeedFile });
  const misplaced = planningOptionIn(options);
  if (misplaced !== null) throw new AppError("usage", { reason: usage.needsFile(misplaced) });
}

function unknownCommand(word: string, program: Command, { usage }: Words): AppError<"usage"> {
  const known = program.commands.map((command) => command.name());
  const [nearest] = known
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .filter(({ name, distance }) => distance <= 2 && distance < name.length - 1)
    .sort((a, b) => a.distance - b.distance);
  const reason = usage.unknownCommand(word);
  return new AppError("usage", {
    reason: nearest === undefined ? reason : `${reason}${usage.didYouMean(nearest.name)}`,
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

function addVersion(program: Command, { io, words, done }: Parts): void {
  program
    .command("version")
    .description(words.commands.version)
    .action(async () => {
      io.out(`perennial ${toolVersion}\n`);
      await done(Promise.resolve(0));
    });
}
