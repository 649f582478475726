// The commands that look and change nothing on a node: check, inspect, verify, diagnose, collect, init.
import type { Command } from "commander";
import { type Parts, liveCommand, output } from "./command-parts.ts";
import type { CheckOptions } from "./commands/check.ts";
import type { CollectOptions } from "./commands/collect.ts";
import type { DiagnoseOptions } from "./commands/diagnose.ts";
import type { InitOptions } from "./commands/init.ts";
import type { InspectOptions } from "./commands/inspect.ts";
import type { VerifyOptions } from "./commands/verify.ts";
import { addClusterOption, addLiveOptions, addNodeOptions, collect, isOfCluster } from "./options.ts";

export function addLooking(program: Command, { io, words, done }: Parts): void {
  const check = addNodeOptions(program.command("check").description(words.commands.check), words);
  addClusterOption(check, words)
    .option("--facts <file>", words.options.facts)
    .option("--at <date>", words.options.at)
    .option("--within <time>", words.options.within, "30d")
    .addOption(output(words, "table", "wide", "json", "yaml"))
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<CheckOptions>();
      if (isOfCluster(options))
        return done((await import("./commands/clusters.ts")).checkClusters(options, io));
      const { runCheck } = await import("./commands/check.ts");
      return done(runCheck(options, io));
    });
  program
    .command("inspect")
    .description(words.commands.inspect)
    .argument("<file...>", words.args.files)
    .option("--server-name <name>", words.options.serverName)
    .option("--facts <file>", words.options.facts)
    .option("--at <date>", words.options.at)
    .addOption(output(words, "table", "json", "yaml"))
    .action(async (files: string[], _: unknown, command: Command) => {
      const { runInspect } = await import("./commands/inspect.ts");
      await done(runInspect(files, command.optsWithGlobals<InspectOptions>(), io));
    });
}

export function addVerify(program: Command, { io, words, done }: Parts): void {
  addClusterOption(liveCommand(program, "verify", words), words)
    .option("--within <time>", words.options.within, "30d")
    .option("--read-only", words.options.readOnly)
    .addOption(output(words, "table", "wide", "json", "yaml"))
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<VerifyOptions>();
      const { runVerify, verifyClusters } = await import("./commands/verify.ts");
      await done(isOfCluster(options) ? verifyClusters(options, io) : runVerify(options, io));
    });
}

export function addDiagnose(program: Command, { io, words, done }: Parts): void {
  const diagnose = addNodeOptions(program.command("diagnose").description(words.commands.diagnose), words);
  addClusterOption(diagnose, words)
    .argument("[file...]", words.args.logs)
    .option("--facts <file>", words.options.facts)
    .option("--within <time>", words.options.within, "30d")
    .addOption(output(words, "table", "json", "yaml"))
    .action(async (files: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<DiagnoseOptions>();
      if (isOfCluster(options))
        return done((await import("./commands/clusters.ts")).diagnoseClusters(files, options, io));
      const { runDiagnose } = await import("./commands/diagnose.ts");
      return done(runDiagnose(files, options, io));
    });
}

export function addInit(program: Command, { io, words, done }: Parts): void {
  const init = addNodeOptions(program.command("init").description(words.commands.init), words);
  addLiveOptions(init, words, "only-looks")
    .option("--node <name=address>", words.options.node, collect, [])
    .option("--worker <name=address>", words.options.worker, collect, [])
    .option("--out <file>", words.options.outCluster, "cluster.yaml")
    .action(async (_: unknown, command: Command) => {
      const { runInit } = await import("./commands/init.ts");
      await done(runInit(command.optsWithGlobals<InitOptions>(), io));
    });
}

export function addCollect(program: Command, { io, words, done }: Parts): void {
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
