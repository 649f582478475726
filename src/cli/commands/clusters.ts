// `check`, `diagnose` and the bare command over the nodes of clusters (`-f`).
import { checkCluster, resultOfCluster } from "../../app/check-cluster.ts";
import { gatherCluster } from "../../app/cluster.ts";
import { type ClusterDiagnoses, diagnoseCluster, knowledgeOfCluster } from "../../app/diagnose-cluster.ts";
import { toolVersion } from "../../app/version.ts";
import type { CheckResult } from "../../core/model/check.ts";
import type { Diagnosis } from "../../core/model/diagnosis.ts";
import { AppError } from "../../core/model/errors.ts";
import { diagnose, needsAttention } from "../../core/policy/diagnose/diagnose.ts";
import { checkToJson } from "../../report/check-json.ts";
import { renderCheck } from "../../report/check-text.ts";
import { cliMessages } from "../../report/cli-messages.ts";
import { clusterDiagnosesToJson, renderClusterDiagnoses } from "../../report/cluster-diagnoses.ts";
import { clustersToJson, renderClusters } from "../../report/clusters.ts";
import { renderJson, renderYaml } from "../../report/data-text.ts";
import { renderOverview } from "../../report/overview-text.ts";
import { type ClusterAnswers, type OfCluster, eachCluster } from "../clusters.ts";
import { parseDuration, parseInstant } from "../durations.ts";
import { exitCodeOfFindings, exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import type { CheckOptions } from "./check.ts";
import type { DiagnoseOptions } from "./diagnose.ts";
import type { OverviewCommandOptions } from "./overview.ts";

export async function checkClusters(options: OfCluster<CheckOptions>, io: Io): Promise<number> {
  const at = options.at === undefined ? io.now() : parseInstant(options.at);
  const withinMs = parseDuration(options.within) * 1000;
  const found = await eachCluster(options, io, async (open) => {
    const answer = await checkCluster(open, { at, withinMs });
    return { answer, exitCode: exitCodeOfFindings(answer.worst) };
  });
  const isWide = options.output === "wide";
  return shown({ found, at, output: options.output, kind: "CertificateExpirationInfoList" }, io, {
    data: (answer, path, exitCode) =>
      checkToJson(answer, { version: toolVersion, exitCode, again: ["-f", path] }),
    text: (answer, path) => textOf(answer, { path, isWide }, io),
  });
}

function textOf(
  result: CheckResult,
  { path, isWide }: { readonly path: string; readonly isWide: boolean },
  io: Io,
): string {
  const text = { lang: io.lang, wide: isWide, color: io.hasColor, again: ["-f", path] };
  return renderCheck(result, io.width === null ? text : { ...text, width: io.width });
}

/** Logs of nodes on this machine are read; of others only their files are judged. */
export async function diagnoseClusters(
  files: readonly string[],
  options: OfCluster<DiagnoseOptions>,
  io: Io,
): Promise<number> {
  if (files.length > 0)
    throw new AppError("usage", { reason: cliMessages(io.lang).usage.excludes("--file", "FILE") });
  const at = io.now();
  const request = { at, withinMs: parseDuration(options.within) * 1000 };
  const found = await eachCluster(options, io, async (open) => {
    const answer = await diagnoseCluster(open, request, { input: () => io.input(), signal: io.signal });
    return { answer, exitCode: exitCodeOfDiagnoses(answer) };
  });
  const { lang, hasColor, width } = io;
  return shown({ found, at, output: options.output, kind: "ClusterDiagnosesList" }, io, {
    data: (answer, path, exitCode) =>
      clusterDiagnosesToJson(answer, { version: toolVersion, exitCode, again: ["-f", path] }),
    text: (answer, path) => renderClusterDiagnoses(answer, { lang, hasColor, width, again: ["-f", path] }),
  });
}

function exitCodeOfDiagnoses({ nodes, failed }: ClusterDiagnoses): number {
  const isIll = failed.length > 0 || nodes.some(({ diagnoses }) => needsAttention(diagnoses));
  return isIll ? exitCodes.attention : exitCodes.ok;
}

export async function overviewOfClusters(
  options: OfCluster<OverviewCommandOptions>,
  io: Io,
): Promise<number> {
  const request = { at: io.now(), withinMs: parseDuration(options.within) * 1000 };
  const found = await eachCluster(options, io, async (open) => {
    const gathered = await gatherCluster(open, request.at);
    const result = await resultOfCluster(open, gathered, request);
    const diagnoses = knowledgeOfCluster(open, gathered, result).flatMap((node) => diagnose([], node));
    const isClockWrong = diagnoses.some(({ cause }) => cause === "clock-wrong");
    const exitCode = isClockWrong ? exitCodes.attention : exitCodeOfFindings(result.worst);
    return { answer: { result, diagnoses }, exitCode };
  });
  const { lang, hasColor, width } = io;
  return shown<{ readonly result: CheckResult; readonly diagnoses: readonly Diagnosis[] }>(
    { found, at: request.at, output: "table", kind: "" },
    io,
    {
      data: () => null,
      text: ({ result, diagnoses }, path) =>
        renderOverview(result, diagnoses, { lang, hasColor, width, again: ["-f", path] }),
    },
  );
}

interface Forms<T> {
  readonly data: (answer: T, path: string, exitCode: number) => unknown;
  readonly text: (answer: T, path: string) => string;
}

interface Shown<T> {
  readonly found: ClusterAnswers<T>;
  readonly at: number;
  readonly output: string;
  /** Of the object around several clusters. */
  readonly kind: string;
}

export function shown<T>({ found, at, output, kind }: Shown<T>, io: Io, forms: Forms<T>): number {
  const isText = output !== "json" && output !== "yaml";
  const parts = found.answers.map((one) => ({
    path: one.path,
    exitCode: one.exitCode,
    shown:
      one.state === "failed"
        ? { error: one.error }
        : isText
          ? { text: forms.text(one.answer, one.path) }
          : { data: forms.data(one.answer, one.path, one.exitCode) },
  }));
  if (isText)
    io.out(renderClusters(parts, { isFolder: found.isFolder, lang: io.lang, hasColor: io.hasColor }));
  else {
    const { isFolder, exitCode } = found;
    const data = clustersToJson(parts, { isFolder, kind, version: toolVersion, at, exitCode });
    io.out(output === "json" ? renderJson(data) : renderYaml(data));
  }
  return found.exitCode;
}
