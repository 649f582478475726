// The events of a run as lines with kubeadm's `[phase]` in front: one line per phase, one per renewed certificate.
import { assertNever } from "../core/model/errors.ts";
import type { RunEvent } from "../core/model/event.ts";
import type { PhaseId } from "../core/model/plan.ts";
import { safeData, safeText } from "./escape.ts";
import { withoutStore } from "./file-address.ts";
import type { Language } from "./language.ts";
import { messagesFor, type Messages } from "./messages.ts";

type EventMessages = Messages["runs"]["events"];

export interface Progress {
  /** The lines that an event brings, without newlines; none for what is counted and told when its phase ends. */
  tell(event: RunEvent): readonly string[];
}

export interface ProgressOptions {
  readonly lang: Language;
  /** Where runs keep what they replace. */
  readonly stateDirectory: string;
  /** Where the nodes of several keep what is replaced on them, when that is not `stateDirectory`. */
  readonly nodeDirectory?: string;
}

interface Counted {
  readonly phase: PhaseId;
  readonly steps: number;
  readonly done: number;
  readonly changed: number;
}

interface State {
  readonly run: string;
  readonly phase: Counted | null;
  /** Objects put back since a rollback began. */
  readonly undone: number;
}

/** What a run tells its audience. A phase's line comes when the next one begins: then everything in it has been verified. */
export function createProgress({ lang, stateDirectory, nodeDirectory }: ProgressOptions): Progress {
  const { runs, live } = messagesFor(lang);
  const words = { text: runs.events, live: live.events };
  const folder = safeText(stateDirectory);
  const before = safeText(nodeDirectory ?? stateDirectory);
  let state: State = { run: "", phase: null, undone: 0 };
  return {
    tell(original) {
      const event = safeData(original);
      const lines = linesOf(event, state, { ...words, folder, before });
      state = after(state, event);
      return lines;
    },
  };
}

interface Words {
  readonly text: EventMessages;
  readonly live: Messages["live"]["events"];
  readonly folder: string;
  readonly before: string;
}

function linesOf(event: RunEvent, state: State, { text, live, folder, before }: Words): readonly string[] {
  const finished = (): readonly string[] => phaseLine(state, text, before);
  switch (event.type) {
    case "run-started":
      return [text.started(event.run)];
    case "run-resumed":
      return [text.resumed(event.run)];
    case "phase-started":
      return finished();
    case "proved":
      return [text.renewed(event.name, event.issued.serialHex, event.issued.notAfter)];
    case "step-done":
    case "issued":
    case "undone":
      return [];
    case "snapshot-taken": {
      const { file, bytes, form, hasV2Data } = event.snapshot;
      const line = live.snapshot(`${folder}/runs/${state.run}/${file}`, bytes, form);
      return [...finished(), line, ...(hasV2Data ? [live.v2Data] : [])];
    }
    case "archived": {
      const { file, bytes } = event.archive;
      return [...finished(), text.archived(file, bytes, event.recipients)];
    }
    case "process":
      return [live.process[event.state](placed(event))];
    case "live-proved":
      return [live.proved(event.served.length, event.wrote, event.node ?? null)];
    case "node-started":
    case "node-done":
      return [...finished(), live.node[event.type](event.node)];
    case "gate-passed":
      return [...finished(), live.gate(event.demand, event.members)];
    case "nodes-ready":
      return [...finished(), live.ready(event.count)];
    case "worker-failed":
      return [live.workerFailed(event.node, event.code, event.outcome)];
    case "leader-moved":
      return [live.leaderMoved(event.from, event.to)];
    case "run-adopted":
      return [
        live.adopted(event.run, event.from, event.host),
        ...(event.hasSnapshot ? [live.snapshotElsewhere(event.host)] : []),
      ];
    case "copies-missed":
      return [live.copiesMissed(event.nodes.join(", "))];
    case "swept":
      return event.paths.length === 0 ? [] : [text.swept(event.paths)];
    case "step-failed":
      return [...cutOff(state, text), text.failed(withoutStore(event.step), event.code)];
    case "rollback-started":
      return [...finished(), text.rollback(event.run, event.cause === "failure")];
    case "lock-not-released":
      return [text.lockNotReleased(event.code)];
    case "run-ended":
      return [...finished(), ...(state.undone > 0 ? [text.restored(state.undone)] : [])];
    default:
      return assertNever(event);
  }
}

/** `m1 etcd` where there are several nodes. */
function placed({ node, consumer }: Extract<RunEvent, { readonly type: "process" }>): string {
  return node === undefined ? consumer : `${node} ${consumer}`;
}

function after(state: State, event: RunEvent): State {
  switch (event.type) {
    case "run-started":
    case "run-resumed":
      return { ...state, run: event.run };
    case "phase-started":
      return { ...state, phase: { phase: event.phase, steps: event.steps, done: 0, changed: 0 } };
    case "step-done":
      return { ...state, phase: counted(state.phase, event.changed) };
    case "node-started":
    case "node-done":
    case "step-failed":
    case "rollback-started":
    case "run-ended":
      return { ...state, phase: null };
    case "undone":
      return { ...state, undone: state.undone + 1 };
    case "issued":
    case "proved":
    case "snapshot-taken":
    case "archived":
    case "process":
    case "live-proved":
    case "gate-passed":
    case "nodes-ready":
    case "worker-failed":
    case "leader-moved":
    case "run-adopted":
    case "copies-missed":
    case "swept":
    case "lock-not-released":
      return state;
    default:
      return assertNever(event);
  }
}

function counted(phase: Counted | null, hasChanged: boolean): Counted | null {
  return phase && { ...phase, done: phase.done + 1, changed: phase.changed + (hasChanged ? 1 : 0) };
}

/** Phases whose steps have lines of their own. */
const ownLines: ReadonlySet<PhaseId> = new Set([
  "prove",
  "snapshot",
  "archive",
  "roll",
  "gate",
  "restart",
  "workers",
  "ready",
  "prove-live",
]);

/** Certificates that are proved have lines of their own. */
function phaseLine({ phase, run }: State, text: EventMessages, folder: string): readonly string[] {
  // A resumed run does not do again what was done before it.
  if (phase === null || phase.done === 0 || ownLines.has(phase.phase)) return [];
  const { done, changed } = phase;
  switch (phase.phase) {
    case "issue":
      return [changed > 0 ? text.phases.issue(changed) : text.phases.take(done)];
    case "back-up":
      return [text.phases["back-up"](done, `${folder}/runs/${run}/before`)];
    case "stage":
      return [text.phases.stage(changed, done - changed)];
    case "swap":
      return [text.phases.swap(changed, done - changed)];
    case "prove":
    case "snapshot":
    case "archive":
    case "roll":
    case "gate":
    case "restart":
    case "workers":
    case "ready":
    case "prove-live":
      return [];
    default:
      return assertNever(phase.phase);
  }
}

/** How far the phase came in which something failed. */
function cutOff({ phase }: State, text: EventMessages): readonly string[] {
  return phase === null || phase.done === 0 ? [] : [text.cutOff(phase.phase, phase.done, phase.steps)];
}
