// The commands that plan and renew: plan, renew, apply.
import type { Command } from "commander";
import { type Parts, liveCommand, output, renewCommand } from "./command-parts.ts";
import type { ApplyOptions, PlanOptions, RenewCommandOptions } from "./commands/renew.ts";
import { addRunOptions } from "./options.ts";

export function addDoing(program: Command, { io, words, done }: Parts): void {
  renewCommand(program, "plan", words)
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
  addRunOptions(renewCommand(program, "renew", words), words)
    .argument("[name...]", words.args.names)
    .option("--csr-dir <dir>", words.options.csrDir)
    .option("--signed <dir>", words.options.signed)
    .addOption(output(words, "table", "json"))
    .action(async (names: string[], _: unknown, command: Command) => {
      const { runRenew } = await import("./commands/renew.ts");
      await done(runRenew(names, command.optsWithGlobals<RenewCommandOptions>(), io));
    });
  addRunOptions(liveCommand(program, "apply", words), words)
    .argument("<plan>", words.args.plan)
    .option("--approved <digest>", words.options.approved)
    .option("--window <from/to>", words.options.window)
    .option("--accept-clock", words.options.acceptClock)
    .addOption(output(words, "table", "json"))
    .action(async (path: string, _: unknown, command: Command) => {
      const { runApply } = await import("./commands/renew.ts");
      await done(runApply(path, command.optsWithGlobals<ApplyOptions>(), io));
    });
}
