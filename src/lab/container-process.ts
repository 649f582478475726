// A container of the lab: one process with the node's root in front of every path among its words, its output in the pod's log.
// INPUTS: none. OUTPUTS: a process; /var/log/pods below the host's root
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { withKnownFlags } from "./etcd-flags.ts";
import { readsOnce, withFrozenFiles } from "./frozen-files.ts";
import { type Lab, type LabHost, rootOf } from "./places.ts";
import { environmentOf, wordsFor } from "./processes.ts";

export interface ContainerStart {
  readonly command: readonly string[];
  readonly image: string;
  /** Below the host's root. */
  readonly log: string;
}

/** What is run by a stand-in of ours where the real program is not. */
const standIns: ReadonlySet<string> = new Set([
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
]);

export function startContainer(
  lab: Lab,
  host: LabHost,
  { command, image, log }: ContainerStart,
): ChildProcess {
  const [path = "", ...words] = command;
  // An image may have its program anywhere; here it is in PATH.
  const program = basename(path);
  const below = words.map((word) => translated(word, rootOf(lab, host)));
  const known = program === "etcd" ? withKnownFlags(below) : below;
  const onHost = readsOnce(image) ? withFrozenFiles(known, rootOf(lab, host)) : known;
  const options = {
    argv0: program,
    cwd: rootOf(lab, host),
    env: environmentOf(lab, host),
    stdio: "pipe",
  } as const;
  const real = realProgram(lab, program);
  const child =
    standIns.has(program) && real === null
      ? spawn(process.execPath, [...wordsFor(lab, host, program), "--", ...onHost], options)
      : spawn(real ?? program, onHost, options);
  child.stdin.end();
  keepOutput(child, join(rootOf(lab, host), log));
  return child;
}

function realProgram({ assets }: Lab, program: string): string | null {
  const path = assets === null ? null : join(assets, program);
  return path !== null && existsSync(path) ? path : null;
}

/** The mount namespace of a host that has none: `--data-dir=/var/lib/etcd` is meant below its root. */
function translated(word: string, root: string): string {
  return word.replace(/^(--[\w-]+=)?(\/.*)$/, (_, flag: string | undefined, path: string) => {
    return `${flag ?? ""}${join(root, path)}`;
  });
}

/** As the kubelet's runtimes write: `2026-11-22T16:00:00.000000000Z stderr F message`. */
function keepOutput(child: ChildProcess, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const file = createWriteStream(path, { flags: "a", mode: 0o640 });
  // `lab down` takes the folder away while the last words come.
  file.on("error", () => {});
  const keep = (stream: Readable | null, name: string): void => {
    if (stream === null) return;
    createInterface({ input: stream }).on("line", (line) => {
      const time = new Date().toISOString().replace("Z", "000000Z");
      if (existsSync(path)) file.write(`${time} ${name} F ${line}\n`);
    });
  };
  keep(child.stdout, "stdout");
  keep(child.stderr, "stderr");
  child.once("close", () => file.end());
}
