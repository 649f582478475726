// `perennial resume`, `rollback`, `runs list|show|report|prune`.
import type { RunResult } from "../../app/renewal.ts";
import {
  type Resumed,
  prune,
  record,
  resume,
  rollback,
  undoableRunIdOf,
  runs,
  show,
} from "../../app/runs.ts";
import { stateDirectoryOf } from "../../app/local-node.ts";
import { cliMessages } from "../../report/cli-messages.ts";
import { renderJson, renderYaml } from "../../report/data-text.ts";
import { formatError } from "../../report/error-text.ts";
import { safeText } from "../../report/escape.ts";
import { renderRunReport } from "../../report/run-report.ts";
import { renderRun, renderRuns } from "../../report/runs-text.ts";
import { commandLine } from "../command-line.ts";
import { parseDuration } from "../durations.ts";
import { AppError } from "../../core/model/errors.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { tellLeftOut } from "../left-out.ts";
import { type NodeOptions, nodeArguments } from "../options.ts";
import { nodeOf } from "../requests.ts";
import { type RunCommandOptions, asData, reportRun, watched } from "../run-output.ts";
import { writeOut } from "../write-out.ts";
import { confirm } from "./renew.ts";

export type ResumeOptions = NodeOptions & RunCommandOptions & { readonly output: string };

export async function runResume(run: string | undefined, options: ResumeOptions, io: Io): Promise<number> {
  const local = nodeOf(options, io);
  const resumed = await watched({ options, io, local }, (how) => resume(local, run ?? null, how));
  return reportResumed(resumed, options, io);
}

/** The closing lines of a resume, and its exit code. */
export function reportResumed(resumed: Resumed | null, options: ResumeOptions, io: Io): number {
  const words = cliMessages(io.lang);
  if (resumed === null) {
    io.out(`${words.nothingToResume}\n`);
    return exitCodes.ok;
  }
  const { result, plan } = resumed;
  // A rollback that was cut short is what `resume` finishes then.
  if (result.outcome === "rolled-back" && result.error === null) {
    io.out(`${words.rolledBack(result.run)}\n`);
    return exitCodes.ok;
  }
  const code = reportRun(result, { plan, options, io });
  return tellLeftOut(plan, code, { options, io, isPlanSaved: true });
}

export async function runRollback(run: string, options: ResumeOptions, io: Io): Promise<number> {
  const words = cliMessages(io.lang);
  const local = nodeOf(options, io);
  const id = await undoableRunIdOf(local, run);
  await confirm(words.ask.rollback(id), { isYes: options.yes === true, command: "rollback", io });
  // `--yes` answers the second question as well: going back to material that is expired.
  const result = await watched({ options, io, local }, (how) =>
    rollback(local, id, { ...how, acceptExpired: true }),
  );
  return reportRollback(result, options, io);
}

/** The closing lines of a rollback, and its exit code. */
export function reportRollback(result: RunResult, options: ResumeOptions, io: Io): number {
  const words = cliMessages(io.lang);
  if (options.output === "json") io.out(`${JSON.stringify({ type: "result", ...asData(result) })}\n`);
  for (const object of result.leftAlone) io.err(`hint: ${words.leftAlone(safeText(object))}\n`);
  if (result.outcome === "rolled-back") {
    if (options.output !== "json") io.out(`${words.rolledBack(result.run)}\n`);
    return exitCodes.ok;
  }
  if (result.error) io.err(formatError(result.error, io.lang, nodeArguments(options)));
  io.err(`hint: ${words.resumeWith(commandLine(["resume", ...nodeArguments(options)]))}\n`);
  return exitCodes.interrupted;
}

export type RunsOptions = NodeOptions & { readonly output: string };

export async function runRunsList(options: RunsOptions, io: Io): Promise<number> {
  const list = await runs(nodeOf(options, io));
  if (options.output === "json") io.out(renderJson(list));
  else if (options.output === "yaml") io.out(renderYaml(list));
  else io.out(list.length === 0 ? `${cliMessages(io.lang).noRuns}\n` : renderRuns(list, { lang: io.lang }));
  return exitCodes.ok;
}

export async function runRunsShow(run: string, options: RunsOptions, io: Io): Promise<number> {
  const summary = await show(nodeOf(options, io), run);
  if (options.output === "json") io.out(renderJson(summary));
  else if (options.output === "yaml") io.out(renderYaml(summary));
  else io.out(renderRun(summary, { lang: io.lang, again: nodeArguments(options) }));
  return exitCodes.ok;
}

export type RunsReportOptions = NodeOptions & { readonly format: "md" | "html"; readonly out?: string };

/** Without `--out` the document is the answer. */
export async function runRunsReport(run: string, options: RunsReportOptions, io: Io): Promise<number> {
  const local = nodeOf(options, io);
  const text = renderRunReport(await record(local, run), {
    lang: io.lang,
    format: options.format,
    stateDirectory: stateDirectoryOf(local),
  });
  if (options.out === undefined) io.out(text);
  else {
    writeOut(options.out, text);
    io.err(`${cliMessages(io.lang).reportSaved(safeText(options.out))}\n`);
  }
  return exitCodes.ok;
}

export async function runRunsPrune(
  options: NodeOptions & { readonly keep: string; readonly olderThan: string },
  io: Io,
): Promise<number> {
  if (!/^\d+$/.test(options.keep)) {
    throw new AppError("value-invalid", { what: "--keep", value: options.keep, expected: "a number" });
  }
  const pruned = await prune(nodeOf(options, io), {
    keep: Number(options.keep),
    olderThanMs: parseDuration(options.olderThan) * 1000,
  });
  io.out(`${cliMessages(io.lang).pruned(pruned.length)}\n`);
  return exitCodes.ok;
}
