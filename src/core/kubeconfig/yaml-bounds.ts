// How large a YAML text may be, and the error of one that is larger or wrong.
import type { Reason } from "../model/reasons.ts";
import { AppError } from "../model/errors.ts";

/** The limits of one call, defaults filled in; see YamlLimits. */
export interface YamlBounds {
  readonly sizeBytes: number;
  readonly depth: number;
  readonly tokens: number;
  readonly nodes: number;
}

export const defaultBounds: YamlBounds = { sizeBytes: 1 << 20, depth: 128, tokens: 60_000, nodes: 20_000 };

/** `reason` is a word of this tool or of the yaml package, never text of the input; the first line is 1. */
export function malformedYaml(reason: Reason, line: number): AppError<"yaml-malformed"> {
  return new AppError("yaml-malformed", { reason, line });
}
