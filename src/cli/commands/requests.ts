// `perennial renew --csr-dir DIR`: requests for what a CA elsewhere has to sign; and what to say of them.
import { join } from "node:path";
import { type SigningRequest, requestCertificates, waitingRequests } from "../../app/signing-requests.ts";
import { type LocalNode, stateDirectoryOf } from "../../app/local-node.ts";
import { AppError } from "../../core/model/errors.ts";
import type { Decision } from "../../core/model/decision.ts";
import type { LeftOut } from "../../core/plan/left-out.ts";
import { cliMessages } from "../../report/cli-messages.ts";
import { renderReasons } from "../../report/plan-text.ts";
import { safeText } from "../../report/escape.ts";
import { formatTable } from "../../report/table.ts";
import { commandLine } from "../command-line.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { type RenewOptions, nodeArguments } from "../options.ts";
import { nodeOf, profileChoiceOf, renewRequestOf } from "../requests.ts";

export interface RequestCommandOptions extends RenewOptions {
  readonly csrDir: string;
  readonly signed?: string;
  readonly validity?: string;
  readonly breakLock?: boolean;
  readonly output: string;
}

export async function runRequests(
  names: readonly string[],
  options: RequestCommandOptions,
  io: Io,
): Promise<number> {
  if (options.signed !== undefined)
    throw new AppError("usage", { reason: "--csr-dir and --signed exclude each other" });
  if (options.validity !== undefined)
    throw new AppError("usage", { reason: "--csr-dir and --validity exclude each other" });
  const local = nodeOf(options, io);
  const request = renewRequestOf(names, options);
  const { requests, leftOut } = await requestCertificates(local, profileChoiceOf(options), request, {
    directory: options.csrDir,
    at: io.now(),
    breakLock: options.breakLock === true,
  });
  if (options.output === "json") io.out(`${JSON.stringify({ type: "requests", requests })}\n`);
  else if (requests.length > 0 || leftOut.length === 0) tellRequests(requests, { options, local, io });
  return tellMissing(leftOut, options, io);
}

/** Nobody can be asked for the successor of what is not there. */
function tellMissing(leftOut: readonly Decision[], options: RequestCommandOptions, io: Io): number {
  if (leftOut.length === 0) return exitCodes.ok;
  if (options.output === "json") io.out(`${JSON.stringify({ type: "left-out", slots: leftOut })}\n`);
  const words = cliMessages(io.lang);
  for (const decision of leftOut)
    io.err(`error: ${words.leftOut(safeText(decision.slot), renderReasons(decision, io.lang))}\n`);
  const check = commandLine(["check"], nodeArguments(options));
  io.err(`hint: ${words.leftOutHint(check, words.leftOutAgain)}\n`);
  return exitCodes.attention;
}

interface Told {
  readonly options: RequestCommandOptions;
  readonly local: LocalNode;
  readonly io: Io;
}

function tellRequests(made: readonly SigningRequest[], { options, local, io }: Told): void {
  const { requests: words } = cliMessages(io.lang);
  if (made.length === 0) return io.out(`${words.none}\n`);
  const rows = made.map(({ file, authority, algorithm, key }) => [
    safeText(file.slice(file.lastIndexOf("/") + 1)),
    safeText(authority),
    algorithm,
    words.key[key],
  ]);
  io.out(`${words.heading(made.length, safeText(options.csrDir))}\n\n`);
  io.out(`${formatTable([[...words.columns], ...rows], { minWidth: 0, padding: 2 })}\n`);
  const isKept = options.keepKey === true;
  if (!isKept) io.out(`${words.keys(safeText(join(stateDirectoryOf(local), "pending")))}\n`);
  const keep = isKept ? ["--keep-key"] : [];
  io.out(
    `${words.next(commandLine(["renew", "--signed", options.csrDir, ...keep], nodeArguments(options)))}\n`,
  );
}

/** The next command for slots that only a CA elsewhere can sign; none for the others. */
export async function adviceForOutside(
  leftOut: readonly LeftOut[],
  local: LocalNode,
  { options, io }: { readonly options: RenewOptions; readonly io: Io },
): Promise<readonly string[]> {
  const outside = leftOut.filter(({ code }) => code === "externally-managed");
  if (outside.length === 0) return [];
  const words = cliMessages(io.lang);
  const again = nodeArguments(options);
  const signed = commandLine(["renew", "--signed", "DIR"], again);
  const waiting = await waitingRequests(local);
  if (outside.every(({ decision }) => waiting.has(decision.slot))) return [words.askedAlready(signed)];
  const choice = [
    ...(options.all === true ? ["--all"] : []),
    ...(options.within === "30d" ? [] : ["--within", options.within]),
  ];
  return [words.askOutside(commandLine(["renew", "--csr-dir", "DIR", ...choice], again), signed)];
}
