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
import { runCommand, type CommandResult } from "../../../src/drivers/process/run-command.ts";
import { parseUnit, systemdUnit } from "../../../src/drivers/process/systemd-unit.ts";
import { userCommands } from "../../../src/drivers/process/user-commands.ts";

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

  it("may be missing, and old systemd says less", () => {
    expect(parseUnit("LoadState=not-found\n").isLoaded).toBe(false);
    expect(parseUnit("MainPID=3\nLoadState=loaded\nActiveState=active\n")).toEqual({
      isLoaded: true,
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
  afterEach(() => {
    for (const pid of pids.splice(0)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // gone as it should be
      }
    }
  });

  function driver(): ConsumerDriver {
    return plainProcess({
      consumer: "kubelet",
      name,
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
    await driver().revive({ timeoutSeconds: 30 });
    const { instances } = await driver().look();
    pids.push(instances[0]?.pid ?? 0);
    expect(instances).toHaveLength(1);
    expect(existsSync(join(folder, "work", "launch-kubelet.json"))).toBe(false);
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
  });
});

describe("a user's commands", () => {
  const none: ConsumerDriver = {
    look: () => Promise.resolve({ through: "docker", instances: [] }),
    stop: () => Promise.reject(new TypeError("not asked")),
    revive: () => Promise.reject(new TypeError("not asked")),
  };

  it("are run by a shell, and failing ones say why", async () => {
    const commands = { stop: `echo stop >> '${folder}/said'`, start: "echo no such unit >&2; exit 5" };
    const driver = userCommands({ consumer: "etcd", commands, usual: none, run: runCommand, pollMs: 1 });
    expect(await driver.stop({ graceSeconds: 1 })).toEqual([]);
    expect(readFileSync(join(folder, "said"), "utf8")).toBe("stop\n");
    await expect(driver.revive({ timeoutSeconds: 5 })).rejects.toMatchObject({
      code: "process-not-revived",
      params: { consumer: "etcd", through: "command", reason: "no such unit" },
    });
  });
});
