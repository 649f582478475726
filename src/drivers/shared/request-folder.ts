// The folder that requests are handed out in: the operator's, on this machine, never below a node's root by itself.
//
// OUTPUTS  DIR (0755 when made), DIR/NAME.csr (0644), replaced by rename so that a link there is not followed
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { constants } from "node:fs";
import { join, resolve } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import { isRequestLabel } from "../../core/plan/parse-pending.ts";
import { parsePem } from "../../core/pki/pem.ts";
import { errnoOf } from "./directory-handles.ts";

/** A file of that name that is larger than this is no request. */
const limitBytes = 64 * 1024;

/** Absolute path of the written file; equal bytes are left alone. @throws AppError `store-write-failed` */
export function writeRequest(directory: string, name: string, pem: Uint8Array): string {
  const folder = resolve(directory);
  const path = join(folder, name);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    if (isSame(path, pem)) return path;
    writeBeside(folder, path, pem);
    return path;
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw failed(path, errnoOf(cause) ?? "unknown", cause);
  }
}

/** Only an earlier request is replaced: whatever else has this name is somebody's. */
function isSame(path: string, pem: Uint8Array): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return false;
  if (!stats.isFile() || stats.size > limitBytes) throw failed(path, "EEXIST");
  const old = readFileSync(path);
  if (!parsePem(old).blocks.some(({ label }) => isRequestLabel(label))) throw failed(path, "EEXIST");
  return Buffer.compare(old, pem) === 0;
}

function writeBeside(folder: string, path: string, pem: Uint8Array): void {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const temporary = join(folder, `.perennial-${process.pid}.csr`);
  const file = openSync(temporary, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o644);
  try {
    writeSync(file, pem);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

function failed(path: string, cause: string, error?: unknown): AppError {
  return new AppError("store-write-failed", { address: path, operation: "write", cause }, { cause: error });
}
