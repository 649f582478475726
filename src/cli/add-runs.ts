// The commands for runs: resume, rollback, runs.
import { type Command, Option } from "commander";
import { type Parts, liveCommand, output } from "./command-parts.ts";
import type { ResumeOptions, RunsOptions, RunsReportOptions } from "./commands/runs.ts";
import { type NodeOptions, addNodeOptions, addRunOptions } from "./options.ts";

export function addRuns(program: Command, { io, words, done }: Parts): void {
  const load = () => import("./commands/runs.ts");
  liveCommand(program, "resume", words)
    .argument("[run]", words.args.run)
    .option("--break-lock", words.options.breakLock)
    .option("--window <from/to>", words.options.window)
    .option("--accept-clock", words.options.acceptClock)
    .addOption(output(words, "table", "json"))
    .action(async (run: string | undefined, _: unknown, command: Command) => {
      await done((await load()).runResume(run, command.optsWithGlobals<ResumeOptions>(), io));
    });
  addRunOptions(liveCommand(program, "rollback", words), words)
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
