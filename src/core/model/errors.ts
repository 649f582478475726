// Errors as an interface: a closed set of codes, each with typed parameters. The sentence a person reads
// is made by `report`, in their language; nothing here is prose and nothing here may hold key bytes.
import type { ContentErrors, FactsDamage } from "./errors-content.ts";
import type { RunErrors } from "./errors-runs.ts";
import type { ServerErrors } from "./errors-servers.ts";
import type { OtherDistribution } from "./other-distribution.ts";
import type { Refusal } from "./refusal.ts";
import { codeWords, faultWords } from "./reasons-servers.ts";
import { isReason, type Reason } from "./reasons.ts";

/** Parameters of every error code. Add a code here and the compiler asks `report` for its sentences. */
export interface ErrorParams extends ContentErrors, RunErrors, ServerErrors {
  /** Steps of a plan that `plan --script` has no shell for. */
  "script-unsupported": { readonly steps: readonly string[] };

  // --- app, cli
  /** `command`: the command that was typed, as far as it is one. */
  usage: { readonly reason: string; readonly command?: string };
  /** Only files of these nodes are named, and what is asked is of what runs; none for the one of `--root`. */
  "needs-probe": { readonly nodes: readonly string[] };
  "name-unknown": { readonly name: string; readonly known: readonly string[] };
  /** `cause`: the system's code when there is no directory to look into. */
  "not-a-node": { readonly root: string; readonly cause?: string };
  /** A node of a distribution that kubeadm does not manage; `path` is what it was recognised by. */
  "not-kubeadm": {
    readonly root: string;
    readonly distribution: OtherDistribution;
    readonly path: string;
  };
  "input-unreadable": { readonly path: string; readonly reason: string };
  /** Common names of CAs whose keys a lab has not: what they have signed cannot be given other dates. */
  "lab-keys-missing": { readonly authorities: readonly string[] };
  /** Files and listeners that the facts do have. */
  "not-collected": { readonly path: string; readonly known: readonly string[] };
  "no-password": Readonly<Record<string, never>>;
  /** Text of `perennial collect` that is not whole; `path` is where it was read from. Never empty. */
  "facts-damaged": { readonly path: string; readonly damages: readonly FactsDamage[] };
  refused: { readonly refusals: readonly Refusal[] };
  /** What was asked for with `--out` could not be written; `cause` is the system's code. */
  "out-failed": { readonly path: string; readonly cause: string };
  /** stdout took no more: `cause` is the system's code, `work` what became of what the command was to do, `hasJournal` that a run tells it. */
  "output-lost": {
    readonly cause: string;
    readonly work: "looked" | "done" | "failed" | "not-begun";
    readonly hasJournal: boolean;
  };
  /** `look`: the command that shows what would be done, empty when it stands above; `typed`: the whole call, for sh. */
  "confirmation-needed": { readonly command: string; readonly look: string; readonly typed: string };
  declined: { readonly command: string };
  /** `onlyReads`: of a command that changes nothing, so that there is nothing to undo. */
  internal: { readonly reason: string; readonly onlyReads?: boolean };
}

export type ErrorCode = keyof ErrorParams;

/** An error as data, for a finding or a refusal that repeats it. */
export type CodedError = {
  readonly [C in ErrorCode]: { readonly code: C; readonly params: ErrorParams[C] };
}[ErrorCode];

export function codedError({ code, params }: AppError): CodedError {
  return { code, params } as CodedError;
}

/** The one error type: what went wrong as a code, where and why as parameters, the system's own error as `cause`. */
export class AppError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "AppError";
  readonly code: C;
  readonly params: ErrorParams[C];

  constructor(code: C, params: ErrorParams[C], options?: { readonly cause?: unknown }) {
    super(`${code} ${JSON.stringify(params)}`, options);
    this.code = code;
    this.params = params;
  }
}

/** Narrows an unknown error to one code. */
export function isAppError<C extends ErrorCode>(error: unknown, code?: C): error is AppError<C> {
  return error instanceof AppError && (code === undefined || error.code === code);
}

/** For exhaustive switches: a value of type never reached at run time is a bug. */
export function assertNever(value: never): never {
  throw new TypeError(`unreachable value ${JSON.stringify(value)}`);
}

/** Runs a parser whose coded error is a result here; anything else is a bug and passes through. */
export function attempt<T>(parse: () => T): T | AppError {
  try {
    return parse();
  } catch (error) {
    if (isAppError(error)) return error;
    throw error;
  }
}

/** What a coded error of a runtime, a server or the way to it says, for a place where any text may stand: words, and what the far side said. */
export function wordsOf(error: AppError): string {
  const fault = faultIn(error);
  if (fault !== null) return fault;
  const { reason, detail, message } = error.params as {
    readonly reason?: unknown;
    readonly detail?: unknown;
    readonly message?: unknown;
  };
  const words = [reason, detail, message].filter((text) => typeof text === "string" && text !== "");
  if (words.length > 0) return words.join(": ");
  const known: Partial<Record<ErrorCode, string>> = codeWords;
  return known[error.code] ?? error.code;
}

/** null for an error whose reason is words already. */
function faultIn(error: AppError): string | null {
  const said = (words: string, detail: string): string => (detail === "" ? words : `${words} (${detail})`);
  if (
    isAppError(error, "endpoint-unreachable") ||
    isAppError(error, "host-unreachable") ||
    isAppError(error, "snapshot-damaged")
  )
    return said(faultWords[error.params.reason], error.params.detail);
  if (isAppError(error, "sudo-refused"))
    return `sudo: ${said(faultWords[error.params.reason], error.params.detail)}`;
  return null;
}

/** The reason and line that a coded error carries, as text for a finding; its code when it has no reason. */
export function reasonOf(error: AppError): Reason {
  const { reason, line } = error.params as { readonly reason?: unknown; readonly line?: unknown };
  const text = typeof reason === "string" ? reason : error.code;
  const known = isReason(text) ? text : (`error ${text}` as const);
  return typeof line === "number" ? `${known} (line ${line})` : known;
}
