// `perennial check`.
import { checkResult } from "../../app/check.ts";
import { gather } from "../../app/gather.ts";
import { withRunFindings } from "../../app/run-findings.ts";
import { toolVersion } from "../../app/version.ts";
import type { CheckResult } from "../../core/model/check.ts";
import { checkToJson } from "../../report/check-json.ts";
import { renderCheck } from "../../report/check-text.ts";
import { renderJson, renderYaml } from "../../report/data-text.ts";
import { parseDuration, parseInstant } from "../durations.ts";
import { exitCodeOfFindings } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { type NodeOptions, nodeArguments } from "../options.ts";
import { factsNodeOf, nodeOf, profileChoiceOf } from "../requests.ts";

export interface CheckOptions extends NodeOptions {
  readonly at?: string;
  readonly facts?: string;
  readonly within: string;
  readonly output: string;
}

export async function runCheck(options: CheckOptions, io: Io): Promise<number> {
  const result = await resultFor(options, io);
  const exitCode = exitCodeOfFindings(result.worst);
  io.out(rendered(result, { ...options, exitCode }, io));
  return exitCode;
}

async function resultFor(options: CheckOptions, io: Io): Promise<CheckResult> {
  const at = options.at === undefined ? io.now() : parseInstant(options.at);
  const withinMs = parseDuration(options.within) * 1000;
  if (options.facts !== undefined) {
    const { facts } = await gather(
      await factsNodeOf(options.facts, io, options.root),
      profileChoiceOf(options),
      at,
    );
    return checkResult(facts, { withinMs, root: "/" });
  }
  const local = nodeOf(options, io);
  const { facts } = await gather(local, profileChoiceOf(options), at);
  const result = checkResult(facts, { withinMs, root: local.root });
  return withRunFindings(local, result);
}

function rendered(
  result: CheckResult,
  options: CheckOptions & { readonly exitCode: number },
  io: Io,
): string {
  const again = nodeArguments(options);
  const asData = (): unknown =>
    checkToJson(result, { version: toolVersion, exitCode: options.exitCode, again });
  switch (options.output) {
    case "json":
      return renderJson(asData());
    case "yaml":
      return renderYaml(asData());
    default: {
      const text = { lang: io.lang, wide: options.output === "wide", color: io.hasColor, again };
      return renderCheck(result, io.width === null ? text : { ...text, width: io.width });
    }
  }
}
