// The control planes of test/fixtures/control-planes.tar.gz, unpacked once, with fresh copies for tests that write.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const archive = resolve(import.meta.dirname, "../fixtures/control-planes.tar.gz");

/** Where this process unpacked the archive. A cache, so that a thousand tests unpack it once. */
const unpacked: { dir?: string } = {};

const prefix = `perennial-fixtures-${process.pid}-`;

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}

/** Removes what earlier test processes left: worker threads are ended without a chance to tidy up. */
function sweepLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^perennial-fixtures-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && isGone(Number(pid)))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** An empty folder, removed by the next test process. */
export function freshFolder(): string {
  return mkdtempSync(join(tmpdir(), prefix));
}

/**
 * The directory that holds all the trees (`kubeadm-valid`, `tos-expired`, ...). Shared: read it, never write to it.
 * Modes and links are those of the archive, whatever the umask.
 */
export function unpackFixtures(): string {
  if (unpacked.dir !== undefined && existsSync(unpacked.dir)) return unpacked.dir;
  sweepLeftovers();
  const dir = freshFolder();
  execFileSync("tar", ["-x", "-z", "-p", "--no-same-owner", "-f", archive, "-C", dir]);
  unpacked.dir = dir;
  return dir;
}

/**
 * A fresh copy of one tree, which the caller may change: `fixture("kubeadm-valid")` or a part of one,
 * `fixture("kubeadm-ha-expired/m1")`. Modes, times and links are kept; removed by the next test process.
 */
export function fixture(name: string): string {
  const source = join(unpackFixtures(), name);
  const copy = join(freshFolder(), "tree");
  execFileSync("cp", ["-a", source, copy]);
  return copy;
}
