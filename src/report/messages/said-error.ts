// The sentence of an error inside another sentence, and what helps against it.
import type { ErrorCode, ErrorParams } from "../../core/model/errors.ts";
import type { ErrorMessages, Tool } from "./types.ts";

interface Coded<C extends ErrorCode> {
  readonly code: C;
  readonly params: ErrorParams[C];
}

export function saidError<C extends ErrorCode>({ code, params }: Coded<C>, errors: ErrorMessages): string {
  return errors[code].sentence(params);
}

export function helpAgainst<C extends ErrorCode>(
  { code, params }: Coded<C>,
  { errors, tool }: { readonly errors: ErrorMessages; readonly tool: Tool },
): readonly string[] {
  return errors[code].hint(params, tool);
}

/** `start` and the reason; an error that begins with the same words says them alone. */
export function withReason(start: string, reason: string): string {
  return reason.startsWith(start) ? reason : `${start}${reason}`;
}
