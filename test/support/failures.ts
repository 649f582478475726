// What a promise failed with, as a value to compare.
import { isAppError } from "../../src/core/model/errors.ts";

/** The code of the AppError a promise rejects with; "none" when it resolves. Anything else is thrown. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    if (isAppError(error)) return error.code;
    throw error;
  }
}

/** The parameters of the AppError a promise rejects with, with its code. */
export async function failureOf(promise: Promise<unknown>): Promise<Readonly<Record<string, unknown>>> {
  try {
    await promise;
  } catch (error) {
    if (isAppError(error)) return { code: error.code, ...error.params };
    throw error;
  }
  throw new Error("it did not fail");
}
