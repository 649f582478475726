// Step kind `stage`: composes an object's new bytes from the guarded old ones and puts them beside their target.
//
// INPUTS   what the guards found, what was issued
// OUTPUTS  a temporary file beside each written object, and a journal entry each
import { parseAddress } from "../../core/model/address.ts";
import { AppError, isAppError } from "../../core/model/errors.ts";
import type { StageStep } from "../../core/model/plan.ts";
import type { Staged } from "../../core/model/run.ts";
import { composeObject } from "../../core/plan/compose.ts";
import { allSteps, installSteps, liveSources, sourcesOf, swapSteps } from "../../core/plan/steps.ts";
import { equalBytes } from "../../core/pki/der.ts";
import { allOf, batchesOf } from "../batches.ts";
import { readGuards } from "../guards.ts";
import type { StageOptions } from "../ports/store.ts";
import { revisionOf } from "../revision.ts";
import { checkSignal, viewOf, type RunContext } from "../run-context.ts";
import { sweepOlder } from "../sweep.ts";
import type { PreparedUndo, StepHandler } from "./step-handler.ts";

export const stage: StepHandler<StageStep> = {
  changesLive: false,
  apply: stageAll,
  recover: adoptAll,
  prepareUndo: prepareDiscard,
};

/** As many at once as the store takes; what one is composed from may be another of them. */
async function stageAll(context: RunContext, steps: readonly StageStep[]): Promise<void> {
  const { ports, tell, memory } = context;
  for (const batch of batchesOf(steps, ports.store.together)) {
    checkSignal(context);
    for (const _ of batch) await ports.failpoints.hit("run.before-stage");
    const composed = batch.map((step) => ({ step, ...compose(context, step) }));
    const done = await allOf(composed, async (each) => {
      const staged = await stageObject(context, each);
      memory.staged.set(each.step.object, staged);
      return { step: each.step, staged };
    });
    for (const _ of batch) await ports.failpoints.hit("run.after-stage");
    await journalStaged(context, done);
    for (const { step, staged } of done)
      tell({ type: "step-done", phase: "stage", step, changed: !staged.unchanged });
  }
}

interface StagedStep {
  readonly step: StageStep;
  readonly staged: Staged;
}

/** Of a file that the journal does not know nobody else will ever know: a writer that lost its lock takes it away itself. */
async function journalStaged(context: RunContext, done: readonly StagedStep[]): Promise<void> {
  try {
    await context.journal.append(
      ...done.map(({ step, staged }) => ({ type: "staged", step: step.id, staged }) as const),
    );
  } catch (error) {
    if (isAppError(error, "lock-lost"))
      await discardEach(
        context,
        done.map(({ staged }) => staged),
      );
    throw error;
  }
}

interface Composed {
  readonly step: StageStep;
  readonly bytes: Uint8Array;
  readonly attributes: StageOptions["attributes"];
  readonly expect: string;
}

function compose(context: RunContext, step: StageStep): Omit<Composed, "step"> {
  const { ports, found, memory } = context;
  const old = found.get(step.object);
  // Where nothing was the content says it all; a kubeconfig is spliced into an old one, its own or the one it names.
  const isNew =
    old?.state === "absent" && (step.content.form !== "kubeconfig" || step.content.from !== undefined);
  if (!old || (!isNew && old.state !== "present"))
    throw new AppError("step-failed", { step: step.id, reason: "there are no old bytes to start from" });
  const oldBytes = old.state === "present" ? old.bytes : new Uint8Array();
  const bytes = composeObject({
    old: oldBytes,
    content: step.content,
    issued: memory.material,
    read: (address) => bytesAt(context, step, address),
  });
  memory.composed.set(step.object, bytes);
  const mode = Number.parseInt(step.mode, 8);
  // New bytes get a new time, which is what people and backup tools look at; without new bytes nothing is touched.
  const attributes = equalBytes(bytes, oldBytes)
    ? { mode }
    : { mode, mtimeMs: ports.clock.now(), ...(isNew ? step.owner : undefined) };
  return { bytes, attributes, expect: revisionOf(old) };
}

function stageObject(
  { ports, run, lock, signal }: RunContext,
  { step, bytes, attributes, expect }: Composed,
): Promise<Staged> {
  const options = { expect, attributes, run, token: lock.token };
  return ports.store.stage(
    parseAddress(step.object),
    bytes,
    signal === undefined ? options : { ...options, signal },
  );
}

/** Also what this run has composed itself: a new authority stands in the kubeconfigs that trust it. */
function bytesAt({ found, memory }: RunContext, step: StageStep, address: string): Uint8Array {
  const composed = memory.composed.get(address);
  if (composed) return composed;
  const other = found.get(address);
  if (other?.state === "present") return other.bytes;
  throw new AppError("step-failed", { step: step.id, reason: `${address} is not there` });
}

/**
 * Behind `all-staged`, under a newer lock: what is not yet live is taken over from the older token, and only then is
 * everything of older tokens swept. Nothing live is touched, so that every reason to stop leaves the choice to the operator.
 */
async function adoptAll(context: RunContext, steps: readonly StageStep[]): Promise<void> {
  await checkReadGuards(context);
  const known = viewOf(context).staged;
  for (const step of steps) {
    checkSignal(context);
    const staged = known.get(step.object);
    if (!staged)
      throw new AppError("step-failed", { step: step.id, reason: "the journal has no staged file for it" });
    if (!staged.unchanged && !isSwapped(context, step)) await adoptOne(context, step, staged);
  }
  await sweepOlder(context);
}

/** Nothing is left to take over; whether it is still there is asked by the proof, once. */
function isSwapped({ plan, ...context }: RunContext, { object }: StageStep): boolean {
  const step = swapSteps(plan).find((each) => each.object === object);
  return step !== undefined && (viewOf(context).steps.get(step.id)?.effect ?? null) !== null;
}

async function adoptOne(context: RunContext, step: StageStep, staged: Staged): Promise<void> {
  if (await isLive(context, staged)) return;
  const adopted = await adoptUnlessLive(context, staged);
  if (adopted !== null) await context.journal.append({ type: "staged", step: step.id, staged: adopted });
}

/** @throws AppError `store-conflict` when the live bytes are neither the staged ones nor those they replace */
async function isLive({ ports }: RunContext, { object, sha256, expect }: Staged): Promise<boolean> {
  const found = revisionOf(await ports.store.read(parseAddress(object)));
  if (found !== sha256 && found !== expect)
    throw new AppError("store-conflict", { address: object, expected: expect, found });
  return found === sha256;
}

/** A woken writer may be past its fence and rename between our look and the adoption: then there is nothing left to do. */
async function adoptUnlessLive(context: RunContext, staged: Staged): Promise<Staged | null> {
  try {
    return await context.ports.store.adopt(staged, context.lock.token);
  } catch (error) {
    if (isAppError(error, "store-write-failed") && (await isLive(context, staged))) return null;
    throw error;
  }
}

/**
 * What was signed must still be what the disk trusts; modes may have changed meanwhile. Answers and pending keys have done their
 * part: they may be gone. Once all of it is proved, only what servers are asked with is still relied on.
 */
async function checkReadGuards(context: RunContext): Promise<void> {
  const { ports, plan, signal } = context;
  const used = new Set(installSteps(plan).flatMap(sourcesOf));
  const asking = new Set(allSteps(plan).flatMap(liveSources));
  const isDone = isProved(context);
  const read = plan.guards.filter(
    ({ use, address }) =>
      use === "read" && (isDone ? asking.has(address) && !used.has(address) : !used.has(address)),
  );
  const { differences } = await readGuards(ports.store, read, signal);
  const relevant = differences.filter(({ what }) => what === "bytes" || what === "presence");
  if (relevant.length > 0) throw new AppError("plan-stale", { differences: relevant });
}

function isProved({ plan, ...context }: RunContext): boolean {
  const { steps } = viewOf(context);
  const proofs = allSteps(plan).filter(({ kind }) => kind === "prove");
  return proofs.length > 0 && proofs.every(({ id }) => (steps.get(id)?.proof ?? null) !== null);
}

/** Every temporary of the run, also those that the journal could not be told of. Adopted ones go by their newest name. */
export async function discardStaged(context: RunContext): Promise<void> {
  const all = new Map([...viewOf(context).staged, ...context.memory.staged]);
  await discardEach(context, [...all.values()]);
}

async function discardEach({ ports }: RunContext, all: readonly Staged[]): Promise<void> {
  const written = all.filter(({ unchanged }) => !unchanged);
  for (const batch of batchesOf(written, ports.store.together))
    await allOf(batch, (staged) => ports.store.discard(staged));
}

async function prepareDiscard(context: RunContext): Promise<PreparedUndo> {
  return { restored: [], leftAlone: [], run: () => discardStaged(context), discard: async () => {} };
}
