// What renew, apply, resume and rollback say while they work and when they end, and with which exit code.
import type { RunOptions, RunResult } from "../app/renewal.ts";
import { type LocalNode, stateDirectoryOf } from "../app/local-node.ts";
import type { RunEvent } from "../core/model/event.ts";
import type { Plan } from "../core/model/plan.ts";
import { cliMessages } from "../report/cli-messages.ts";
import { formatError } from "../report/error-text.ts";
import { createProgress } from "../report/events-text.ts";
import { messagesFor } from "../report/messages.ts";
import { safeText } from "../report/escape.ts";
import { commandLine } from "./command-line.ts";
import { parseWindow } from "./durations.ts";
import { exitCodeOfError, exitCodeOfSignal, exitCodes } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { openLiveLine } from "./live-line.ts";
import { type NodeOptions, nodeArguments } from "./options.ts";

export interface RunCommandOptions {
  /** `apply --window`, `resume --window`, as typed. */
  readonly window?: string;
  readonly yes?: boolean;
  readonly ticket?: string;
  readonly reason?: string;
  readonly breakLock?: boolean;
  readonly acceptClock?: boolean;
}

export interface Watched {
  readonly options: RunCommandOptions & { readonly output: string };
  readonly io: Io;
  readonly local: LocalNode;
}

/**
 * Runs `action` and tells what happens: lines, with one live line below them on a terminal; with `-o json` one JSON object per line.
 * The first Ctrl-C is answered at once, though the run stops at its next safe point only.
 */
export async function watched<T>(
  { options, io, local }: Watched,
  action: (options: RunOptions) => Promise<T>,
): Promise<T> {
  const isData = options.output === "json";
  const line = isData ? null : openLiveLine(io);
  const print = (write: () => void): void => (line ? line.print(write) : write());
  const progress = createProgress({ lang: io.lang, stateDirectory: stateDirectoryOf(local) });
  const stopping = (): void =>
    print(() => io.err(`hint: ${cliMessages(io.lang).stopping(String(io.signal.reason))}\n`));
  io.signal.addEventListener("abort", stopping, { once: true });
  const onEvent = (event: RunEvent): void => {
    if (isData) return io.out(`${JSON.stringify(event)}\n`);
    const lines = progress.tell(event);
    if (lines.length > 0) print(() => io.out(lines.map((text) => `${text}\n`).join("")));
    line?.tell(event);
  };
  try {
    return await action({
      ticket: options.ticket ?? null,
      reason: options.reason ?? null,
      breakLock: options.breakLock === true,
      acceptClock: options.acceptClock === true,
      ...(options.window === undefined ? {} : { window: parseWindow(options.window) }),
      signal: io.signal,
      onEvent,
    });
  } finally {
    io.signal.removeEventListener("abort", stopping);
    line?.close();
  }
}

interface Reported {
  readonly plan: Plan;
  readonly options: NodeOptions & { readonly output: string };
  readonly io: Io;
}

/** The closing lines of a run that was applied or resumed, and its exit code. */
export function reportRun(result: RunResult, { plan, options, io }: Reported): number {
  const words = cliMessages(io.lang);
  const say = (line: string): void => (options.output === "json" ? undefined : io.out(`${line}\n`));
  if (options.output === "json") io.out(`${JSON.stringify({ type: "result", ...asData(result) })}\n`);
  const again = nodeArguments(options);
  if (result.outcome === "succeeded") {
    const counts = { issued: result.issued.length, files: result.changed.length };
    say(words.done(counts, result.run, isProvedLive(plan)));
    const restart = plan.notices.find((notice) => notice.code === "restart-needed");
    if (restart) say(words.restart(restart.consumers.join(messagesFor(io.lang).check.comma)));
    say(words.undoWith(commandLine(["rollback", result.run, ...again])));
    return exitCodes.ok;
  }
  if (result.error) io.err(formatError(result.error, io.lang, again));
  for (const object of result.leftAlone) io.err(`hint: ${words.leftAlone(safeText(object))}\n`);
  return reportFailure(result, again, io);
}

/** A run that succeeded has done every step of its plan. */
function isProvedLive({ phases }: Plan): boolean {
  return phases.some(({ id, nodes }) => id === "prove-live" && nodes.some(({ steps }) => steps.length > 0));
}

function reportFailure(result: RunResult, again: readonly string[], io: Io): number {
  const words = cliMessages(io.lang);
  switch (result.outcome) {
    case "rolled-back":
      io.err(`hint: ${words.failedRolledBack}\n`);
      return exitCodes.failed;
    case "abandoned":
      io.err(`hint: ${words.failedAbandoned}\n`);
      return signalCode(result) ?? (result.error ? exitCodeOfError(result.error.code) : exitCodes.failed);
    case "succeeded":
    case "interrupted":
      io.err(`hint: ${words.failedInterrupted(result.run)}\n`);
      io.err(`hint: ${words.resumeWith(commandLine(["resume", ...again]))}\n`);
      io.err(`hint: ${words.undoWith(commandLine(["rollback", result.run, ...again]))}\n`);
      return exitCodes.interrupted;
  }
}

/** 128 + the signal's number, as a shell expects, when a signal ended it before anything was changed. */
export function signalCode(result: RunResult): number | null {
  if (result.error?.code !== "interrupted") return null;
  const { signal } = result.error.params as { readonly signal: string };
  return exitCodeOfSignal(signal);
}

export function asData({ run, outcome, changed, issued, rolledBack, error, leftAlone }: RunResult): object {
  return {
    run,
    outcome,
    rolledBack,
    changed,
    issued,
    leftAlone,
    error: error && { code: error.code, params: error.params },
  };
}
