// Step kind `prove`: reads every written object again and verifies the set as it now lies on the disk.
import { parseAddress } from "../../core/model/address.ts";
import { AppError } from "../../core/model/errors.ts";
import type { Plan, ProveStep } from "../../core/model/plan.ts";
import {
  installSteps,
  issueSteps,
  objectsOfTemplate,
  planOfNode,
  planUpTo,
  stageSteps,
  takeSteps,
} from "../../core/plan/steps.ts";
import { sha256Hex } from "../../core/pki/fingerprints.ts";
import { verifySet } from "../../core/plan/verify-set.ts";
import { allOf } from "../batches.ts";
import type { EnginePorts } from "../ports/engine-ports.ts";
import { checkSignal, nodeOf, viewOf, type RunContext } from "../run-context.ts";
import type { RunView } from "../derive-run.ts";
import { revisionOf } from "../revision.ts";
import { nothingToUndo, type StepHandler } from "./step-handler.ts";

export const prove: StepHandler<ProveStep> = {
  changesLive: false,
  apply: proveAll,
  recover: proveRest,
  prepareUndo: nothingToUndo,
};

/** What was proved once stays proved: since then the kubelet may have rotated its own file, as it should. */
async function proveRest(context: RunContext, steps: readonly ProveStep[]): Promise<void> {
  const view = viewOf(context);
  const isProved = ({ id }: ProveStep): boolean => (view.steps.get(id)?.proof ?? null) !== null;
  if (!steps.every(isProved)) return proveAll(context, steps);
  for (const step of steps) context.tell({ type: "step-done", phase: "prove", step, changed: false });
}

async function proveAll(context: RunContext, steps: readonly ProveStep[]): Promise<void> {
  const { ports, journal, tell } = context;
  checkSignal(context);
  await ports.failpoints.hit("run.before-prove");
  const view = viewOf(context);
  // Other nodes, and what is held back on this one, may not have come so far yet.
  const plan = planUpTo(context.plan, steps[0]?.id ?? "");
  const nodes = [...new Set(steps.map(({ id }) => nodeOf(context, id)))];
  await allOf(nodes, (node) => verifyLive(context.ports, planOfNode(plan, node), view));
  // In one write: a crash leaves all of these proofs or none.
  await journal.append(
    ...steps.map((step) => ({ type: "proof", step: step.id, sha256: provedHash(view, step) }) as const),
  );
  for (const step of steps) {
    await ports.failpoints.hit("run.after-prove");
    const issued = view.issued.get(step.slot);
    if (issued) tell({ type: "proved", name: context.plan.nodes ? step.slot : step.name, issued });
    tell({ type: "step-done", phase: "prove", step, changed: false });
  }
}

async function verifyLive({ store }: EnginePorts, plan: Plan, view: RunView): Promise<void> {
  const addresses = [...provenObjects(plan)];
  const observations = await allOf(addresses, (address) => store.read(parseAddress(address)));
  const objects = new Map<string, Uint8Array>();
  for (const [index, observation] of observations.entries())
    if (observation.state === "present") objects.set(addresses[index] ?? "", observation.bytes);
  try {
    for (const [index, observation] of observations.entries())
      expectStaged(view, addresses[index] ?? "", revisionOf(observation));
    verifySet({ plan, objects, issued: view.issued });
  } finally {
    for (const bytes of objects.values()) bytes.fill(0);
  }
}

function expectStaged({ staged }: RunView, address: string, found: string): void {
  const expected = staged.get(address)?.sha256;
  if (expected !== undefined && found !== expected)
    throw new AppError("store-mismatch", { address, expected, found });
}

/** The certificate of the slot; a follower has none of its own and is proved by the whole set. */
function provedHash(view: RunView, { slot }: ProveStep): string {
  const issued = view.issued.get(slot)?.certificateSha256;
  if (issued !== undefined) return issued;
  const hashes = [...view.staged.values()].map(({ object, sha256 }) => `${sha256}  ${object}\n`).toSorted();
  return sha256Hex(new TextEncoder().encode(hashes.join("")));
}

/** What is written, and what it is verified with; no authority's key among it. */
function provenObjects(plan: Plan): ReadonlySet<string> {
  const readWith = [...issueSteps(plan), ...installSteps(plan)].flatMap(
    ({ authorityCertificate, template }) => {
      const key = template.form === "pem" ? template.key : null;
      return key === null ? [authorityCertificate] : [authorityCertificate, key];
    },
  );
  const taken = takeSteps(plan).flatMap(({ template }) => objectsOfTemplate(template));
  return new Set([...stageSteps(plan).map(({ object }) => object), ...readWith, ...taken]);
}
