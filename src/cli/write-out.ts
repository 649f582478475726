// A file that the operator asked for with `--out`: only for themselves to read.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { AppError } from "../core/model/errors.ts";

/** @throws AppError `store-write-failed` */
export function writeOut(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    throw new AppError(
      "store-write-failed",
      { address: resolve(path), operation: "write", cause: code },
      { cause },
    );
  }
}
