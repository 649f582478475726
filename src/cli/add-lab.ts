// The commands of the lab.
import type { Command } from "commander";
import { type Parts, output } from "./command-parts.ts";
import type {
  LabExpireOptions,
  LabOptions,
  LabRunOptions,
  LabStatusOptions,
  LabUpOptions,
} from "./commands/lab.ts";

export function addLab(program: Command, { io, words, done }: Parts): void {
  const load = () => import("./commands/lab.ts");
  const lab = program.command("lab").description(words.commands.lab);
  const command = (name: "up" | "expire" | "status" | "down"): Command =>
    lab.command(name).description(words.sub[`lab ${name}`]).requiredOption("--dir <dir>", words.options.dir);
  command("up")
    .option("--pace <factor>", words.options.pace, "1")
    .option("--key-algorithm <name>", words.options.labKey, "RSA-2048")
    .option("--hosts <n>", words.options.labHosts)
    .option("--workers <n>", words.options.labWorkers)
    .option("--ipv6", words.options.labIpv6)
    .option("--etcd-31", words.options.labOldEtcd)
    .option("--loopback", words.options.labLoopback)
    .option("--runtime <name>", words.options.labRuntime, "cri")
    .option("--like <facts...>", words.options.labLike)
    .option("--files-only", words.options.labFilesOnly)
    .action(async (_: unknown, own: Command) => done((await load()).runLabUp(own.opts<LabUpOptions>(), io)));
  command("expire")
    .option("--at <date>", words.options.labAt)
    .option("--ca", words.options.labCa)
    .action(async (_: unknown, own: Command) =>
      done((await load()).runLabExpire(own.opts<LabExpireOptions>(), io)),
    );
  command("status")
    .addOption(output(words, "table", "json"))
    .action(async (_: unknown, own: Command) =>
      done((await load()).runLabStatus(own.opts<LabStatusOptions>(), io)),
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
