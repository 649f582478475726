// What a promise was rejected with.
import { AppError, isAppError } from "../../src/core/model/errors.ts";

/** The AppError; anything else, also success, fails the test. */
export async function errorOf(promise: Promise<unknown>): Promise<AppError> {
  const result = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(result instanceof AppError)) throw new TypeError("no AppError", { cause: result });
  return result;
}

/** Of a call to a server: the code and the parameters that matter. */
export async function faultOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return { resolved: await promise };
  } catch (error) {
    if (isAppError(error, "rpc-failed")) return ["rpc-failed", error.params.status, error.params.message];
    if (isAppError(error, "endpoint-unreachable")) return [error.code, error.params.reason];
    return error;
  }
}
