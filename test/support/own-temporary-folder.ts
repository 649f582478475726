// Vitest's global set-up: the temporary files of all tests in one folder of this run, removed at its end, whatever the tests left in it.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A socket's path has 107 bytes at most, and the longest a test makes has some 60 below this folder. */
const longestBase = 24;

/** Makes the folder and points TMPDIR to it, which worker threads inherit; what it returns removes it, or throws. */
export function setup(): () => void {
  const outer = process.env["TMPDIR"];
  const base = tmpdir().length > longestBase ? "/tmp" : tmpdir();
  sweep(base);
  const folder = mkdtempSync(join(base, `perennial-${process.pid}-`));
  // Some tests run programs as nobody, who has to get through.
  chmodSync(folder, 0o711);
  process.env["TMPDIR"] = folder;
  return () => {
    if (outer === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = outer;
    removeFolder(folder);
  };
}

/** Removes what runs that were killed have left. What cannot be removed is told and stays: it is not this run's failure. */
function sweep(base: string): void {
  for (const name of readdirSync(base)) {
    const pid = /^perennial-(\d+)-\w{6}$/.exec(name)?.[1];
    if (pid === undefined || !isGone(Number(pid))) continue;
    try {
      removeFolder(join(base, name));
    } catch (error) {
      console.error(`an earlier run's ${join(base, name)} stays: ${String(error)}`);
    }
  }
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}

/** Removes a folder with its mounts and immutable files, and says so when there were any. Throws when something stays. */
export function removeFolder(folder: string): void {
  // Before anything is removed: what is mounted may be bound from elsewhere.
  for (const point of mountsBelow(folder)) {
    console.error(`a test left a mount: ${point}`);
    execFileSync("umount", [point]);
  }
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    console.error(`a test left what cannot simply be removed: ${String(error)}`);
    // Its complaints are about links and file systems without attributes; whether it helped, the next line says.
    spawnSync("chattr", ["-R", "-f", "-i", "-a", folder]);
    rmSync(folder, { recursive: true });
  }
}

/** Mount points in the folder, the innermost first (proc_pid_mountinfo(5): the fifth field, blanks as \040). */
function mountsBelow(folder: string): readonly string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replace(/\\([0-7]{3})/g, (_, octal: string) => fromOctal(octal)),
    )
    .filter((point) => point.startsWith(`${folder}/`))
    .reverse();
}

function fromOctal(octal: string): string {
  return String.fromCharCode(Number.parseInt(octal, 8));
}
