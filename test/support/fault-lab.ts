// A lab of three masters for tests of what goes wrong between nodes: the operator's commands, etcd's own, and hands on links and processes.
import { type ChildProcess, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { digestOfPlan } from "../../src/core/plan/digest.ts";
import type { Plan, Step } from "../../src/core/model/plan.ts";
import { type GrpcConnection, openGrpc } from "../../src/drivers/shared/grpc.ts";
import { encodeMessage } from "../../src/drivers/shared/protobuf.ts";
import type { HostsStatus } from "../../src/lab/hosts-status.ts";
import { type Lab, readLab } from "../../src/lab/places.ts";
import { processesOf, send } from "../../src/lab/processes.ts";
import { type ProcessResult, finished, runCli, spawnCli, startCli } from "./cli.ts";
import { etcdctl } from "./etcd-server.ts";

export const masters = ["m1", "m2", "m3"] as const;
export type Master = (typeof masters)[number];

const pki = "etc/kubernetes/pki";

/** A run that waits at a failpoint. */
export interface HeldRun {
  letGo(): void;
  kill(): void;
  readonly ended: Promise<ProcessResult>;
}

export class FaultLab {
  readonly dir: string;
  readonly file: string;
  /** The operator's own, and a colleague's. */
  readonly state: string;
  readonly otherState: string;
  private readonly base: string;

  constructor(name: string) {
    this.base = mkdtempSync(join(tmpdir(), `${name}-`));
    this.dir = join(this.base, "lab");
    this.file = join(this.dir, "cluster.yaml");
    this.state = join(this.base, "state");
    this.otherState = join(this.base, "colleague");
  }

  up(...words: readonly string[]): Promise<ProcessResult> {
    const quick = ["--pace", "0.1", "--key-algorithm", "ECDSA-P256"];
    return spawnCli(["lab", "up", "--hosts", "3", ...quick, ...words, "--dir", this.dir]);
  }

  outage(): Promise<ProcessResult> {
    return spawnCli(["lab", "expire", "--dir", this.dir]);
  }

  async down(): Promise<void> {
    if (existsSync(join(this.dir, "lab.json"))) await spawnCli(["lab", "down", "--dir", this.dir]);
    rmSync(this.base, { recursive: true, force: true });
  }

  lab(): Lab {
    return readLab(this.dir);
  }

  async status(): Promise<HostsStatus> {
    const { out } = await runCli(["lab", "status", "--dir", this.dir, "-o", "json"]);
    return JSON.parse(out) as HostsStatus;
  }

  /** Waits until members and API servers are well again. */
  async untilWell(): Promise<void> {
    const end = performance.now() + 60_000;
    for (;;) {
      const { hosts } = await this.status();
      const sick = hosts.flatMap(({ name, parts }) =>
        parts.length === 0
          ? [name]
          : parts.flatMap(({ ailment }) => (ailment === null ? [] : [`${name}: ${ailment}`])),
      );
      if (sick.length === 0) return;
      if (performance.now() >= end) throw new Error(sick.join("; "));
      await sleep(200);
    }
  }

  perennial(...words: readonly string[]): Promise<ProcessResult> {
    return this.on(this.file, words);
  }

  /** With a cluster file of the test's own. */
  on(
    file: string,
    words: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    state: string = this.state,
  ): Promise<ProcessResult> {
    return spawnCli([...words, "-f", file, "--state-dir", state], environment);
  }

  start(words: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<ProcessResult> } {
    const child = startCli([...words, "-f", this.file, "--state-dir", this.state]);
    return { child, ended: finished(child) };
  }

  killedAt(failpoint: string, ...words: readonly string[]): Promise<ProcessResult> {
    return this.on(this.file, words, { PERENNIAL_FAILPOINT: failpoint });
  }

  /** Resolves once the run waits at the failpoint, `NAME:COUNT`. */
  async heldAt(failpoint: string, words: readonly string[], state: string = this.state): Promise<HeldRun> {
    const file = join(this.base, "hold");
    const environment = { PERENNIAL_FAILPOINT: `${failpoint}:hold=${file}` };
    const child = startCli([...words, "-f", this.file, "--state-dir", state], environment);
    const ended = finished(child);
    let result: ProcessResult | null = null;
    void ended.then((done) => (result = done));
    while (!existsSync(file)) {
      if (result !== null) throw new Error(`it ended before ${failpoint}: ${JSON.stringify(result)}`);
      await sleep(20);
    }
    return {
      letGo: () => rmSync(file),
      kill: () => {
        child.kill("SIGKILL");
        rmSync(file);
      },
      ended,
    };
  }

  /** A saved plan whose gates, and whose restarts when that is given, wait so many seconds in place of a minute and more. */
  async hurriedPlan(
    wait: { readonly gate: number; readonly bounce?: number },
    ...words: readonly string[]
  ): Promise<string> {
    const path = join(this.base, "plan.json");
    rmSync(path, { force: true });
    const { code, err } = await this.perennial("plan", ...words, "--out", path);
    if (code !== 0) throw new Error(err);
    const plan = JSON.parse(readFileSync(path, "utf8")) as Plan;
    const hurried = (step: Step): Step => {
      const seconds = step.kind === "gate" ? wait.gate : step.kind === "bounce" ? wait.bounce : undefined;
      return seconds === undefined ? step : ({ ...step, timeoutSeconds: seconds } as Step);
    };
    const phases = plan.phases.map(({ id, nodes }) => ({
      id,
      nodes: nodes.map(({ node, steps }) => ({ node, steps: steps.map(hurried) })),
    }));
    const changed = { ...plan, phases };
    writeFileSync(path, JSON.stringify({ ...changed, digest: digestOfPlan(changed) }, null, 2));
    return path;
  }

  path(host: string, file: string): string {
    return join(this.dir, host, file);
  }

  /** Whole contents of files of every master, by host and path. */
  files(...names: readonly string[]): Readonly<Record<string, string>> {
    const all = masters.flatMap((host) =>
      names.map((name): [string, string] => [`${host}/${name}`, this.hash(host, name)]),
    );
    return Object.fromEntries(all);
  }

  hash(host: string, name: string): string {
    return createHash("sha256")
      .update(readFileSync(this.path(host, name)))
      .digest("hex");
  }

  ssh(host: string, script: string): string {
    const words = ["-F", join(this.dir, "ssh/config"), host, script];
    return execFileSync("ssh", words, {
      encoding: "utf8",
      timeout: 60_000,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** In the middle of the lab's network. */
  inSwitch(...command: readonly string[]): void {
    const balancer = processesOf(this.lab()).find(({ host }) => host === "lb");
    execFileSync("nsenter", ["--target", String(balancer?.pid ?? 0), "--net", ...command], {
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  link(host: string, state: "up" | "down"): void {
    this.inSwitch("ip", "link", "set", this.port(host), state);
  }

  /** A way of 2 Mbit/s to the host. */
  slow(host: string): void {
    const limits = ["rate", "2mbit", "burst", "8kb", "latency", "400ms"];
    this.inSwitch("tc", "qdisc", "add", "dev", this.port(host), "root", "tbf", ...limits);
  }

  quick(host: string): void {
    this.inSwitch("tc", "qdisc", "del", "dev", this.port(host), "root");
  }

  /** The host's end in the switch (rooms.ts). */
  private port(host: string): string {
    return `h${this.lab().hosts.findIndex(({ name }) => name === host)}`;
  }

  /** Takes away what a test that failed has left, so that the next one begins with a cluster that is well. */
  async heal(): Promise<void> {
    for (const host of masters) {
      this.link(host, "up");
      try {
        this.quick(host);
      } catch {
        // It is quick.
      }
      rmSync(this.path(host, "run/held"), { force: true });
      for (const name of ["mv", "date", "sudo"]) rmSync(this.path(host, `lab/sbin/${name}`), { force: true });
      this.openSsh(host);
      while (!this.canLogIn(host)) await sleep(200);
      this.ssh(host, "systemctl start kubelet");
    }
    await this.untilWell();
    await this.perennial("rollback", "last", "--yes");
  }

  /** Nobody gets in any more, and whoever is in is thrown out. */
  async blockSsh(host: string): Promise<void> {
    const all =
      "for comm in /proc/[0-9]*/comm; do read -r name <$comm; case $name in sshd*) pid=${comm%/comm}; kill -9 ${pid#/proc/} ;; esac; done";
    this.ssh(
      host,
      `touch /run/lab-units/sshd.stopped; setsid sh -c 'sleep 0.3; ${all}' </dev/null >/dev/null 2>&1 &`,
    );
    while (this.canLogIn(host)) await sleep(100);
  }

  canLogIn(host: string): boolean {
    try {
      return this.ssh(host, "echo in").trim() === "in";
    } catch {
      return false;
    }
  }

  openSsh(host: string): void {
    rmSync(this.path(host, "run/lab-units/sshd.stopped"), { force: true });
  }

  kill(host: string, name: string): void {
    const found = processesOf(this.lab()).filter((one) => one.host === host && one.name === name);
    if (found.length === 0) throw new Error(`no ${name} on ${host}`);
    for (const one of found) send(one, "SIGKILL");
  }

  etcd(host: string, ...words: readonly string[]): string {
    const at = (name: string): string => this.path(host, `${pki}/etcd/${name}`);
    return etcdctl(
      `--cacert=${at("ca.crt")}`,
      `--cert=${at("healthcheck-client.crt")}`,
      `--key=${at("healthcheck-client.key")}`,
      `--endpoints=https://${this.address(host)}:2379`,
      ...words,
    );
  }

  /** False when etcd refuses for now. */
  isDone(host: string, ...words: readonly string[]): boolean {
    try {
      this.etcd(host, ...words);
      return true;
    } catch {
      return false;
    }
  }

  grpc(host: string): GrpcConnection {
    const at = (name: string): Buffer => readFileSync(this.path(host, `${pki}/etcd/${name}`));
    return openGrpc(
      {
        kind: "tls",
        host: this.address(host).replace(/^\[|\]$/g, ""),
        port: 2379,
        caPem: at("ca.crt"),
        certificatePem: at("healthcheck-client.crt"),
        keyPem: at("healthcheck-client.key"),
      },
      { deadlineMs: 5000 },
    );
  }

  /** As a full disk would: the alarm that a member raises when its quota is used up. */
  async raiseNoSpace(host: string): Promise<void> {
    const grpc = this.grpc(host);
    const activate = 1;
    const noSpace = 1;
    const request = encodeMessage([
      [1, "varint", activate],
      [2, "varint", BigInt(this.member(host).id)],
      [3, "varint", noSpace],
    ]);
    await grpc.unary("/etcdserverpb.Maintenance/Alarm", request);
    grpc.close();
  }

  /** Masters in the order of a roll: etcd's leader last. */
  order(): readonly [Master, Master, Master] {
    const leader = masters.find((host) => this.member(host).isLeader);
    const [first, second] = masters.filter((host) => host !== leader);
    if (!leader || !first || !second) throw new Error("etcd has no leader");
    return [first, second, leader];
  }

  private member(host: string): { readonly id: string; readonly isLeader: boolean } {
    const text = this.etcd(host, "endpoint", "status", "-w", "json");
    // 64 bits do not fit into a number.
    const id = /"member_id":(\d+)/.exec(text)?.[1] ?? "";
    return { id, isLeader: /"leader":(\d+)/.exec(text)?.[1] === id };
  }

  private address(host: string): string {
    const address = this.lab().hosts.find(({ name }) => name === host)?.address ?? "";
    return address.includes(":") ? `[${address}]` : address;
  }
}
