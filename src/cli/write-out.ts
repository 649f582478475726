// A file that the operator asked for with `--out`: only for themselves to read.
import { chmodSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { AppError } from "../core/model/errors.ts";

/** `mode`: 0o700 for what its owner may run; that holds for a file that was there as well. @throws AppError `out-failed` */
export function writeOut(path: string, text: string, mode = 0o600): void {
  try {
    writeFileSync(path, text, { mode });
    if (mode === 0o700) chmodSync(path, mode);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    throw new AppError("out-failed", { path: resolve(path), cause: code }, { cause });
  }
}
