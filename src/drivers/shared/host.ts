// A machine as drivers need it that cannot use its file system directly: a shell and streams. Types only.
import type { Duplex } from "node:stream";

export interface ShellOptions {
  /** Standard input of the script; default empty. Secrets go here, never into the script. */
  readonly input?: Uint8Array;
  /** Default 30 s. */
  readonly timeoutMs?: number;
  /** Standard output at most; default 16 MiB. */
  readonly limitBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ShellResult {
  readonly code: number;
  readonly stdout: Uint8Array;
  /** The first 4 KiB. */
  readonly stderr: string;
}

/** Where a stream leads, as the host sees it. */
export type StreamTarget =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/**
 * Contract:
 * (1) `sh` runs a POSIX sh script as the user who may change the node, in the C locale, with umask 077 and `/` as its folder;
 *     a non-zero exit is a result;
 * (2) a script either gets all of its text and input or is not begun: a connection that dies while it is sent runs nothing;
 * (3) one that dies later rejects with `host-lost`; whether the script ended is not known, so scripts can be repeated;
 * (4) calls may overlap; the implementation decides how many run at once;
 * (5) every wait has a bound: too late and too much output reject with `command-failed`, and the next call works;
 * (6) no error contains input or output beyond the first line of standard error;
 * (7) `connect` resolves with a connected stream or rejects with `endpoint-unreachable`.
 */
export interface Host {
  /** What the operator calls it, for messages. */
  readonly name: string;
  sh(script: string, options?: ShellOptions): Promise<ShellResult>;
  connect(target: StreamTarget, signal?: AbortSignal): Promise<Duplex>;
  close(): Promise<void>;
}
