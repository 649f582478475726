// The commands that plan and renew: plan, renew, apply.
import type { Command } from "commander";
import { type Parts, liveCommand, output, renewCommand } from "./command-parts.ts";
import type { ApplyOptions, RenewCommandOptions } from "./commands/renew.ts";
import { addClusterOption, addPlanningOptions, addRunOptions, isOfCluster } from "./options.ts";
import type { PlanOptions } from "./plan-output.ts";

export function addDoing(program: Command, { io, words, done }: Parts): void {
  const loadCluster = () => import("./commands/cluster-runs.ts");
  addPlanningOptions(renewCommand(program, "plan", words), words)
    .argument("[name...]", words.args.names)
    .option("--out <file>", words.options.out)
    .option("--signed <dir>", words.options.signed)
    .option("--runbook", words.options.runbook)
    .option("--script", words.options.script)
    .option("--detailed-exitcode", words.options.detailedExitcode)
    .addOption(output(words, "table", "json", "yaml"))
    .action(async (names: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<PlanOptions>();
      if (isOfCluster(options)) return done((await loadCluster()).planOfCluster(names, options, io));
      const { runPlanCommand } = await import("./commands/renew.ts");
      return done(runPlanCommand(names, options, io));
    });
  addRunOptions(addPlanningOptions(renewCommand(program, "renew", words), words), words)
    .argument("[name...]", words.args.names)
    .option("--csr-dir <dir>", words.options.csrDir)
    .option("--signed <dir>", words.options.signed)
    .addOption(output(words, "table", "json"))
    .action(async (names: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<RenewCommandOptions>();
      if (isOfCluster(options)) return done((await loadCluster()).renewCluster(names, options, io));
      const { runRenew } = await import("./commands/renew.ts");
      return done(runRenew(names, options, io));
    });
  addRunOptions(addClusterOption(liveCommand(program, "apply", words), words), words)
    .argument("<plan>", words.args.plan)
    .option("--approved <digest>", words.options.approved)
    .option("--window <from/to>", words.options.window)
    .option("--accept-clock", words.options.acceptClock)
    .addOption(output(words, "table", "json"))
    .action(async (path: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<ApplyOptions>();
      if (isOfCluster(options)) return done((await loadCluster()).applyOfCluster(path, options, io));
      const { runApply } = await import("./commands/renew.ts");
      return done(runApply(path, options, io));
    });
}
