// What becomes of each process of a plan, for people: which is restarted, which is left alone, and why.
import type { ProcessCommands, RestartDecision } from "../core/model/live.ts";
import type { Plan } from "../core/model/plan.ts";
import { commandsInPlan } from "../core/plan/steps.ts";
import type { Messages } from "./messages.ts";
import { say } from "./say.ts";

/** What becomes of each process, and why. */
export function processLines(
  plan: Plan,
  { plan: text, live }: Pick<Messages, "plan" | "live">,
): readonly string[] {
  const { restarts = [] } = plan;
  if (restarts.length === 0) return [];
  const commands = commandsInPlan(plan);
  return [
    live.heading,
    ...restarts.flatMap((decision) => [
      `  - ${restartText(decision, live, text.joiner)}`,
      ...commandLines(commands[decision.consumer], live).map((line) => `    ${line}`),
    ]),
  ];
}

/** The operator's own commands for a process, whole: they are what is approved. */
function commandLines(commands: ProcessCommands = {}, live: Messages["live"]): readonly string[] {
  const { stop, start, status } = commands;
  return [
    ...(stop === undefined ? [] : [live.commands.stop(stop)]),
    ...(start === undefined ? [] : [live.commands.start(start)]),
    ...(status === undefined ? [] : [live.commands.status(status)]),
  ];
}

function restartText(decision: RestartDecision, live: Messages["live"], joiner: string): string {
  const { action } = decision;
  const consumer = decision.node === undefined ? decision.consumer : `${decision.node} ${decision.consumer}`;
  if (action === "bounce") {
    const why = decision.reasons.map((reason) => say(reason, live.restartReasons));
    return live.bounce(consumer, why.join(joiner));
  }
  const why = decision.reasons.map((reason) => say(reason, live.keepRunning));
  return live[action](consumer, why.join(joiner));
}
