// Takes swaps back: bytes, mode, owner, time, labels and presence as the before-images say.
//
//   every written object:  as before ──▶ nothing to do
//                          as the run left it ──▶ restored
//                          anything else ──▶ somebody else's: never overwritten. An operator's rollback refuses; an automatic
//                                            one leaves it alone unless the journal says that the run had changed it
//
// All restored bytes are staged before the first live byte changes, so that a full disk refuses instead of stopping midway.
import { parseAddress } from "../core/model/address.ts";
import { AppError } from "../core/model/errors.ts";
import type { SwapStep } from "../core/model/plan.ts";
import type { BeforeImage, Staged } from "../core/model/run.ts";
import { sha256Hex } from "../core/pki/fingerprints.ts";
import { swapGroups } from "../core/plan/steps.ts";
import type { RunView } from "./derive-run.ts";
import { runFolder } from "./journal.ts";
import type { Attributes, Observation } from "./ports/store.ts";
import { revisionOf } from "./revision.ts";
import { viewOf, type RunContext } from "./run-context.ts";
import type { PreparedUndo, UndoCause } from "./steps/step-handler.ts";

interface Undo {
  readonly step: SwapStep;
  readonly image: BeforeImage;
  /** Revision of the live bytes that are replaced. */
  readonly live: string;
}

interface UndoPlan {
  /** In the order of undoing: the last group first. */
  readonly groups: readonly (readonly Undo[])[];
  /** Objects that others changed and the run never did. */
  readonly leftAlone: readonly string[];
}

/**
 * Looks at every object the run may have changed. Writes nothing.
 * @throws AppError `rollback-refused` with the objects that no longer are what the run left
 */
async function planUndo(
  context: RunContext,
  steps: readonly SwapStep[],
  cause: UndoCause,
): Promise<UndoPlan> {
  const view = viewOf(context);
  const looks = await Promise.all(
    swapGroups(context.plan, steps).map((group) =>
      Promise.all(group.map((step) => lookAt(context, view, step))),
    ),
  );
  const foreign = looks.flat().filter(({ verdict }) => verdict === "foreign");
  const mustRefuse = foreign.filter(({ step }) => cause === "operator" || hasEffect(view, step));
  if (mustRefuse.length > 0) {
    throw new AppError("rollback-refused", {
      run: context.run,
      changed: mustRefuse.map(({ step }) => step.object),
    });
  }
  const groups = looks.map((group) => group.flatMap(({ undo }) => undo ?? []).reverse()).reverse();
  return {
    groups: groups.filter((group) => group.length > 0),
    leftAlone: foreign.map(({ step }) => step.object),
  };
}

interface Look {
  readonly step: SwapStep;
  readonly verdict: "as-before" | "ours" | "foreign";
  readonly undo: Undo | null;
}

async function lookAt({ ports }: RunContext, view: RunView, step: SwapStep): Promise<Look> {
  const record = view.steps.get(step.id);
  const image = view.images.get(step.object);
  const staged = view.staged.get(step.object);
  // What was undone once is back where it was; what happened to it since is not this run's.
  const isSettled = record?.intent !== true || record.undone;
  if (!image || !staged || (isSettled && !view.adopted)) return { step, verdict: "as-before", undo: null };
  const observation = await ports.store.read(parseAddress(step.object), { labels: true });
  if (isAsBefore(observation, image)) return { step, verdict: "as-before", undo: null };
  const live = revisionOf(observation);
  // The journal does not say that it was begun: only the run's own bytes show that it was.
  if (isSettled && live !== staged.sha256) return { step, verdict: "as-before", undo: null };
  const isOurs = live === staged.sha256 || live === image.sha256;
  if (!isOurs || !sameLink(observation, image)) return { step, verdict: "foreign", undo: null };
  return { step, verdict: "ours", undo: { step, image, live } };
}

/** `prepareUndo` of the swap handler: looks, and stages what has to be restored. */
export async function prepareUndoSwaps(
  context: RunContext,
  steps: readonly SwapStep[],
  cause: UndoCause,
): Promise<PreparedUndo> {
  const { groups, leftAlone } = await planUndo(context, steps, cause);
  const staged = await stageUndo(context, groups);
  return {
    restored: groups.flat().map(({ step }) => step.object),
    leftAlone,
    run: async () => {
      for (const group of groups) await undoGroup(context, group, staged);
    },
    discard: () => discardStaged(context, staged),
  };
}

/** Puts the old bytes beside their targets. On failure nothing is left there. */
async function stageUndo(
  context: RunContext,
  groups: UndoPlan["groups"],
): Promise<ReadonlyMap<string, Staged>> {
  const staged = new Map<string, Staged>();
  try {
    for (const { step, image, live } of groups.flat()) {
      const restored = image.file === null ? null : await stageImage(context, image, live);
      if (restored !== null) staged.set(step.object, restored);
    }
    return staged;
  } catch (error) {
    await discardStaged(context, staged);
    throw error;
  }
}

async function discardStaged({ ports }: RunContext, staged: ReadonlyMap<string, Staged>): Promise<void> {
  for (const each of staged.values()) if (!each.unchanged) await ports.store.discard(each);
}

async function stageImage(context: RunContext, image: BeforeImage, expect: string): Promise<Staged> {
  const { ports, run, lock } = context;
  const bytes = await readImage(context, image);
  const options = { expect, attributes: attributesOf(image), run, token: lock.token };
  const staged = await ports.store.stage(parseAddress(image.object), bytes, options);
  bytes.fill(0);
  return staged;
}

/** Bytes of a before-image. @throws AppError `store-mismatch` when the kept copy is not what was backed up */
export async function readImage(
  { ports, run }: Pick<RunContext, "ports" | "run">,
  image: BeforeImage,
): Promise<Uint8Array> {
  const file = `${runFolder(run)}/${image.file ?? ""}`;
  const bytes = await ports.state.read(file);
  const found = bytes === null ? "absent" : sha256Hex(bytes);
  if (bytes !== null && found === image.sha256) return bytes;
  throw new AppError("store-mismatch", {
    address: `${ports.state.path}/${file}`,
    expected: image.sha256,
    found,
  });
}

async function undoGroup(
  context: RunContext,
  group: readonly Undo[],
  staged: ReadonlyMap<string, Staged>,
): Promise<void> {
  const { journal, ports, tell } = context;
  await journal.append(...group.map(({ step }) => ({ type: "undo-intent", step: step.id }) as const));
  await ports.failpoints.hit("rollback.after-undo-intent");
  for (const undo of group) {
    await restore(context, undo, staged.get(undo.step.object));
    await ports.failpoints.hit("rollback.after-undo");
  }
  await journal.append(
    ...group.map(({ step, image }) => ({ type: "undone", step: step.id, sha256: image.sha256 }) as const),
  );
  for (const { step } of group) tell({ type: "undone", step: step.id, object: step.object });
}

async function restore(
  { ports, lock }: RunContext,
  { step, live }: Undo,
  staged: Staged | undefined,
): Promise<void> {
  const { node } = parseAddress(step.object);
  const fence = (): Promise<void> => lock.fence(node);
  if (staged === undefined) return ports.store.remove(parseAddress(step.object), { expect: live, fence });
  if (!staged.unchanged) await ports.store.commit(staged, { fence });
}

function hasEffect(view: RunView, step: SwapStep): boolean {
  return (view.steps.get(step.id)?.effect ?? null) !== null;
}

function attributesOf({ mode, uid, gid, mtimeMs, xattrs }: BeforeImage): Attributes {
  return { mode: Number.parseInt(mode, 8), uid, gid, mtimeMs, xattrs };
}

/** A file system may round a time; a millisecond is what the journal promises. */
function isAsBefore(observation: Observation, image: BeforeImage): boolean {
  if (observation.state === "absent") return image.file === null;
  if (observation.sha256 !== image.sha256 || !sameLink(observation, image)) return false;
  const [found, kept] = [observation.attributes, attributesOf(image)];
  const sameOwner = found.mode === kept.mode && found.uid === kept.uid && found.gid === kept.gid;
  return sameOwner && Math.abs(found.mtimeMs - kept.mtimeMs) < 1 && sameEntries(found.xattrs, kept.xattrs);
}

function sameLink(observation: Observation, image: BeforeImage): boolean {
  return observation.state === "absent" || image.file === null || observation.link === image.link;
}

function sameEntries(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
