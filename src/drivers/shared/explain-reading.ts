// System errors of looking, as the one error that says what could not be looked at.
import { AppError } from "../../core/model/errors.ts";
import { errnoOf } from "./directory-handles.ts";

/** Runs `action`; a system error becomes `store-unreadable` with its code as the reason. */
export function explainReading<T>(object: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = errnoOf(error);
    if (code === null) throw error;
    const cause = error instanceof Error ? error.message.replace(/ '.*$/s, "") : code;
    throw new AppError("store-unreadable", { address: object, reason: code, cause }, { cause: error });
  }
}
