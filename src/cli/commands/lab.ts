// `perennial lab up|expire|status|down`: a cluster to break and to repair, on this machine.
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../../core/model/errors.ts";
import { labDown } from "../../lab/down.ts";
import { labExpire } from "../../lab/expire.ts";
import { hostsDown } from "../../lab/hosts-down.ts";
import { hostsExpire } from "../../lab/hosts-expire.ts";
import { type HostsStatus, hostsStatus, isAllWell as areHostsWell } from "../../lab/hosts-status.ts";
import { hostsUp } from "../../lab/hosts-up.ts";
import type { LabRuntime } from "../../lab/lab-node.ts";
import { type Lab, readLabFromOutside } from "../../lab/places.ts";
import { rehearseUp } from "../../lab/rehearsal/rehearse-up.ts";
import { runPart } from "../../lab/run-part.ts";
import { type HostStatus, type PartStatus, labStatus } from "../../lab/status.ts";
import { labUp } from "../../lab/up.ts";
import { cliMessages } from "../../report/cli-messages.ts";
import { inWords } from "../../report/details.ts";
import type { Language } from "../../report/language.ts";
import { madeUpText } from "../../report/rehearsal-text.ts";
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
  readonly hosts?: string;
  readonly workers?: string;
  readonly ipv6?: boolean;
  readonly etcd31?: boolean;
  readonly loopback?: boolean;
  readonly like?: readonly string[];
  readonly filesOnly?: boolean;
}

export interface LabStatusOptions extends LabOptions {
  readonly output: string;
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
const mostHosts = 7;
const mostWorkers = 100;

export async function runLabUp(options: LabUpOptions, io: Io): Promise<number> {
  const { dir, pace, keyAlgorithm: keySpec, hosts, workers = "0" } = options;
  const directory = resolve(dir);
  const factor = Number(pace);
  if (!(factor > 0 && factor <= 1)) {
    throw new AppError("value-invalid", {
      what: "a number",
      value: pace,
      expected: "a number above 0, up to 1",
    });
  }
  if (options.like !== undefined) return rehearse(options.like, options, { directory, pace: factor, io });
  refuseGiven({ "--files-only": options.filesOnly }, "--like with it");
  if (hosts === undefined) {
    refuseWithoutHosts(options);
    const lab = await labUp({ directory, pace: factor, keySpec, ...programsOf(options, io) });
    return showStatus(lab, "table", io);
  }
  const lab = await hostsUp({
    directory,
    pace: factor,
    keySpec,
    hosts: wholeNumber(hosts, 1, mostHosts),
    workers: wholeNumber(workers, 0, mostWorkers),
    family: options.ipv6 === true ? "ipv6" : "ipv4",
    hasOldEtcd: options.etcd31 === true,
    isLoopback: options.loopback === true,
  });
  return showStatus(lab, "table", io);
}

/** 0 also for a cluster that is not well: that is what is rehearsed. */
async function rehearse(
  facts: readonly string[],
  options: LabUpOptions,
  { directory, pace, io }: { readonly directory: string; readonly pace: number; readonly io: Io },
): Promise<number> {
  const { hosts, workers, ipv6, etcd31, loopback, filesOnly } = options;
  const others = {
    "--hosts": hosts,
    "--workers": workers,
    "--ipv6": ipv6,
    "--etcd-31": etcd31,
    "--loopback": loopback,
  };
  refuseGiven(others, "no --like with it");
  const isFilesOnly = filesOnly === true;
  const { lab, madeUp } = await rehearseUp({ directory, facts, pace, isFilesOnly, now: io.now() });
  io.out(madeUpText(madeUp, io.lang));
  if (isFilesOnly) io.out(`${cliMessages(io.lang).lab.cluster(join(directory, "cluster.yaml"), null)}\n`);
  else await showStatus(lab, "table", io);
  return exitCodes.ok;
}

/** What runs the containers, and the folder of real programs, if the environment names one. */
function programsOf(
  { runtime }: LabUpOptions,
  io: Io,
): { readonly runtime: LabRuntime; readonly assets: string | null } {
  if (runtime !== "cri" && runtime !== "docker")
    throw new AppError("name-unknown", { name: runtime, known: ["cri", "docker"] });
  const assets = io.environment["KUBEBUILDER_ASSETS"] ?? "";
  return { runtime, assets: assets === "" ? null : resolve(assets) };
}

function refuseWithoutHosts({ workers, ipv6, etcd31, loopback }: LabUpOptions): void {
  refuseGiven(
    { "--workers": workers, "--ipv6": ipv6, "--etcd-31": etcd31, "--loopback": loopback },
    "--hosts with it",
  );
}

function refuseGiven(
  given: Readonly<Record<string, unknown>>,
  expected: "--hosts with it" | "--like with it" | "no --like with it",
): void {
  const first = Object.entries(given).find(([, value]) => value !== undefined);
  if (first) throw new AppError("value-invalid", { what: "options", value: first[0], expected });
}

function wholeNumber(text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const expected = `a whole number from ${least} to ${most}` as const;
  throw new AppError("value-invalid", { what: "a number", value: text, expected });
}

export async function runLabExpire({ dir, at, ca }: LabExpireOptions, io: Io): Promise<number> {
  const lab = readLabFromOutside(resolve(dir));
  const end = at === undefined ? io.now() - agoMs : parseInstant(at);
  const options = { at: end, authorities: ca === true };
  if (lab.network) await hostsExpire(lab, lab.network, options);
  else {
    await labExpire(lab, options);
    // What has to give up, gives up: an API server waits for etcd for twenty seconds.
    const until = performance.now() + 25_000 * lab.pace;
    while (performance.now() < until && (await isAllWell(lab))) await sleep(200);
  }
  const { lab: words } = cliMessages(io.lang);
  io.out(`${words.expired(end, lab.network?.kind !== "files")}\n`);
  await showStatus(lab, "table", io);
  return exitCodes.ok;
}

async function isAllWell(lab: Lab): Promise<boolean> {
  const hosts = await labStatus(lab);
  return hosts.every(({ parts }) => parts.every(({ ailment }) => ailment === null));
}

export async function runLabStatus({ dir, output }: LabStatusOptions, io: Io): Promise<number> {
  return showStatus(readLabFromOutside(resolve(dir)), output, io);
}

export async function runLabDown({ dir }: LabOptions, io: Io): Promise<number> {
  const lab = readLabFromOutside(resolve(dir));
  const count = await (lab.network ? hostsDown(lab, lab.network) : labDown(lab));
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

async function showStatus(lab: Lab, output: string, io: Io): Promise<number> {
  if (lab.network) return showHosts(lab, await hostsStatus(lab, lab.network), output, io);
  const hosts = await labStatus(lab);
  if (output === "json") io.out(`${JSON.stringify({ hosts }, null, 4)}\n`);
  else showOne(hosts, io);
  const isWell = hosts.every(({ parts }) => parts.every(({ ailment }) => ailment === null));
  return isWell ? exitCodes.ok : exitCodes.attention;
}

function showOne(hosts: readonly HostStatus[], io: Io): void {
  const { lab: words } = cliMessages(io.lang);
  for (const { name, root, parts } of hosts) {
    io.out(`${name}  ${root}\n${partsText(parts, io.lang)}`);
    const isWell = parts.every(({ ailment }) => ailment === null);
    const repair = isWell ? null : `perennial renew --root ${root} --probe`;
    io.out(`${words.lookAt(`perennial --root ${root}`, repair)}\n`);
  }
}

function partsText(parts: readonly PartStatus[], lang: Language): string {
  const { well } = cliMessages(lang).lab;
  const lines = parts.map(
    ({ name, url, pid, ailment }) =>
      `  ${name.padEnd(24)}${String(pid ?? "-").padEnd(9)}${ailment === null ? well : inWords(ailment, lang)}  ${url}\n`,
  );
  return lines.join("");
}

function showHosts(lab: Lab, status: HostsStatus, output: string, io: Io): number {
  const { lab: words } = cliMessages(io.lang);
  if (output === "json") io.out(`${JSON.stringify(status, null, 4)}\n`);
  else {
    for (const { name, role, address, parts, ready } of status.hosts) {
      io.out(`${words.host(name, role, address)}  ${words.ready(ready)}\n`);
      io.out(parts.length === 0 ? `  ${words.silent}\n` : partsText(parts, io.lang));
    }
    const { etcd, apiServers, workers, endpoint } = status;
    const together = { ...etcd, endpoint, apiServers: apiServers.healthy };
    io.out(`${words.together({ ...together, workers: workers.count, ready: workers.ready })}\n`);
    const login = status.kind === "rooms" ? `ssh -F ${join(lab.directory, "ssh/config")} m1` : null;
    io.out(`${words.cluster(join(lab.directory, "cluster.yaml"), login)}\n`);
  }
  return areHostsWell(status) ? exitCodes.ok : exitCodes.attention;
}
