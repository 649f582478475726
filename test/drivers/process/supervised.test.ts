// Consumers outside pods: systemd units by a fake systemctl, plain processes for real, users' commands.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  openSync,
  closeSync,
} from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ConsumerDriver } from "../../../src/drivers/process/consumer-driver.ts";
import { plainProcess } from "../../../src/drivers/process/plain-process.ts";
import { findProcesses, type OwnFlag } from "../../../src/drivers/process/proc-files.ts";
import { findProgram, runCommand, type CommandResult } from "../../../src/drivers/process/run-command.ts";
import { runLine } from "../../../src/drivers/process/run-line.ts";
import { parseUnit, systemdUnit } from "../../../src/drivers/process/systemd-unit.ts";
import type { ProcessCommands } from "../../../src/core/model/live.ts";
import { userCommands } from "../../../src/drivers/process/user-commands.ts";
import { canRun } from "./support/daemon.ts";
import { buildImage } from "./support/image.ts";

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // gone as it should be
  }
}

/** Nobody reaps orphans in some containers: a zombie has ended. */
function isRunning(pid: string): boolean {
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
  return /\) [^ZX]/.test(stat);
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "perennial-supervised-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a systemd unit", () => {
  const show = (state: string, pid: number): string =>
    `MainPID=${pid}\nExecMainStartTimestampMonotonic=5000000\nLoadState=loaded\nActiveState=${state}\n`;

  function unit(answers: (args: string, calls: readonly string[]) => CommandResult) {
    const calls: string[] = [];
    const driver = systemdUnit({
      consumer: "kubelet",
      unit: "kubelet.service",
      program: "/usr/bin/systemctl",
      bootAt: 1000,
      run: (_, args) => {
        const result = answers(args.join(" "), calls);
        calls.push(args.join(" "));
        return Promise.resolve(result);
      },
    });
    return { calls, driver };
  }
  const ok = (stdout = ""): CommandResult => ({ code: 0, stdout, stderr: "" });

  it("is known by pid and start, and stopped, and restarted with its failures forgotten", async () => {
    const { calls, driver } = unit((args, before) =>
      ok(
        args.startsWith("show")
          ? before.includes("stop kubelet.service")
            ? show("inactive", 0)
            : show("active", 42)
          : "",
      ),
    );
    expect(await driver.look()).toEqual({
      through: "systemd kubelet.service",
      instances: [{ id: "42@5000000", state: "running", startedAt: 6000, image: null, pid: 42 }],
    });
    expect(await driver.stop({ graceSeconds: 5 })).toEqual(["42@5000000"]);
    await driver.revive({ timeoutSeconds: 5 });
    expect(calls.filter((call) => !call.startsWith("show"))).toEqual([
      "stop kubelet.service",
      "reset-failed kubelet.service",
      "restart kubelet.service",
    ]);
    await expect(driver.stop({ graceSeconds: 5 })).rejects.toMatchObject({ code: "process-not-found" });
  });

  it("that systemd cannot tell about is not a unit that is down", async () => {
    const { driver } = unit(() => ({ code: 1, stdout: "", stderr: "Failed to connect to bus\n" }));
    await expect(driver.look()).rejects.toMatchObject({ code: "process-unknowable" });
    await expect(driver.revive({ timeoutSeconds: 5 })).rejects.toMatchObject({
      code: "process-not-revived",
      params: { consumer: "kubelet", through: "systemd kubelet.service", reason: "Failed to connect to bus" },
    });
  });

  it("that is masked is known not to be startable before it is stopped", async () => {
    const masked = "LoadState=masked\nActiveState=active\nMainPID=42\n";
    expect(await unit(() => ok(masked)).driver.startability()).toEqual({
      state: "cannot",
      why: "unit-masked",
    });
    expect(await unit(() => ok(show("failed", 0))).driver.startability()).toEqual({ state: "can" });
  });

  it("may be missing, and old systemd says less", () => {
    expect(parseUnit("LoadState=not-found\n").isLoaded).toBe(false);
    expect(parseUnit("MainPID=3\nLoadState=loaded\nActiveState=active\n")).toEqual({
      isLoaded: true,
      isMasked: false,
      activeState: "active",
      mainPid: 3,
      startedMicroseconds: 0,
    });
  });
});

describe("a plain process", () => {
  /** Found by this name alone, so it must be nobody else's. */
  const name = `perennial-t${process.pid}`;
  const pids: number[] = [];
  afterEach(async () => {
    const ours = () => findProcesses("/proc", { name, flags: [], sameRoot: true }).map(({ pid }) => pid);
    // The next test finds its process by the same name.
    await expect
      .poll(() => {
        for (const pid of new Set([...pids, ...ours()])) end(pid);
        return ours();
      })
      .toEqual([]);
    pids.length = 0;
  });

  function driver(flags: readonly OwnFlag[] = []): ConsumerDriver {
    return plainProcess({
      consumer: "kubelet",
      own: { name, flags, sameRoot: true },
      proc: "/proc",
      workFolder: join(folder, "work"),
      pollMs: 10,
    });
  }

  /** A shell under that name, with arguments, environment, folder and log of its own. */
  async function launch(line: string): Promise<number> {
    const program = join(folder, name);
    if (!existsSync(program)) copyFileSync("/bin/sh", program);
    mkdirSync(join(folder, "cwd"), { recursive: true });
    const log = openSync(join(folder, "log"), "a");
    const child = spawn(program, ["-c", line, "a b", "--flag=$x"], {
      cwd: join(folder, "cwd"),
      env: { PATH: "/usr/bin:/bin", ONLY: "this one" },
      stdio: ["ignore", log, log],
      detached: true,
    });
    closeSync(log);
    await once(child, "spawn");
    pids.push(child.pid ?? 0);
    return child.pid ?? 0;
  }
  const lines = (): readonly string[] => readFileSync(join(folder, "log"), "utf8").trim().split("\n");
  const line = 'trap "exit 0" TERM; echo "$PWD|$0|$1|$ONLY"; while :; do sleep 0.05; done';

  it("starts again as it was started: words, folder, environment, output", async () => {
    const pid = await launch(line);
    await expect.poll(() => lines().length).toBe(1);
    await expect.poll(() => lines()[0]).not.toBe("");
    const before = (await driver().look()).instances;
    expect(before.map((one) => one.pid)).toEqual([pid]);
    expect(Math.abs((before[0]?.startedAt ?? 0) - Date.now())).toBeLessThan(30_000);
    await driver().revive({ timeoutSeconds: 30 });
    await expect.poll(() => lines().length).toBe(2);
    const after = (await driver().look()).instances;
    pids.push(after[0]?.pid ?? 0);
    expect(after).toHaveLength(1);
    expect(after[0]?.id).not.toBe(before[0]?.id);
    expect(lines()[1]).toBe(lines()[0]);
    expect(lines()[1]).toBe(`${join(folder, "cwd")}|a b|--flag=$x|this one`);
  });

  it("can be revived by another process than the one that stopped it: how is recorded, for root alone", async () => {
    await launch(line);
    await expect.poll(() => lines()[0]).not.toBe("");
    await driver().stop({ graceSeconds: 10 });
    expect((await driver().look()).instances).toEqual([]);
    expect(statSync(join(folder, "work", "launch-kubelet.json")).mode & 0o777).toBe(0o600);
    expect(await driver().startability()).toMatchObject({ state: "recorded" });
    await driver().revive({ timeoutSeconds: 30 });
    const { instances } = await driver().look();
    pids.push(instances[0]?.pid ?? 0);
    expect(instances).toHaveLength(1);
  });

  it("that died long after can be started as it was last seen, and says how", async () => {
    const pid = await launch(line);
    await expect.poll(() => lines()[0]).not.toBe("");
    expect(await driver().startability()).toEqual({ state: "can" });
    await driver().revive({ timeoutSeconds: 30 });
    const [second] = (await driver().look()).instances;
    process.kill(second?.pid ?? 0, "SIGKILL");
    await expect.poll(async () => (await driver().look()).instances).toEqual([]);
    const record = join(folder, "work", "launch-kubelet.json");
    expect(await driver().startability()).toEqual({
      state: "recorded",
      command: `${join(folder, name)} -c ${line} a b --flag=$x`,
      recordedAt: statSync(record).mtimeMs,
    });
    await driver().revive({ timeoutSeconds: 30 });
    const { instances } = await driver().look();
    pids.push(instances[0]?.pid ?? 0);
    expect(instances.map(({ state }) => state)).toEqual(["running"]);
    expect(instances[0]?.pid).not.toBe(pid);
    rmSync(join(folder, name));
    process.kill(instances[0]?.pid ?? 0, "SIGKILL");
    await expect.poll(async () => (await driver().look()).instances).toEqual([]);
    expect(await driver().startability()).toEqual({ state: "cannot", why: "not-known" });
  });

  it("of another control plane on the machine is not seen: other files, another root", async () => {
    await launch(line);
    await expect.poll(() => lines()[0]).not.toBe("");
    const look = async (flags: readonly OwnFlag[]): Promise<number> =>
      (await driver(flags).look()).instances.length;
    // Its words hold `--flag=$x`, which is no path: nothing to tell it by.
    expect(await look([{ name: "flag", path: "/etc/ours" }])).toBe(1);
    const other = await launch(`${line}; : --config=/other/config.yaml`);
    expect((await driver().look()).instances.map(({ pid }) => pid)).toContain(other);
    const program = join(folder, name);
    const args = ["-c", line, "c", "--config", "/other/config.yaml", `--kubeconfig=${folder}/kubelet.conf`];
    const third = spawn(program, args, { stdio: "ignore", detached: true });
    await once(third, "spawn");
    pids.push(third.pid ?? 0);
    const seen = async (flags: readonly OwnFlag[]): Promise<boolean> =>
      (await driver(flags).look()).instances.some(({ pid }) => pid === third.pid);
    await expect.poll(() => seen([])).toBe(true);
    expect(await seen([{ name: "config", path: "/ours/config.yaml" }])).toBe(false);
    expect(await seen([{ name: "config", path: "/other/config.yaml" }])).toBe(true);
    // One file of its own is enough.
    const flags = [
      { name: "config", path: "/ours/config.yaml" },
      { name: "kubeconfig", path: join(folder, "kubelet.conf") },
    ];
    expect(await seen(flags)).toBe(true);
    expect(await driver().startability()).toEqual({ state: "cannot", why: "ambiguous" });
  });

  it.skipIf(!canRun("chroot", "busybox"))("in a root directory of its own is another node's", async () => {
    buildImage(folder, findProgram("busybox") ?? "");
    const args = [join(folder, "tree"), "/bin/busybox", "sleep", "60"];
    const child = spawn("chroot", args, { stdio: "ignore", detached: true });
    await once(child, "spawn");
    pids.push(child.pid ?? 0);
    await expect
      .poll(() => readFileSync(`/proc/${child.pid}/cmdline`, "utf8"))
      .toBe("/bin/busybox\0sleep\x0060\0");
    const isSeen = (sameRoot: boolean): boolean =>
      findProcesses("/proc", { name: "busybox", flags: [], sameRoot }).some(({ pid }) => pid === child.pid);
    expect([isSeen(false), isSeen(true)]).toEqual([true, false]);
  });

  it("is killed only after its grace", async () => {
    await launch('trap "echo asked" TERM; echo up; while :; do sleep 0.05; done');
    await expect.poll(() => lines()[0]).toBe("up");
    await driver().stop({ graceSeconds: 0.5 });
    expect(lines()).toEqual(["up", "asked"]);
  });

  it("that never was cannot be stopped or revived", async () => {
    await expect(driver().stop({ graceSeconds: 1 })).rejects.toMatchObject({
      code: "process-not-found",
      params: { consumer: "kubelet", through: "process" },
    });
    await expect(driver().revive({ timeoutSeconds: 1 })).rejects.toMatchObject({
      code: "process-not-revived",
    });
    expect(await driver().startability()).toEqual({ state: "cannot", why: "not-known" });
  });
});

describe("a user's commands", () => {
  const none: ConsumerDriver = {
    look: () => Promise.resolve({ through: "docker", instances: [] }),
    stop: () => Promise.reject(new TypeError("not asked")),
    revive: () => Promise.reject(new TypeError("not asked")),
    startability: () => Promise.resolve({ state: "cannot", why: "not-known" }),
  };

  function own(consumer: string, commands: ProcessCommands, usual = none): ConsumerDriver {
    const workFolder = join(folder, "work");
    const open = (): Promise<ConsumerDriver> => Promise.resolve(usual);
    return userCommands({
      consumer,
      commands,
      usual: open,
      run: runCommand,
      runLine,
      proc: "/proc",
      workFolder,
      pollMs: 10,
    });
  }

  it("start, look at, stop a process that nobody else knows: it lives on in the background, its next life is another", async () => {
    const pid = join(folder, "pid");
    // A zombie has ended; who reaps it takes his time.
    const alive = `grep -q '^State:.[^ZX]' "/proc/$(cat '${pid}' 2>/dev/null)/status" 2>/dev/null`;
    const commands = {
      start: `echo starting; sleep 300 & echo $! > '${pid}'`,
      status: `if ${alive}; then cat '${pid}'; else exit 3; fi`,
      stop: `kill "$(cat '${pid}')"; while ${alive}; do sleep 0.05; done`,
    };
    const driver = own("kubelet", commands);
    expect(await driver.look()).toEqual({ through: "command", instances: [] });
    expect(await driver.startability()).toEqual({ state: "can" });
    const lives = [];
    for (const round of [1, 2]) {
      await driver.revive({ timeoutSeconds: 20 });
      const [instance, ...others] = (await driver.look()).instances;
      expect([others, instance?.pid], `life ${round}`).toEqual([[], Number(readFileSync(pid, "utf8"))]);
      expect(Math.abs((instance?.startedAt ?? 0) - Date.now())).toBeLessThan(30_000);
      lives.push(instance?.id);
    }
    expect(lives[0]).toMatch(/^\d+@\d+$/);
    expect(lives[1]).not.toBe(lives[0]);
    expect(isRunning(lives[0]?.split("@")[0] ?? "")).toBe(false);
    expect(await driver.stop({ graceSeconds: 5 })).toEqual([lives[1]]);
    expect(isRunning(lives[1]?.split("@")[0] ?? "")).toBe(false);
    expect(await driver.look()).toEqual({ through: "command", instances: [] });
    const log = join(folder, "work", "kubelet-start.log");
    expect([readFileSync(log, "utf8"), statSync(log).mode & 0o777]).toEqual(["starting\n", 0o600]);
  });

  it("tell running, not running and not known apart", async () => {
    const look = (status: string) => own("etcd", { status }).look();
    expect((await look("echo; echo life-7; echo more")).instances.map(({ id, pid }) => [id, pid])).toEqual([
      ["life-7", null],
    ]);
    for (const down of ["exit 3", "true", "echo 0"]) expect((await look(down)).instances, down).toEqual([]);
    for (const [line, reason] of [
      ["echo no access >&2; exit 1", "no access"],
      ["echo 12; exit 4", "exit code 4"],
    ] as const)
      await expect(look(line), line).rejects.toMatchObject({
        code: "process-unknowable",
        params: { consumer: "etcd", tried: [`etcd.status: ${reason}`] },
      });
  });

  it("a stop without a start first keeps how the process is started, and without that stops nothing", async () => {
    const said: string[] = [];
    const usual: ConsumerDriver = {
      ...none,
      remember: () => {
        said.push("remembered");
      },
      revive: () => Promise.resolve(void said.push("revived")),
    };
    await own("kubelet", { stop: `echo stop > '${folder}/said'` }, usual).revive({ timeoutSeconds: 20 });
    expect(said).toEqual(["revived"]);
    await own("kubelet", { stop: `echo stop > '${folder}/said'` }, usual).stop({ graceSeconds: 1 });
    expect(said).toEqual(["revived", "remembered"]);
    rmSync(join(folder, "said"));
    const unreadable: ConsumerDriver = {
      ...usual,
      remember: () => {
        throw new TypeError("not readable");
      },
    };
    await expect(
      own("kubelet", { stop: `echo stop > '${folder}/said'` }, unreadable).stop({ graceSeconds: 1 }),
    ).rejects.toThrow("not readable");
    expect(existsSync(join(folder, "said"))).toBe(false);
  });

  it("that hang are ended with all they started", async () => {
    await expect(
      runLine(`sleep 300 & echo $! > '${folder}/pid'; wait`, {
        name: "etcd.stop",
        timeoutMs: 1000,
        log: join(folder, "log"),
      }),
    ).rejects.toMatchObject({
      code: "command-failed",
      params: { command: "etcd.stop", reason: "no answer within 1 s" },
    });
    const pid = readFileSync(join(folder, "pid"), "utf8").trim();
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  it("are run by a shell, and failing ones say why", async () => {
    const commands = { stop: `echo stop >> '${folder}/said'`, start: "echo no such unit >&2; exit 5" };
    const driver = own("etcd", commands);
    expect(await driver.stop({ graceSeconds: 1 })).toEqual([]);
    expect(readFileSync(join(folder, "said"), "utf8")).toBe("stop\n");
    await expect(driver.revive({ timeoutSeconds: 5 })).rejects.toMatchObject({
      code: "process-not-revived",
      params: { consumer: "etcd", through: "command", reason: "no such unit" },
    });
  });
});
