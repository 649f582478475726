// A run's journal and plan as the summary that `runs list` and `runs show` print.
import { allSteps } from "../core/plan/steps.ts";
import type { JournalEntry, RunStepSummary, RunSummary } from "../core/model/run.ts";
import type { RunDetails } from "../engine/runs.ts";

export function summaryOf({ view, plan, entries }: RunDetails): RunSummary {
  const { run, startedAt, endedAt, state, actor, planDigest, ticket, reason } = view;
  return {
    run,
    startedAt,
    endedAt,
    state,
    actor,
    planDigest,
    ticket,
    reason,
    steps: allSteps(plan).map(({ id, kind }) => ({ id, kind, ...instantsOf(entries, id) })),
    ...failureOf(entries, state),
    issued: [...view.issued.values()],
    objects: [...view.images.values()].map(({ object, sha256 }) => ({
      object,
      before: sha256,
      after: view.staged.get(object)?.sha256 ?? null,
    })),
  };
}

function failureOf(
  entries: readonly JournalEntry[],
  state: RunSummary["state"],
): Pick<RunSummary, "failure"> {
  const last = entries.findLast(({ body }) => body.type === "failed" || body.type === "resumed");
  if (state === "succeeded" || last?.body.type !== "failed") return {};
  const { step, code, detail } = last.body;
  return { failure: { step, at: last.at, code, detail } };
}

/** When each kind of entry about a step was written; the latest one wins, a step may have been begun twice. */
function instantsOf(entries: readonly JournalEntry[], step: string): Omit<RunStepSummary, "id" | "kind"> {
  const at = (...types: readonly JournalEntry["body"]["type"][]): number | undefined =>
    entries.findLast(({ body }) => types.includes(body.type) && "step" in body && body.step === step)?.at;
  const instants = {
    intentAt: at("intent", "bounce-begun"),
    effectAt: at("effect", "issued", "before-image", "staged", "snapshot", "archived"),
    proofAt: at("proof", "nodes-ready"),
    undoneAt: at("undone"),
  };
  return Object.fromEntries(Object.entries(instants).filter(([, value]) => value !== undefined));
}
