// Step kind `prove-live`: the proof that counts, taken from what runs. Every listener, etcd, the API written to and cleaned up.
import { parseAddress } from "../../core/model/address.ts";
import { AppError } from "../../core/model/errors.ts";
import type { ProveLiveStep } from "../../core/model/live-step.ts";
import { sha256Hex } from "../../core/pki/fingerprints.ts";
import { canonicalJson } from "../../core/plan/digest.ts";
import type { Live } from "../ports/live.ts";
import { checkSignal, liveOf, nodeOf, type RunContext, viewOf } from "../run-context.ts";
import { healthShortfall, type Shortfall, servedShortfall, untilSatisfied } from "./demands.ts";
import { nothingToUndo, type StepHandler } from "./step-handler.ts";

/** The last process may have become well only just now; an API server takes its time to let its administrators in. */
const patienceMs = 60_000;

export const proveLive: StepHandler<ProveLiveStep> = {
  changesLive: false,
  apply: proveAll,
  recover: proveRest,
  prepareUndo: nothingToUndo,
};

/** A crash behind the proof does not take it back. */
async function proveRest(context: RunContext, steps: readonly ProveLiveStep[]): Promise<void> {
  const view = viewOf(context);
  await proveAll(
    context,
    steps.filter(({ id }) => (view.steps.get(id)?.proof ?? null) === null),
  );
}

async function proveAll(context: RunContext, steps: readonly ProveLiveStep[]): Promise<void> {
  const { ports, journal, tell } = context;
  for (const step of steps) {
    checkSignal(context);
    await ports.failpoints.hit("run.before-prove-live");
    const live = liveOf(context, step);
    const shortfall = await untilSatisfied(live, patienceMs, () => look(context, live, step), context.signal);
    checkSignal(context);
    if (shortfall)
      throw new AppError("live-proof-failed", { where: shortfall.where, reason: shortfall.reason });
    const served = await Promise.all(step.demands.map(({ endpoint }) => live.probes.served(endpoint)));
    await journal.append({ type: "proof", step: step.id, sha256: hashOf(served) });
    const node = context.plan.nodes ? { node: nodeOf(context, step.id) } : {};
    tell({
      type: "live-proved",
      ...node,
      served: step.demands.map(({ id }) => id),
      wrote: step.api !== null,
    });
    tell({ type: "step-done", phase: "prove-live", step, changed: false });
    await ports.failpoints.hit("run.after-prove-live");
  }
}

function hashOf(value: unknown): string {
  return sha256Hex(new TextEncoder().encode(canonicalJson(value)));
}

async function look(context: RunContext, live: Live, step: ProveLiveStep): Promise<Shortfall | null> {
  const { access } = step;
  const answers = await Promise.all([
    ...step.demands.map((demand) => servedShortfall(context, live, demand)),
    ...step.health.map(({ consumer, check }) => healthShortfall(context, live, { consumer, check, access })),
  ]);
  return answers.find((answer) => answer !== null) ?? (await writeShortfall(context, live, step));
}

async function writeShortfall(
  { ports, run, signal }: RunContext,
  live: Live,
  { api }: ProveLiveStep,
): Promise<Shortfall | null> {
  if (api === null) return null;
  const observation = await ports.store.read(parseAddress(api.kubeconfig));
  if (observation.state === "absent")
    return { what: "health", where: api.kubeconfig, reason: "the kubeconfig is not there" };
  const name = `perennial-proof-${run.toLowerCase()}`;
  const { user, endpoint } = api;
  const { bytes: kubeconfig } = observation;
  try {
    const failure = await live.api.writeFailure({ kubeconfig, user, endpoint, name }, signal);
    return failure === null ? null : { what: "health", where: "kube-apiserver", reason: failure };
  } finally {
    kubeconfig.fill(0);
  }
}
