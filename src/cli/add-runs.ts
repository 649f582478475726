// The commands for runs: resume, rollback, runs.
import { type Command, Option } from "commander";
import { type Parts, liveCommand, output } from "./command-parts.ts";
import type { PruneOptions, ResumeOptions, RunsOptions, RunsReportOptions } from "./commands/runs.ts";
import { addClusterOption, addNodeOptions, addRunOptions, isOfCluster } from "./options.ts";

export function addRuns(program: Command, { io, words, done }: Parts): void {
  const load = () => import("./commands/runs.ts");
  const loadCluster = () => import("./commands/cluster-runs.ts");
  addClusterOption(liveCommand(program, "resume", words), words)
    .argument("[run]", words.args.run)
    .option("--break-lock", words.options.breakLock)
    .option("--window <from/to>", words.options.window)
    .option("--accept-clock", words.options.acceptClock)
    .option("--min-ready <n|n%>", words.options.minReady)
    .addOption(output(words, "table", "json"))
    .action(async (run: string | undefined, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<ResumeOptions>();
      if (isOfCluster(options)) return done((await loadCluster()).resumeOfCluster(run, options, io));
      return done((await load()).runResume(run, options, io));
    });
  addRunOptions(addClusterOption(liveCommand(program, "rollback", words), words), words)
    .argument("[run]", words.args.run, "last")
    .addOption(output(words, "table", "json"))
    .action(async (run: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<ResumeOptions>();
      if (isOfCluster(options)) return done((await loadCluster()).rollbackOfCluster(run, options, io));
      return done((await load()).runRollback(run, options, io));
    });
  const runs = program.command("runs").description(words.commands.runs);
  addClusterOption(
    addNodeOptions(runs.command("list", { isDefault: true }).description(words.sub["runs list"]), words),
    words,
  )
    .addOption(output(words, "table", "json", "yaml"))
    .action(async (_: unknown, command: Command) => {
      await done((await load()).runRunsList(command.optsWithGlobals<RunsOptions>(), io));
    });
  addClusterOption(addNodeOptions(runs.command("show").description(words.sub["runs show"]), words), words)
    .argument("[run]", words.args.run, "last")
    .addOption(output(words, "table", "json", "yaml"))
    .action(async (run: string, _: unknown, command: Command) => {
      await done((await load()).runRunsShow(run, command.optsWithGlobals<RunsOptions>(), io));
    });
  addClusterOption(addNodeOptions(runs.command("report").description(words.sub["runs report"]), words), words)
    .argument("[run]", words.args.run, "last")
    .addOption(new Option("--format <md|html>", words.options.format).choices(["md", "html"]).default("md"))
    .option("--out <file>", words.options.outReport)
    .action(async (run: string, _: unknown, command: Command) => {
      await done((await load()).runRunsReport(run, command.optsWithGlobals<RunsReportOptions>(), io));
    });
  addClusterOption(addNodeOptions(runs.command("prune").description(words.sub["runs prune"]), words), words)
    .option("--keep <count>", words.options.keep, "5")
    .option("--older-than <time>", words.options.olderThan, "90d")
    .option("--yes", words.options.yes)
    .action(async (_: unknown, command: Command) => {
      await done((await load()).runRunsPrune(command.optsWithGlobals<PruneOptions>(), io));
    });
}
