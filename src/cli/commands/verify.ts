// `perennial verify`.
import { verifyNode } from "../../app/verify.ts";
import { toolVersion } from "../../app/version.ts";
import { renderJson, renderYaml } from "../../report/data-text.ts";
import { renderVerify, verifyToJson } from "../../report/verify-text.ts";
import { parseDuration } from "../durations.ts";
import { exitCodeOfFindings } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { type NodeOptions, nodeArguments } from "../options.ts";
import { nodeOf, profileChoiceOf } from "../requests.ts";

export interface VerifyOptions extends NodeOptions {
  readonly within: string;
  readonly readOnly?: boolean;
  readonly output: string;
}

/** Exit 3 for any finding from warning up, of what is stored or of what runs. */
export async function runVerify(options: VerifyOptions, io: Io): Promise<number> {
  const result = await verifyNode(nodeOf(options, io), {
    choice: profileChoiceOf(options),
    at: io.now(),
    withinMs: parseDuration(options.within) * 1000,
    isReadOnly: options.readOnly === true,
    signal: io.signal,
  });
  const exitCode = exitCodeOfFindings(result.check.worst);
  const again = nodeArguments(options);
  if (options.output === "json" || options.output === "yaml") {
    const data = verifyToJson(result, { version: toolVersion, exitCode, again });
    io.out(options.output === "json" ? renderJson(data) : renderYaml(data));
    return exitCode;
  }
  const text = { lang: io.lang, wide: options.output === "wide", color: io.hasColor, again };
  io.out(renderVerify(result, io.width === null ? text : { ...text, width: io.width }));
  return exitCode;
}
