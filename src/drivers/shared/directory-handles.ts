// Paths below an opened directory. Node has no openat(2); `/proc/self/fd/N/child` is the same: the kernel starts
// at the directory that was checked, wherever it has been moved or whatever has taken its name since.
import { closeSync, constants, fsyncSync, openSync, readSync, type Stats } from "node:fs";

/** Missing from node:fs; this is its value on every Linux architecture that Node runs on (asm-generic/fcntl.h). */
const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** The path of a child of an opened directory. `name` must be one component. */
export function childPath(directory: number, name: string): string {
  return `/proc/self/fd/${directory}/${name}`;
}

/** Opens a directory that must not be a link; search permission is enough (O_PATH). */
export function openDirectory(path: string): number {
  return openSync(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
}

/** Opens a directory that the operator named: here links may lead. */
export function openNamedDirectory(path: string): number {
  return openSync(path, O_PATH | O_DIRECTORY);
}

/** Opens for reading without following a link and without ever waiting for a FIFO's other end. */
export function openForReading(path: string): number {
  return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

/** Makes names durable. An O_PATH handle cannot be synced, so the same directory is opened again through it. */
export function syncDirectory(directory: number, sync: (fd: number) => void = fsyncSync): void {
  const fd = openSync(childPath(directory, "."), O_RDONLY | O_DIRECTORY);
  try {
    sync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Reads to the end, but never more than `limitBytes + 1` bytes: one too many says "too large". */
export function readUpTo(fd: number, sizeBytes: number, limitBytes: number): Uint8Array {
  let buffer = new Uint8Array(Math.min(sizeBytes, limitBytes) + 1);
  let length = 0;
  for (;;) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    length += count;
    // Files of /proc say 0 and hold more; elsewhere the size saves a last read.
    if (count === 0 || length > limitBytes || (length === sizeBytes && sizeBytes > 0))
      return buffer.subarray(0, length);
    if (length === buffer.length) {
      const larger = new Uint8Array(Math.min(Math.max(buffer.length * 2, 4096), limitBytes + 1));
      larger.set(buffer);
      buffer = larger;
    }
  }
}

export type FileType =
  | "regular"
  | "directory"
  | "fifo"
  | "character-device"
  | "block-device"
  | "socket"
  | "link";

export function fileType(stats: Stats): FileType {
  if (stats.isFile()) return "regular";
  if (stats.isDirectory()) return "directory";
  if (stats.isFIFO()) return "fifo";
  if (stats.isCharacterDevice()) return "character-device";
  if (stats.isBlockDevice()) return "block-device";
  if (stats.isSocket()) return "socket";
  return "link";
}

/** The system's error code (`EACCES`), or null when `error` did not come from a system call. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

/** An error like the kernel's, for what is found out without asking it. */
export function errnoError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
}
