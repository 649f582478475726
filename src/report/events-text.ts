// One event of a run as one line, with kubeadm's `[phase]` in front.
import { assertNever } from "../core/model/errors.ts";
import type { RunEvent } from "../core/model/event.ts";
import type { Step } from "../core/model/plan.ts";
import { safeData } from "./escape.ts";
import type { Language } from "./language.ts";
import { messagesFor, type Messages } from "./messages.ts";

type EventMessages = Messages["runs"]["events"];

/** The line without its newline; null for events that say nothing new to people. */
export function renderEvent(original: RunEvent, lang: Language): string | null {
  const text = messagesFor(lang).runs.events;
  const event = safeData(original);
  switch (event.type) {
    case "run-started":
      return text.started(event.run, event.steps);
    case "run-resumed":
      return text.resumed(event.run);
    case "phase-started":
      return text.phase(event.phase, event.steps);
    case "step-done":
      return stepDone(event.step, event.changed, text);
    case "issued":
      return text.issued(event.name, event.issued.serialHex, event.issued.notAfter);
    case "proved":
      return text.renewed(event.name, event.issued.serialHex, event.issued.notAfter);
    case "swept":
      return event.paths.length === 0 ? null : text.swept(event.paths);
    case "step-failed":
      return text.failed(event.step, event.code);
    case "rollback-started":
      return text.rollback(event.run, event.cause === "failure");
    case "undone":
      return text.undone(event.object);
    case "lock-not-released":
      return text.lockNotReleased(event.code);
    case "run-ended":
      return text.ended[event.outcome](event.run);
    default:
      return assertNever(event);
  }
}

/** Issuing and proving have events of their own. */
function stepDone(step: Step, changed: boolean, text: EventMessages): string | null {
  switch (step.kind) {
    case "issue":
    case "take":
    case "prove":
      return null;
    case "back-up":
      return text.backedUp(step.object);
    case "stage":
      return changed ? text.staged(step.object) : text.unchanged(step.kind, step.object);
    case "swap":
      return changed ? text.swapped(step.object) : text.unchanged(step.kind, step.object);
    default:
      return assertNever(step);
  }
}
