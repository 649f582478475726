// One step, and one phase, of a plan as a line for people.
import { assertNever } from "../core/model/errors.ts";
import type { ArchiveStep, Phase, Step } from "../core/model/plan.ts";
import { archiveFile } from "../core/plan/archive-file.ts";
import type { Messages } from "./messages.ts";
import type { ArchiveWords } from "./messages/types.ts";

/** One line for one step, the same in the plan and in the runbook's headings. */
export function stepText(step: Step, { plan: text, live }: Pick<Messages, "plan" | "live">): string {
  switch (step.kind) {
    case "issue":
      return text.steps.issue(step.name, step.authority);
    case "install":
      return text.steps.install(step.name, step.authority);
    case "forget":
      return text.steps.forget(step.name);
    case "take":
      return text.steps.take(step.name, step.serialHex);
    case "back-up":
      return text.steps["back-up"](step.object);
    case "archive":
      return text.steps.archive(archiveWords(step, text));
    case "stage":
      return text.steps.stage(step.object, step.mode);
    case "swap":
      return text.steps.swap(step.object);
    case "prove":
      return text.steps.prove(step.name);
    case "snapshot":
      return live.steps.snapshot(
        step.access.endpoints.map(({ host, port }) => `${host}:${port}`).join(text.comma),
      );
    case "bounce":
      return step.when === "always"
        ? live.steps.bounce(step.consumer, step.timeoutSeconds)
        : live.steps.bounceIfNeeded(step.consumer, step.reloadSeconds);
    case "gate":
      return live.steps.gate(step.demand);
    case "ready":
      return live.steps.ready(step);
    case "prove-live":
      return live.steps.proveLive(step.demands.length, step.api !== null);
    default:
      return assertNever(step);
  }
}

function archiveWords(step: ArchiveStep, { comma }: Messages["plan"]): ArchiveWords {
  const keysOf = step.cluster?.keysOf ?? [];
  return {
    place: archiveFile(step, "RUN"),
    recipients: recipientsText(step.recipients, comma),
    keysOf: keysOf.length === 0 ? null : { nodes: keysOf.join(comma), count: keysOf.length },
  };
}

/** Enough of each to tell it from others: those of post-quantum keys have 1,959 letters. */
function recipientsText(recipients: readonly string[], comma: string): string {
  return recipients
    .map((text) => (text.length <= 28 ? text : `${text.slice(0, 16)}...${text.slice(-8)}`))
    .join(comma);
}

/** One line for one phase. `before`: where the old files are kept. */
export function phaseLine(
  { id, nodes }: Phase,
  { plan: text, live }: Pick<Messages, "plan" | "live">,
  before: string,
): string {
  const lines = { ...text.phaseLines, ...live.phaseLines };
  const steps = nodes.flatMap((node) => node.steps).filter(({ kind }) => kind !== "forget");
  const count = steps.length;
  const installs = steps.filter(({ kind }) => kind === "install").length;
  const on = nodes.length > 1 ? text.onNodes(nodes.map(({ node }) => node).join(text.comma)) : "";
  if (id === "archive") return `${archiveLine(steps, text)}${on}`;
  if (installs > 0) return `${text.takeAnswers(installs)}${on}`;
  if (id === "ready") return lines.ready(count, steps);
  return `${lines[id](count, before)}${on}`;
}

function archiveLine(steps: readonly Step[], text: Messages["plan"]): string {
  const places = steps.flatMap((step) =>
    step.kind === "archive" ? [text.archiveLine(archiveWords(step, text))] : [],
  );
  return places.join(text.joiner);
}
