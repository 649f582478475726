// What a plan should have done and could not, told at the end of the command that did the rest.
import type { Plan } from "../core/model/plan.ts";
import { type LeftOut, leftOutOf } from "../core/plan/left-out.ts";
import { isForbidden } from "../core/policy/unreadable.ts";
import { cliMessages } from "../report/cli-messages.ts";
import { flags } from "../report/flags.ts";
import { safeText } from "../report/escape.ts";
import { sudoCommand } from "../report/tool-command.ts";
import { renderReasons } from "../report/plan-text.ts";
import { commandLine } from "./command-line.ts";
import { exitCodes } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { type NodeOptions, nodeArguments } from "./options.ts";

type Decided = Pick<Plan, "decisions" | "request">;

interface Told {
  readonly options: NodeOptions & { readonly output: string };
  readonly io: Pick<Io, "lang" | "out" | "err">;
  /** A plan that was made for this call is made anew by the same command; one that was saved is not. */
  readonly isPlanSaved: boolean;
  /** The way on for what only a CA elsewhere can sign. */
  readonly advice?: readonly string[];
}

/** The line of `-o json`, before anything is done. */
export function writeLeftOut(plan: Decided, { options, io }: Pick<Told, "options" | "io">): void {
  const leftOut = leftOutOf(plan).map(({ decision }) => decision);
  if (options.output !== "json" || leftOut.length === 0) return;
  io.out(`${JSON.stringify({ type: "left-out", slots: leftOut })}\n`);
}

/** The rest is done by now: whoever reads only the exit code must still learn that something due was not. */
export function tellLeftOut(
  plan: Decided,
  code: number,
  { options, io, isPlanSaved, advice = [] }: Told,
): number {
  const leftOut = leftOutOf(plan);
  if (leftOut.length === 0) return code;
  const words = cliMessages(io.lang);
  const again = nodeArguments(options);
  const unread = leftOut.filter(isUnread);
  for (const { decision } of leftOut.filter((each) => !unread.includes(each))) {
    io.err(`error: ${words.leftOut(safeText(decision.slot), renderReasons(decision, io.lang))}\n`);
  }
  if (unread.length > 0) io.err(`error: ${words.leftOutUnread(unread.length)}\n`);
  for (const name of missingAuthorities(leftOut))
    io.err(`hint: ${commandLine(["renew", flags.recreateAuthority, name], again)}\n`);
  for (const line of advice) io.err(`hint: ${line}\n`);
  if (advice.length > 0 && leftOut.every((each) => each.code === "externally-managed"))
    return code === exitCodes.ok ? exitCodes.attention : code;
  if (unread.length === leftOut.length) {
    io.err(`hint: ${sudoCommand(commandLine([isPlanSaved ? "plan" : "renew"], again))}\n`);
    return code === exitCodes.ok ? exitCodes.attention : code;
  }
  const next = isPlanSaved ? words.leftOutPlan(commandLine(["plan"], again)) : words.leftOutAgain;
  io.err(`hint: ${words.leftOutHint(commandLine(["check"], again), next)}\n`);
  return code === exitCodes.ok ? exitCodes.attention : code;
}

/** Root would read it: why one certificate was left out is why all of these were. */
function isUnread({ decision }: LeftOut): boolean {
  return decision.reasons.some(
    (reason) => (reason.code === "unreadable" || reason.code === "not-usable") && isForbidden(reason.reason),
  );
}

/** Those that an explicit word puts back or makes anew, with all that hangs on them. */
function missingAuthorities(leftOut: readonly LeftOut[]): readonly string[] {
  const names = leftOut.flatMap(({ decision }) =>
    decision.reasons.flatMap((reason) =>
      reason.code === "authority-missing" && reason.authority === "front-proxy-ca" ? [reason.authority] : [],
    ),
  );
  return [...new Set(names)];
}
