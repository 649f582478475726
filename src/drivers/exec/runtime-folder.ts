// The 0700 folder for the sockets of one host, short enough for their names, and what killed runs have left beside it.
// INPUTS: XDG_RUNTIME_DIR, the temporary folder. OUTPUTS: one new folder; folders of the same user whose process has gone are removed.
import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../core/model/errors.ts";

/** sun_path of macOS with its NUL; ssh appends a dot and 16 characters to the name of its socket `m` while it makes it. */
const longestBase = 104 - 1 - "/perennial-ssh-4194304-XXXXXX/m".length - 17;
const prefix = "perennial-ssh-";

export interface RuntimeFolder {
  readonly path: string;
  remove(): void;
}

/** @throws AppError value-invalid when the folder's path is too long for a socket */
export function makeRuntimeFolder(wanted: string | undefined): RuntimeFolder {
  const base = wanted ?? defaultBase();
  if (Buffer.byteLength(base) > longestBase) {
    throw new AppError("value-invalid", {
      what: "path",
      value: base,
      expected: "a shorter path: a socket below it has at most 107 bytes",
    });
  }
  sweep(base);
  const path = mkdtempSync(join(base, `${prefix}${process.pid}-`));
  chmodSync(path, 0o700);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

function defaultBase(): string {
  const runtime = process.env["XDG_RUNTIME_DIR"];
  const folders = [...(runtime === undefined ? [] : [runtime]), tmpdir(), "/tmp"];
  const fits = (path: string): boolean => path.length <= longestBase && isOwn(path);
  // Left over from `su`, XDG_RUNTIME_DIR is another user's.
  return folders.find((path) => (path === runtime ? fits(path) : path.length <= longestBase)) ?? "/tmp";
}

function isOwn(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.uid === process.getuid?.();
}

function sweep(base: string): void {
  for (const name of readdirSync(base)) {
    const pid = /^perennial-ssh-(\d+)-\w{6}$/.exec(name)?.[1];
    const path = join(base, name);
    if (pid !== undefined && isGone(Number(pid)) && isOwn(path))
      rmSync(path, { recursive: true, force: true });
  }
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
