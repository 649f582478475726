// The commands of the lab.
import type { Command } from "commander";
import type { Parts } from "./command-parts.ts";
import type { LabExpireOptions, LabOptions, LabRunOptions, LabUpOptions } from "./commands/lab.ts";

export function addLab(program: Command, { io, words, done }: Parts): void {
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
