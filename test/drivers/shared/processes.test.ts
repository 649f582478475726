// Who holds a lock, and whether they still run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { describe, expect, it } from "vitest";
import { parseStat, systemProcesses } from "../../../src/drivers/shared/processes.ts";

const processes = systemProcesses({ SUDO_USER: "ann", SSH_CONNECTION: "10.0.0.1 5 10.0.0.2 22" });
const self = processes.self();

function startOf(pid: number): string {
  return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"))!.start;
}

describe("processes", () => {
  it("say who we are", () => {
    expect(self).toEqual({
      user: userInfo().username,
      sudoUser: "ann",
      sshConnection: "10.0.0.1 5 10.0.0.2 22",
      host: hostname(),
      pid: process.pid,
      processStart: startOf(process.pid),
      bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    });
    expect(self.processStart).toMatch(/^\d+$/);
  });

  it("say null without sudo and ssh", () => {
    expect(systemProcesses({}).self()).toMatchObject({ sudoUser: null, sshConnection: null });
  });

  it("know that we run", () => {
    expect(processes.isAlive(self)).toBe("alive");
  });

  it("know another process with our pid, or of an earlier boot, to be dead", () => {
    expect(processes.isAlive({ ...self, processStart: "1" })).toBe("dead");
    expect(processes.isAlive({ ...self, bootId: "earlier" })).toBe("dead");
  });

  it("do not judge what they cannot see", () => {
    expect(processes.isAlive({ ...self, host: "elsewhere" })).toBe("unknown");
    expect(processes.isAlive({ ...self, bootId: "" })).toBe("unknown");
  });

  it("see a process die", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    await once(child, "spawn");
    const actor = { ...self, pid: child.pid!, processStart: startOf(child.pid!) };
    expect(processes.isAlive(actor)).toBe("alive");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(processes.isAlive(actor)).toBe("dead");
  });

  it("read a stat line whose command holds spaces and parentheses", () => {
    const rest = Array.from({ length: 30 }, (_, index) => String(index + 4)).join(" ");
    expect(parseStat(`12 (a) b (c) S ${rest}`)).toEqual({ start: "22", parent: 4, isZombie: false });
    expect(parseStat(`12 (x) Z ${rest}`)).toEqual({ start: "22", parent: 4, isZombie: true });
    expect(parseStat("")).toBeNull();
  });
});
