// Errors that one process fails with: others may still be dealt with.
import { type AppError, type ErrorCode, isAppError } from "../core/model/errors.ts";

const codes: ReadonlySet<ErrorCode> = new Set([
  "bounce-failed",
  "process-unknowable",
  "process-not-found",
  "process-ambiguous",
  "process-not-stopped",
  "process-not-revived",
  "command-failed",
]);

export function isOfProcess(error: unknown): error is AppError {
  return isAppError(error) && codes.has(error.code);
}
