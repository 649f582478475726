// `perennial resume`, `rollback`, `runs list|show|report|prune`.
import type { RunResult } from "../../app/renewal.ts";
import {
  type PrunableRun,
  type PruneChoice,
  type Resumed,
  prunableRuns,
  prune,
  record,
  resume,
  rollback,
  undoableRunIdOf,
  runs,
  show,
} from "../../app/runs.ts";
import { clusterRunsOn } from "../../app/run-findings.ts";
import { renderFinding } from "../../report/finding-text.ts";
import { stateDirectoryOf } from "../../app/local-node.ts";
import { cliMessages } from "../../report/cli-messages.ts";
import { renderJson, renderYaml } from "../../report/data-text.ts";
import { safeText } from "../../report/escape.ts";
import { renderRunReport } from "../../report/run-report.ts";
import { renderPrunable, renderRun, renderRuns } from "../../report/runs-text.ts";
import { commandLine } from "../command-line.ts";
import { parseDuration } from "../durations.ts";
import { AppError } from "../../core/model/errors.ts";
import type { RunRecord } from "../../core/model/run-record.ts";
import type { RunSummary } from "../../core/model/run.ts";
import { confirm } from "../confirm.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { tellLeftOut } from "../left-out.ts";
import { type NodeOptions, isOfCluster, nodeArguments } from "../options.ts";
import { nodeOf } from "../requests.ts";
import { type RunCommandOptions, asData, reportRun, toldError, watched } from "../run-output.ts";
import { writeOut } from "../write-out.ts";

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
    io.out(`${undoneLine(result, options, io)}\n`);
    return exitCodes.ok;
  }
  const code = reportRun(result, { plan, options, io });
  return tellLeftOut(plan, code, { options, io, isPlanSaved: true });
}

export async function runRollback(run: string, options: ResumeOptions, io: Io): Promise<number> {
  const words = cliMessages(io.lang);
  const local = nodeOf(options, io);
  const id = await undoableRunIdOf(local, run);
  await confirm(words.ask.rollback(id), {
    isYes: options.yes === true,
    command: "rollback",
    look: `runs show ${id}`,
    io,
  });
  // `--yes` answers the second question as well: going back to material that is expired.
  const result = await watched({ options, io, local }, (how) =>
    rollback(local, id, { ...how, acceptExpired: true }),
  );
  return reportRollback(result, options, io);
}

function undoneLine({ run, restarted }: RunResult, options: NodeOptions, io: Io): string {
  const verify = commandLine(["verify"], nodeArguments(options));
  return cliMessages(io.lang).rolledBack(run, restarted?.map(safeText) ?? null, verify);
}

/** The closing lines of a rollback, and its exit code. */
export function reportRollback(result: RunResult, options: ResumeOptions, io: Io): number {
  const words = cliMessages(io.lang);
  if (options.output === "json") io.out(`${JSON.stringify({ type: "result", ...asData(result) })}\n`);
  for (const object of result.leftAlone) io.err(`hint: ${words.leftAlone(safeText(object))}\n`);
  if (result.outcome === "rolled-back") {
    if (options.output !== "json") io.out(`${undoneLine(result, options, io)}\n`);
    return exitCodes.ok;
  }
  if (result.error) io.err(toldError(result.error, nodeArguments(options), io));
  io.err(`hint: ${words.resumeWith(commandLine(["resume"], nodeArguments(options)))}\n`);
  return exitCodes.interrupted;
}

export type RunsOptions = NodeOptions & { readonly output: string };

/** Runs of this node, or of the cluster of `-f`, wherever they are kept. */
interface Kept {
  list(): Promise<readonly RunSummary[]>;
  show(run: string): Promise<RunSummary>;
  record(run: string): Promise<RunRecord>;
  prunable(choice: PruneChoice): Promise<readonly PrunableRun[]>;
  prune(choice: PruneChoice): Promise<readonly string[]>;
  readonly directory: string;
}

async function withKept<T>(options: NodeOptions, io: Io, action: (kept: Kept) => Promise<T>): Promise<T> {
  if (!isOfCluster(options)) {
    const local = nodeOf(options, io);
    return action({
      list: () => runs(local),
      show: (run) => show(local, run),
      record: (run) => record(local, run),
      prunable: (choice) => prunableRuns(local, choice),
      prune: (choice) => prune(local, choice),
      directory: stateDirectoryOf(local),
    });
  }
  const { withSession } = await import("../cluster-session.ts");
  const of = await import("../../app/cluster-runs.ts");
  return withSession(options, io, (session) =>
    action({
      list: () => of.runsOfCluster(session),
      show: (run) => of.showOfCluster(session, run),
      record: (run) => of.recordOfCluster(session, run),
      prunable: (choice) => of.prunableOfCluster(session, choice),
      prune: (choice) => of.pruneCluster(session, choice),
      directory: session.stateDirectory,
    }),
  );
}

export async function runRunsList(options: RunsOptions, io: Io): Promise<number> {
  const list = await withKept(options, io, (kept) => kept.list());
  const { noRuns, noRunsOfCluster } = cliMessages(io.lang);
  if (options.output === "json") io.out(renderJson(list));
  else if (options.output === "yaml") io.out(renderYaml(list));
  else if (list.length > 0) io.out(renderRuns(list, { lang: io.lang }));
  else io.out(`${options.file === undefined ? noRuns : noRunsOfCluster}\n`);
  if (!isOfCluster(options)) await tellClusterRuns(options, io);
  return exitCodes.ok;
}

/** An open run over several nodes is none of this node's, but works here: nobody should believe that there is none. */
async function tellClusterRuns(options: RunsOptions, io: Io): Promise<void> {
  const local = nodeOf(options, io);
  const { findings } = await clusterRunsOn(local, "");
  const context = { at: io.now(), nodes: [], root: local.root, again: nodeArguments(options) };
  for (const finding of findings) {
    const { sentence, next } = renderFinding(finding, context, io.lang);
    if (options.output !== "table") io.err(`hint: ${sentence}\n`);
    else io.out([`\n${sentence}`, ...next.map((line) => `  ${line}`), ""].join("\n"));
  }
}

export async function runRunsShow(run: string, options: RunsOptions, io: Io): Promise<number> {
  const summary = await withKept(options, io, (kept) => kept.show(run));
  if (options.output === "json") io.out(renderJson(summary));
  else if (options.output === "yaml") io.out(renderYaml(summary));
  else io.out(renderRun(summary, { lang: io.lang, again: nodeArguments(options) }));
  return exitCodes.ok;
}

export type RunsReportOptions = NodeOptions & { readonly format: "md" | "html"; readonly out?: string };

/** Without `--out` the document is the answer. */
export async function runRunsReport(run: string, options: RunsReportOptions, io: Io): Promise<number> {
  const text = await withKept(options, io, async (kept) =>
    renderRunReport(await kept.record(run), {
      lang: io.lang,
      format: options.format,
      stateDirectory: kept.directory,
    }),
  );
  if (options.out === undefined) io.out(text);
  else {
    writeOut(options.out, text);
    io.err(`${cliMessages(io.lang).reportSaved(safeText(options.out))}\n`);
  }
  return exitCodes.ok;
}

export type PruneOptions = NodeOptions & {
  readonly keep: string;
  readonly olderThan: string;
  readonly yes?: boolean;
};

/** With a run goes the way back to before it: what goes is shown, and asked about. */
export async function runRunsPrune(options: PruneOptions, io: Io): Promise<number> {
  if (!/^\d+$/.test(options.keep)) {
    throw new AppError("value-invalid", { what: "--keep", value: options.keep, expected: "a number" });
  }
  const choice = { keep: Number(options.keep), olderThanMs: parseDuration(options.olderThan) * 1000 };
  const words = cliMessages(io.lang);
  const pruned = await withKept(options, io, async (kept) => {
    const old = await kept.prunable(choice);
    if (old.length === 0) return old;
    io.out(renderPrunable(old, { lang: io.lang }));
    const isYes = options.yes === true;
    await confirm(words.ask.prune(old.length), { isYes, command: "runs prune", io });
    return kept.prune({ ...choice, only: new Set(old.map(({ run }) => run)) });
  });
  io.out(`${words.pruned(pruned.length)}\n`);
  return exitCodes.ok;
}
