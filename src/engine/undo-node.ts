// Takes one node of a roll back and leaves the run open: old bytes live again, the new ones staged again for a resume.
import { parseAddress, type NodeName } from "../core/model/address.ts";
import type { Plan, StageStep, SwapStep } from "../core/model/plan.ts";
import { planOfNode, stageSteps, swapSteps } from "../core/plan/steps.ts";
import { stepsByKind } from "./phases.ts";
import { revisionOf } from "./revision.ts";
import { viewOf, type RunContext } from "./run-context.ts";
import { handlerOf } from "./steps/handlers.ts";
import type { PreparedUndo } from "./steps/step-handler.ts";

/** @throws AppError as a rollback does; the node is then half taken back, which `resume` and `rollback` go on from */
export async function undoNode(context: RunContext, node: NodeName): Promise<void> {
  const part = planOfNode(context.plan, node);
  const renewed = await newBytes(context, part);
  const undos: PreparedUndo[] = [];
  try {
    for (const { kind, steps } of stepsByKind(part))
      if (kind === "swap" || kind === "bounce")
        undos.push(await handlerOf(kind).prepareUndo(context, steps, "failure"));
    for (const undo of undos.toReversed()) await undo.run();
    // Before the processes are restarted: whatever happens there, a resume finds what it needs.
    await stageAgain(context, renewed);
    for (const undo of undos) await undo.afterwards?.();
  } catch (error) {
    for (const undo of undos) await undo.discard();
    throw error;
  } finally {
    for (const { bytes } of renewed) bytes.fill(0);
  }
}

interface Renewed {
  readonly step: StageStep;
  readonly bytes: Uint8Array;
}

/** What this run has made live on the node; keys among it, in memory until it is staged again. */
async function newBytes({ ports, ...context }: RunContext, part: Plan): Promise<readonly Renewed[]> {
  const { staged } = viewOf(context);
  const stages = new Map(stageSteps(part).map((step) => [step.object, step]));
  const found = await Promise.all(
    swapSteps(part).map(async ({ object }: SwapStep): Promise<readonly Renewed[]> => {
      const step = stages.get(object);
      const observation = await ports.store.read(parseAddress(object));
      const isOurs =
        observation.state === "present" && revisionOf(observation) === staged.get(object)?.sha256;
      return step && isOurs ? [{ step, bytes: observation.bytes }] : [];
    }),
  );
  return found.flat();
}

async function stageAgain(context: RunContext, renewed: readonly Renewed[]): Promise<void> {
  const { ports, journal, run, lock } = context;
  const { images } = viewOf(context);
  for (const { step, bytes } of renewed) {
    const attributes = {
      mode: Number.parseInt(step.mode, 8),
      mtimeMs: ports.clock.now(),
      ...step.owner,
    };
    const expect = images.get(step.object)?.sha256 ?? "absent";
    const staged = await ports.store.stage(parseAddress(step.object), bytes, {
      expect,
      attributes,
      run,
      token: lock.token,
    });
    await journal.append({ type: "staged", step: step.id, staged });
  }
}
