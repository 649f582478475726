// The terminal, as an argument: commands write and ask through it, tests put another one in.
import type { Language } from "../report/language.ts";

export interface Io {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly lang: Language;
  /** The whole call behind the program's name. */
  readonly words: readonly string[];
  /** The answer goes to stdout, everything else to stderr. */
  out(text: string): void;
  err(text: string): void;
  /** The system's code since stdout takes no more (`ENOSPC`), else null. `out` never throws: a run goes on to its end, its journal is the record. */
  unwritten(): string | null;
  /** True when a person can be asked. */
  readonly isInteractive: boolean;
  readonly hasColor: boolean;
  readonly width: number | null;
  /** One line from the person. */
  ask(question: string): Promise<string>;
  /** One line that is not shown: typed without echo, or, when nobody can be asked, the next line of standard input. */
  askSecret(question: string): Promise<string>;
  readInput(): Promise<Uint8Array>;
  /** Standard input piece by piece, for what may be larger than memory; ends early when the signal is aborted. */
  input(): AsyncIterable<Uint8Array>;
  /** Aborted by the first SIGINT or SIGTERM with the signal's name as reason. */
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** False when `now` is not the machine's clock: nothing on the machine speaks of it then. */
  readonly isMachineClock: boolean;
}
