// Whether a file could be replaced, found out without changing anything. OUTPUTS: none; a file that exists is opened for
// writing and closed again, because that is what an immutable file refuses.
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  statfsSync,
} from "node:fs";
import { AppError } from "../../core/model/errors.ts";
import { childPath, errnoOf } from "./directory-handles.ts";
import type { Target } from "./file-target.ts";
import { attempt } from "./temporary-file.ts";

const { O_NOFOLLOW, O_NONBLOCK, O_WRONLY, W_OK, X_OK } = constants;

/** Space that must remain beside the new file: directory blocks, the journal's next lines. */
const marginBytes = 16 * 1024;

/** Throws the `store-write-failed` that a write would end with, if that can be foreseen. `bytes` is the size of the new file. */
export function preflightFile(target: Target, bytes: number): void {
  const { object, place } = target;
  attempt(object, "create", () => accessSync(childPath(place.directory, "."), W_OK | X_OK));
  if (target.content) {
    refuseImmutable(target);
    refuseMountPoint(target);
    refuseForeign(target);
  }
  refuseFullDisk(target, bytes);
}

function failWith(object: string, operation: string, cause: string): never {
  throw new AppError("store-write-failed", { address: object, operation, cause });
}

/** `chattr +i` and `+a` cannot be asked for without an ioctl, but refuse an open for writing with EPERM. */
function refuseImmutable({ object, place }: Target): void {
  try {
    closeSync(openSync(childPath(place.directory, place.name), O_WRONLY | O_NOFOLLOW | O_NONBLOCK));
  } catch (error) {
    const code = errnoOf(error);
    // EACCES is no hindrance: a rename needs the directory only.
    if (code === "EACCES") return;
    attempt(object, "rename", () => {
      throw error;
    });
  }
}

/** A bind-mounted single file: rename(2) would say EBUSY. */
function refuseMountPoint({ object, place, content }: Target): void {
  if (content && content.stats.dev !== fstatSync(place.directory).dev) failWith(object, "rename", "EBUSY");
  const path = `${readlinkSync(`/proc/self/fd/${place.directory}`)}/${place.name}`.replace(/^\/\//, "/");
  if (mountPoints().includes(path)) failWith(object, "rename", "EBUSY");
}

/** Fifth field of proc_pid_mountinfo(5); space, tab, newline and backslash are octal there. */
function mountPoints(): readonly string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.map((line) =>
    (line.split(" ")[4] ?? "").replace(/\\([0-7]{3})/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 8)),
    ),
  );
}

/** Only root gives files away. */
function refuseForeign({ object, content }: Target): void {
  const uid = process.geteuid?.();
  if (!content || uid === undefined || uid === 0) return;
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
  if (content.stats.uid !== uid || !groups.includes(content.stats.gid)) failWith(object, "chown", "EPERM");
}

function refuseFullDisk({ object, place }: Target, bytes: number): void {
  const disk = attempt(object, "create", () => statfsSync(childPath(place.directory, ".")));
  const free = (process.geteuid?.() === 0 ? disk.bfree : disk.bavail) * disk.bsize;
  const hasInode = disk.files === 0 || disk.ffree > 0;
  if (free < bytes + marginBytes || !hasInode) failWith(object, "write", "ENOSPC");
}
