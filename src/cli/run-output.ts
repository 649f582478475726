// What renew, apply, resume and rollback say while they work and when they end, and with which exit code.
import type { RunOptions, RunResult } from "../app/renewal.ts";
import { type LocalNode, stateDirectoryOf } from "../app/local-node.ts";
import type { RunEvent } from "../core/model/event.ts";
import type { Plan } from "../core/model/plan.ts";
import { type AppError, isAppError } from "../core/model/errors.ts";
import { cliMessages } from "../report/cli-messages.ts";
import { formatError, renderError } from "../report/error-text.ts";
import { createProgress } from "../report/events-text.ts";
import { manualObject } from "../report/manual-steps.ts";
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
  /** Where runs are kept. */
  readonly local: Pick<LocalNode, "root" | "stateDirectory"> & {
    /** On the nodes of several, where what is replaced is kept. */
    readonly nodeDirectory?: string;
  };
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
  const { nodeDirectory } = local;
  const progress = createProgress({
    lang: io.lang,
    stateDirectory: stateDirectoryOf(local),
    ...(nodeDirectory === undefined ? {} : { nodeDirectory }),
  });
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
  } catch (error) {
    // Its sentence, on stderr, leaves out what only programs compare: the hashes of files.
    if (isData && isAppError(error))
      io.out(`${JSON.stringify({ type: "error", code: error.code, params: error.params })}\n`);
    throw error;
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
    tellManual(plan, { options, io, report: commandLine(["runs", "report", result.run], again) });
    say(words.undoWith(commandLine(["rollback", result.run], again)));
    return exitCodes.ok;
  }
  if (result.error) io.err(toldError(result.error, again, io) + notTakenBack(result, again, io));
  for (const object of result.leftAlone) io.err(`hint: ${words.leftAlone(safeText(object))}\n`);
  return reportFailure(result, again, io);
}

/** Copies that the run could not reach: as long as nobody has done the rest, they hold what was replaced. */
function tellManual(
  { manual = [] }: Plan,
  { options, io, report }: Omit<Reported, "plan"> & { readonly report: string },
): void {
  if (manual.length === 0) return;
  if (options.output === "json") return io.out(`${JSON.stringify({ type: "by-hand", steps: manual })}\n`);
  const { plan: words, check } = messagesFor(io.lang);
  const objects = manual.map((step) => safeText(`${manualObject(step)} (${step.certificate}, ${step.key})`));
  io.out(`${words.manual.left(objects.join(check.comma), report)}\n`);
}

/** A run that succeeded has done every step of its plan. */
function isProvedLive({ phases }: Plan): boolean {
  return phases.some(({ id, nodes }) => id === "prove-live" && nodes.some(({ steps }) => steps.length > 0));
}

/** Of a run that was interrupted its own last lines say all there is to say. */
export function toldError(error: AppError, again: readonly string[], io: Io): string {
  if (error.code !== "interrupted") return formatError(error, io.lang, again);
  return `error: ${renderError(error, io.lang, again).error}\n`;
}

/** What taking the run back failed with, where that is why it is still open. */
function notTakenBack({ error, notTakenBack: why }: RunResult, again: readonly string[], io: Io): string {
  // A node's own error tells its causes itself.
  if (error?.code === "node-failed" || why === undefined) return "";
  return `hint: ${cliMessages(io.lang).notTakenBack(renderError(why, io.lang, again).error)}\n`;
}

/** Their own hints say how to go on and how to undo, and that the run is open. */
const saysItAll: ReadonlySet<string> = new Set(["node-failed", "workers-failed"]);

/** Its own hints say both how to go on and how to undo: said once is enough. */
function saysBothWays({ error }: RunResult, again: readonly string[], io: Io): boolean {
  if (!error || error.code === "interrupted") return false;
  const hints = renderError(error, io.lang, again).hint.join("\n");
  return ["resume", "rollback last"].every((way) => hints.includes(commandLine(way.split(" "), again)));
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
      if (result.error && saysItAll.has(result.error.code)) return exitCodes.interrupted;
      io.err(`hint: ${words.failedInterrupted(result.run)}\n`);
      if (saysBothWays(result, again, io)) return exitCodes.interrupted;
      io.err(`hint: ${words.resumeWith(commandLine(["resume"], again))}\n`);
      io.err(`hint: ${words.undoWith(commandLine(["rollback", result.run], again))}\n`);
      return exitCodes.interrupted;
  }
}

/** 128 + the signal's number, as a shell expects, when a signal ended it before anything was changed. */
function signalCode(result: RunResult): number | null {
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
