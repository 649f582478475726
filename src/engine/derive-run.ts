// What the journal says of a run: pure, and the only place that knows how entries add up.
import type {
  Actor,
  Archive,
  BeforeImage,
  ChangeWindow,
  Issued,
  JournalEntry,
  RunId,
  RunOutcome,
  RunState,
  Snapshot,
  Staged,
} from "../core/model/run.ts";
import type { SlotId } from "../core/model/inventory.ts";
import { assertNever } from "../core/model/errors.ts";

export interface StepRecord {
  readonly intent: boolean;
  /** sha256 the step left behind, null before. */
  readonly effect: string | null;
  readonly proof: string | null;
  readonly undoIntent: boolean;
  readonly undone: boolean;
  /** Code of the error it failed with; null again once it was begun anew. */
  readonly failed: string | null;
  /** Instances of a process that the step began to stop; null before. */
  readonly instances: readonly string[] | null;
  /** Those of its first beginning: one of them that still runs was never stopped. */
  readonly original: readonly string[] | null;
}

export interface RunView {
  readonly run: RunId;
  readonly state: RunState;
  readonly planDigest: string;
  readonly actor: Actor;
  readonly ticket: string | null;
  readonly reason: string | null;
  /** ms since the epoch. */
  readonly startedAt: number;
  /** null while the run is open. */
  readonly endedAt: number | null;
  readonly steps: ReadonlyMap<string, StepRecord>;
  /** Newest descriptor of each object (formatAddress). */
  readonly staged: ReadonlyMap<string, Staged>;
  readonly images: ReadonlyMap<string, BeforeImage>;
  readonly issued: ReadonlyMap<SlotId, Issued>;
  readonly snapshots: readonly Snapshot[];
  /** Every one that was complete, oldest first: a resumed run writes it again. */
  readonly archives: readonly Archive[];
  /** True from the point on which a crash is followed by going forward. */
  readonly allStaged: boolean;
  /** Who or what began to undo, null when nobody did. */
  readonly rollback: "operator" | "failure" | null;
  readonly resumes: number;
  /** True when more may have been done than the journal says: it goes on from a copy. */
  readonly adopted: boolean;
  /** The window that the run's commands gave it, the last one; null for none. */
  readonly window: ChangeWindow | null;
}

const noRecord: StepRecord = {
  intent: false,
  effect: null,
  proof: null,
  undoIntent: false,
  undone: false,
  failed: null,
  instances: null,
  original: null,
};

/** null for a journal without its first entry: the run never began. */
export function deriveRun(entries: readonly JournalEntry[]): RunView | null {
  const [first, ...rest] = entries;
  if (first === undefined || first.body.type !== "run-started") return null;
  const { run, planDigest, actor, ticket, reason, window = null } = first.body;
  const begun: RunView = {
    run,
    planDigest,
    actor,
    ticket,
    reason,
    state: "running-or-crashed",
    startedAt: first.at,
    endedAt: null,
    steps: new Map(),
    staged: new Map(),
    images: new Map(),
    issued: new Map(),
    snapshots: [],
    archives: [],
    allStaged: false,
    rollback: null,
    resumes: 0,
    adopted: false,
    window,
  };
  return rest.reduce(withEntry, begun);
}

/** The view of one journal that grows: each entry is looked at once. */
export function growingView(): (entries: readonly JournalEntry[]) => RunView | null {
  let seen = 0;
  let view: RunView | null = null;
  return (entries) => {
    view =
      view === null || seen > entries.length
        ? deriveRun(entries)
        : entries.slice(seen).reduce(withEntry, view);
    seen = entries.length;
    return view;
  };
}

/** True when the run waits for `resume` or `rollback`. */
export function isOpen(view: RunView): boolean {
  return view.state === "running-or-crashed" || view.state === "rolling-back";
}

function withEntry(view: RunView, { at, body }: JournalEntry): RunView {
  switch (body.type) {
    case "run-started":
      return view;
    case "intent":
      return withStep(view, body.step, { intent: true, undone: false });
    case "before-image":
      return { ...view, images: new Map(view.images).set(body.image.object, body.image) };
    case "issued":
      return { ...view, issued: new Map(view.issued).set(body.issued.slot, body.issued) };
    case "staged":
      return { ...view, staged: new Map(view.staged).set(body.staged.object, body.staged) };
    case "snapshot":
      return {
        ...withStep(view, body.step, { effect: body.snapshot.sha256 }),
        // One that is taken again after a crash lies in the place of the first.
        snapshots: [...view.snapshots.filter(({ file }) => file !== body.snapshot.file), body.snapshot],
      };
    case "archived":
      return { ...view, archives: [...view.archives, body.archive] };
    case "bounce-begun":
      return withStep(view, body.step, {
        intent: true,
        instances: body.instances,
        original: view.steps.get(body.step)?.original ?? body.instances,
        failed: null,
        undone: false,
      });
    case "all-staged":
      return { ...view, allStaged: true };
    case "effect":
      return withStep(view, body.step, { effect: body.sha256 });
    case "proof":
      return withStep(view, body.step, { proof: body.sha256 });
    case "nodes-ready":
      return withStep(view, body.step, { proof: `${body.count.ready}/${body.count.of}` });
    case "failed":
      return withStep(view, body.step, { failed: body.code });
    case "resumed":
      return { ...view, resumes: view.resumes + 1, window: body.window ?? view.window };
    case "adopted":
      return { ...view, adopted: true };
    case "rollback-started":
      return { ...view, state: "rolling-back", endedAt: null, rollback: view.rollback ?? body.cause };
    case "undo-intent":
      return withStep(view, body.step, { undoIntent: true });
    case "undone":
      // A step that was taken back alone may be done again by a resume.
      return withStep(withoutProofs(view, body.step), body.step, {
        undone: true,
        effect: null,
        instances: null,
        original: null,
      });
    case "run-ended":
      return { ...view, state: stateAfter(body.outcome), endedAt: at };
    default:
      return assertNever(body);
  }
}

/** What was proved, or loaded without a restart, holds no longer once a step of the node was taken back. Steps are named after their node. */
function withoutProofs(view: RunView, undone: string): RunView {
  const node = undone.slice(0, undone.indexOf("/") + 1);
  const steps = [...view.steps].map(([id, record]): readonly [string, StepRecord] =>
    id.startsWith(node) ? [id, { ...record, proof: null, effect: afterUndo(record) }] : [id, record],
  );
  return { ...view, steps: new Map(steps) };
}

/** Who has read its new files by itself has read the old ones again since. */
function afterUndo({ effect }: StepRecord): string | null {
  return effect === "reloaded" ? null : effect;
}

function stateAfter(outcome: RunOutcome): RunState {
  return outcome;
}

function withStep(view: RunView, step: string, change: Partial<StepRecord>): RunView {
  const record = { ...(view.steps.get(step) ?? noRecord), ...change };
  return { ...view, steps: new Map(view.steps).set(step, record) };
}
