// `perennial diagnose [FILE...|-]`.
import { diagnoseNode } from "../../app/diagnose.ts";
import { toolVersion } from "../../app/version.ts";
import { needsAttention } from "../../core/policy/diagnose/diagnose.ts";
import { renderJson, renderYaml } from "../../report/data-text.ts";
import { diagnosesToJson } from "../../report/diagnose-json.ts";
import { renderDiagnoses } from "../../report/diagnose-text.ts";
import { parseDuration } from "../durations.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { type NodeOptions, nodeArguments } from "../options.ts";
import { factsNodeOf, nodeOf, profileChoiceOf } from "../requests.ts";

export interface DiagnoseOptions extends NodeOptions {
  readonly within: string;
  readonly facts?: string;
  readonly output: string;
}

/** Exit 3 when a cause is confirmed or likely. */
export async function runDiagnose(
  files: readonly string[],
  options: DiagnoseOptions,
  io: Io,
): Promise<number> {
  const request = {
    files,
    choice: profileChoiceOf(options),
    at: io.now(),
    withinMs: parseDuration(options.within) * 1000,
  };
  const { signal } = io;
  const node =
    options.facts === undefined ? nodeOf(options, io) : await factsNodeOf(options.facts, io, options.root);
  const result = await diagnoseNode(node, request, { input: () => io.input(), signal });
  const exitCode = needsAttention(result.diagnoses) ? exitCodes.attention : exitCodes.ok;
  const again = nodeArguments(options);
  if (options.output === "table") {
    io.out(renderDiagnoses(result, { lang: io.lang, hasColor: io.hasColor, width: io.width, again }));
    return exitCode;
  }
  const data = diagnosesToJson(result, { version: toolVersion, exitCode, again });
  io.out(options.output === "json" ? renderJson(data) : renderYaml(data));
  return exitCode;
}
