// A Host that is this machine: each script runs in a shell of its own. For the tests of what is built on hosts.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../src/core/model/errors.ts";
import type { Host, ShellOptions, ShellResult } from "../../src/drivers/shared/host.ts";

export type ShellName = "dash" | "bash" | "busybox";

export interface LocalShellOptions {
  readonly shell?: ShellName;
  readonly uid?: number;
  /** Changes what is run: text and input as the host would get them. */
  readonly tamper?: (script: string, input: Uint8Array) => readonly [string, Uint8Array];
}

export interface LocalShell extends Host {
  /** Scripts run so far. */
  readonly scripts: readonly string[];
}

const commands: Readonly<Record<ShellName, readonly string[]>> = {
  dash: ["dash"],
  bash: ["bash", "--posix"],
  busybox: ["busybox", "sh"],
};

export function hasShell(shell: ShellName): boolean {
  return (process.env["PATH"] ?? "")
    .split(":")
    .some((folder) => folder !== "" && readdirSafely(folder).includes(shell));
}

function readdirSafely(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** With busybox, every program is busybox's: a folder of its applets is all of PATH. */
export function openLocalShell(options: LocalShellOptions = {}): LocalShell {
  const { shell = "dash" } = options;
  const folder = mkdtempSync(join(tmpdir(), "perennial-shell-"));
  execFileSync("chmod", ["755", folder]);
  const path = shell === "busybox" ? makeApplets(folder) : process.env["PATH"];
  const scripts: string[] = [];
  const [program = "sh", ...words] = commands[shell];
  const state = { isOpen: true };
  return {
    name: shell,
    scripts,
    async sh(script, wanted = {}) {
      if (!state.isOpen) throw new Error("closed");
      scripts.push(script);
      const input = wanted.input ?? new Uint8Array();
      const [text, bytes] = options.tamper?.(script, input) ?? [script, input];
      const file = join(folder, `${scripts.length}.sh`);
      writeFileSync(file, `umask 077\n${text}`, { mode: 0o644 });
      return run([program, ...words, file], { ...wanted, input: bytes, path, uid: options.uid });
    },
    connect: async (target) =>
      target.kind === "unix" ? connect(target.path) : connect(target.port, target.host),
    async close() {
      state.isOpen = false;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function makeApplets(folder: string): string {
  const applets = join(folder, "applets");
  mkdirSync(applets);
  const busybox = execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim();
  const names = execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const name of new Set([...names, "busybox"])) symlinkSync(busybox, join(applets, name));
  return applets;
}

interface Run extends ShellOptions {
  readonly input: Uint8Array;
  readonly path: string | undefined;
  readonly uid: number | undefined;
}

function run([program = "", ...words]: readonly string[], options: Run): Promise<ShellResult> {
  const { limitBytes = 16 * 1024 * 1024, timeoutMs = 30_000 } = options;
  const who = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
  // A group of its own: a test may kill all of it.
  const env = { PATH: options.path, LC_ALL: "C" };
  const place = { cwd: "/", env, detached: true, timeout: timeoutMs, ...who };
  const executable = program === "busybox" ? join(options.path ?? "", "busybox") : program;
  return new Promise((resolve, reject) => {
    const child = spawn(executable, words, { ...place, stdio: ["pipe", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    let stderr = "";
    child.on("error", reject);
    child.stdin.on("error", () => undefined);
    child.stdout.on("data", (chunk: Buffer) => void chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => void (stderr += chunk.toString("utf8")));
    child.on("close", (code, signal) => {
      const stdout = Buffer.concat(chunks);
      if (signal !== null) reject(new Error(`host lost: ${signal}`));
      else if (stdout.length > limitBytes)
        reject(new AppError("command-failed", { command: "sh", reason: "too much output" }));
      else resolve({ code: code ?? -1, stdout: new Uint8Array(stdout), stderr: stderr.slice(0, 4096) });
    });
    child.stdin.end(options.input);
  });
}
