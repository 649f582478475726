// `perennial verify`.
import type { ProfileChoice } from "../../app/gather.ts";
import { type VerifyRequest, type VerifyResult, verifyNode } from "../../app/verify.ts";
import { toolVersion } from "../../app/version.ts";
import { renderJson, renderYaml } from "../../report/data-text.ts";
import { renderVerify, verifyToJson } from "../../report/verify-text.ts";
import { verifyCluster } from "../../app/verify-cluster.ts";
import { withSessionOf } from "../cluster-session.ts";
import { type OfCluster, eachClusterFile } from "../clusters.ts";
import { parseDuration } from "../durations.ts";
import { exitCodeOfFindings } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { type NodeOptions, nodeArguments } from "../options.ts";
import { nodeOf, profileChoiceOf } from "../requests.ts";
import { shown } from "./clusters.ts";

export interface VerifyOptions extends NodeOptions {
  readonly within: string;
  readonly readOnly?: boolean;
  readonly output: string;
}

/** Exit 3 for any finding from warning up, of what is stored or of what runs. */
export async function runVerify(options: VerifyOptions, io: Io): Promise<number> {
  const result = await verifyNode(nodeOf(options, io), requestOf(options, profileChoiceOf(options), io));
  return tellVerified(result, options, io);
}

function requestOf(options: VerifyOptions, choice: ProfileChoice, io: Io): VerifyRequest {
  return {
    choice,
    at: io.now(),
    withinMs: parseDuration(options.within) * 1000,
    isReadOnly: options.readOnly === true,
    signal: io.signal,
  };
}

function tellVerified(result: VerifyResult, options: VerifyOptions, io: Io): number {
  const exitCode = exitCodeOfFindings(result.check.worst);
  const again = nodeArguments(options);
  if (options.output === "json" || options.output === "yaml") {
    const data = verifyToJson(result, { version: toolVersion, exitCode, again });
    io.out(options.output === "json" ? renderJson(data) : renderYaml(data));
    return exitCode;
  }
  io.out(textOf(result, { again, isWide: options.output === "wide" }, io));
  return exitCode;
}

function textOf(
  result: VerifyResult,
  { again, isWide }: { readonly again: readonly string[]; readonly isWide: boolean },
  io: Io,
): string {
  const text = { lang: io.lang, wide: isWide, color: io.hasColor, again };
  return renderVerify(result, io.width === null ? text : { ...text, width: io.width });
}

/** Every cluster of `-f`, one after the other: writes are proved, so two of them are never asked at once. */
export async function verifyClusters(options: OfCluster<VerifyOptions>, io: Io): Promise<number> {
  const isWide = options.output === "wide";
  const at = io.now();
  const found = await eachClusterFile(options, io, (cluster) =>
    withSessionOf(cluster, { options, io }, async (session) => {
      const choice = { id: cluster.profile, params: cluster.params };
      const answer = await verifyCluster(session, requestOf(options, choice, io));
      return { answer, exitCode: exitCodeOfFindings(answer.check.worst) };
    }),
  );
  return shown({ found, at, output: options.output, kind: "CertificateExpirationInfoList" }, io, {
    data: (answer, path, exitCode) =>
      verifyToJson(answer, { version: toolVersion, exitCode, again: againOf(options, path) }),
    text: (answer, path) => textOf(answer, { again: againOf(options, path), isWide }, io),
  });
}

function againOf(options: VerifyOptions, path: string): readonly string[] {
  return nodeArguments({ ...options, file: path });
}
