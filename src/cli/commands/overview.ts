// Bare `perennial`: the files of the node, what that means, the next command. No log is read: it answers at once.
import { checkResult } from "../../app/check.ts";
import { gather } from "../../app/gather.ts";
import { nodeKnowledge } from "../../app/node-knowledge.ts";
import { withRunFindings } from "../../app/run-findings.ts";
import { diagnose } from "../../core/policy/diagnose/diagnose.ts";
import { membersExpiredApart } from "../../core/policy/several-members.ts";
import { renderOverview } from "../../report/overview-text.ts";
import { parseDuration } from "../durations.ts";
import { exitCodeOfFindings, exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { type NodeOptions, nodeArguments } from "../options.ts";
import { nodeOf, profileChoiceOf } from "../requests.ts";

export interface OverviewCommandOptions extends NodeOptions {
  readonly within: string;
}

/** One screen: what is dead or dying, why, which recovery, the next command; nothing is changed. */
export async function runOverview(options: OverviewCommandOptions, io: Io): Promise<number> {
  const local = nodeOf(options, io);
  const { facts } = await gather(local, profileChoiceOf(options), io.now());
  const stored = checkResult(facts, { withinMs: parseDuration(options.within) * 1000, root: local.root });
  const result = await withRunFindings(local, stored);
  const diagnoses = diagnose([], nodeKnowledge(local, facts, stored));
  const members = membersExpiredApart(facts);
  const { lang, hasColor, width } = io;
  io.out(
    renderOverview(result, diagnoses, { lang, hasColor, width, again: nodeArguments(options), members }),
  );
  // A clock from the past makes dates look well.
  const isClockWrong = diagnoses.some(({ cause }) => cause === "clock-wrong");
  return isClockWrong ? exitCodes.attention : exitCodeOfFindings(result.worst);
}
