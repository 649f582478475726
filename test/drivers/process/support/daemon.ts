// A server with folders of its own, stopped by its pid; nothing of it is left mounted.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram } from "../../../../src/drivers/process/run-command.ts";

export interface Daemon {
  readonly folder: string;
  log(): string;
  /** Leaves nothing behind. */
  stop(): Promise<void>;
}

/** Containers need root, and the programs. */
export function canRun(...programs: readonly string[]): boolean {
  return process.getuid?.() === 0 && programs.every((name) => findProgram(name) !== null);
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "perennial-process-"));
}

/** Resolves when `isUp` does not throw any more. */
export async function startDaemon(
  folder: string,
  [program = "", ...args]: readonly string[],
  isUp: () => unknown,
): Promise<Daemon> {
  const logPath = join(folder, "log");
  const output = openSync(logPath, "a");
  const child = spawn(findProgram(program) ?? program, args, { stdio: ["ignore", output, output] });
  closeSync(output);
  const ended = once(child, "exit");
  const log = (): string => readFileSync(logPath, "utf8");
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await ended;
    }
    unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true });
  };
  const until = performance.now() + 25_000;
  for (;;) {
    try {
      await isUp();
      return { folder, log, stop };
    } catch (error) {
      if (performance.now() < until && child.exitCode === null) {
        await sleep(100);
        continue;
      }
      const text = log();
      await stop();
      throw new Error(`${program} did not come up: ${text.slice(-3000)}`, { cause: error });
    }
  }
}

function unmountBelow(folder: string): void {
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${folder}/`));
  for (const path of mounts.sort().reverse()) execFileSync("umount", ["-l", path]);
}
