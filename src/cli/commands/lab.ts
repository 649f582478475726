// `perennial lab up|expire|status|down`: a cluster to break and to repair, on this machine.
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../../core/model/errors.ts";
import { labDown } from "../../lab/down.ts";
import { labExpire } from "../../lab/expire.ts";
import { readLab } from "../../lab/places.ts";
import { runPart } from "../../lab/run-part.ts";
import { type HostStatus, labStatus } from "../../lab/status.ts";
import { labUp } from "../../lab/up.ts";
import { cliMessages } from "../../report/cli-messages.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { parseInstant } from "../durations.ts";

export interface LabOptions {
  readonly dir: string;
}

export interface LabUpOptions extends LabOptions {
  readonly pace: string;
  readonly keyAlgorithm: string;
  readonly runtime: string;
}

export interface LabExpireOptions extends LabOptions {
  readonly at?: string;
  readonly ca?: boolean;
}

export interface LabRunOptions extends LabOptions {
  readonly host: string;
}

/** The cluster on the morning ten days after its anniversary. */
const agoMs = 10 * 86_400_000;

export async function runLabUp({ dir, pace, keyAlgorithm, runtime }: LabUpOptions, io: Io): Promise<number> {
  const factor = Number(pace);
  if (!(factor > 0 && factor <= 1)) {
    throw new AppError("value-invalid", {
      what: "a number",
      value: pace,
      expected: "a number above 0, up to 1",
    });
  }
  if (runtime !== "cri" && runtime !== "docker")
    throw new AppError("name-unknown", { name: runtime, known: ["cri", "docker"] });
  const assets = io.environment["KUBEBUILDER_ASSETS"] ?? "";
  const lab = await labUp({
    directory: resolve(dir),
    pace: factor,
    keySpec: keyAlgorithm,
    runtime,
    assets: assets === "" ? null : resolve(assets),
  });
  return showStatus(await labStatus(lab), io);
}

export async function runLabExpire({ dir, at, ca }: LabExpireOptions, io: Io): Promise<number> {
  const lab = readLab(resolve(dir));
  const end = at === undefined ? io.now() - agoMs : parseInstant(at);
  await labExpire(lab, { at: end, authorities: ca === true });
  // What has to give up, gives up: an API server waits for etcd for twenty seconds.
  const until = performance.now() + 25_000 * lab.pace;
  while (performance.now() < until && (await isAllWell(lab))) await sleep(200);
  const { lab: words } = cliMessages(io.lang);
  io.out(`${words.expired(new Date(end).toISOString())}\n`);
  showStatus(await labStatus(lab), io);
  return exitCodes.ok;
}

async function isAllWell(lab: Parameters<typeof labStatus>[0]): Promise<boolean> {
  const hosts = await labStatus(lab);
  return hosts.every(({ parts }) => parts.every(({ ailment }) => ailment === null));
}

export async function runLabStatus({ dir }: LabOptions, io: Io): Promise<number> {
  return showStatus(await labStatus(readLab(resolve(dir))), io);
}

export async function runLabDown({ dir }: LabOptions, io: Io): Promise<number> {
  const count = await labDown(readLab(resolve(dir)));
  io.out(`${cliMessages(io.lang).lab.down(count)}\n`);
  return exitCodes.ok;
}

/** Started by the lab itself. */
export async function runLabPart(
  role: string,
  words: readonly string[],
  options: LabRunOptions,
): Promise<number> {
  return runPart(role, { directory: resolve(options.dir), host: options.host, words });
}

function showStatus(hosts: readonly HostStatus[], io: Io): number {
  const { lab: words } = cliMessages(io.lang);
  for (const { name, root, parts } of hosts) {
    io.out(`${name}  ${root}\n`);
    for (const { name: part, url, pid, ailment } of parts) {
      io.out(`  ${part.padEnd(24)}${String(pid ?? "-").padEnd(9)}${ailment ?? words.well}  ${url}\n`);
    }
    io.out(`${words.lookAt(`perennial --root ${root}`, `perennial renew --root ${root} --probe`)}\n`);
  }
  const isWell = hosts.every(({ parts }) => parts.every(({ ailment }) => ailment === null));
  return isWell ? exitCodes.ok : exitCodes.attention;
}
