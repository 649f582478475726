// The control planes of test/fixtures/control-planes.tar.gz, unpacked once, with fresh copies for tests that write.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const archive = resolve(import.meta.dirname, "../fixtures/control-planes.tar.gz");

/** Where this process unpacked the archive. A cache, so that a thousand tests unpack it once. */
const unpacked: { dir?: string } = {};

/** An empty folder, which goes with all others at the end of the run. */
export function freshFolder(): string {
  return mkdtempSync(join(tmpdir(), "fixture-"));
}

/**
 * The directory that holds all the trees (`kubeadm-valid`, `tos-expired`, ...). Shared: read it, never write to it.
 * Modes and links are those of the archive, whatever the umask.
 */
export function unpackFixtures(): string {
  if (unpacked.dir !== undefined && existsSync(unpacked.dir)) return unpacked.dir;
  const dir = freshFolder();
  execFileSync("tar", ["-x", "-z", "-p", "--no-same-owner", "-f", archive, "-C", dir]);
  unpacked.dir = dir;
  return dir;
}

/**
 * A fresh copy of one tree, which the caller may change: `fixture("kubeadm-valid")` or a part of one,
 * `fixture("kubeadm-ha-expired/m1")`. Modes, times and links are kept.
 */
export function fixture(name: string): string {
  const source = join(unpackFixtures(), name);
  const copy = join(freshFolder(), "tree");
  execFileSync("cp", ["-a", source, copy]);
  return copy;
}
