// The one line that a run keeps redrawing on a terminal: phase, step, seconds, who is waited for. Pure.
import type { RunEvent } from "../core/model/event.ts";
import type { PhaseId } from "../core/model/plan.ts";
import { safeText } from "./escape.ts";
import type { Language } from "./language.ts";
import { displayWidth } from "./width.ts";

export interface LiveState {
  readonly phase: PhaseId | null;
  readonly steps: number;
  readonly done: number;
  readonly consumer: string | null;
}

export const noPhase: LiveState = { phase: null, steps: 0, done: 0, consumer: null };

export function afterEvent(state: LiveState, event: RunEvent): LiveState {
  switch (event.type) {
    case "phase-started":
      return { phase: event.phase, steps: event.steps, done: 0, consumer: null };
    case "step-done":
      return { ...state, done: state.done + 1, consumer: null };
    case "process":
      return {
        ...state,
        consumer: event.state === "well" || event.state === "reloaded" ? null : event.consumer,
      };
    case "step-failed":
    case "rollback-started":
    case "run-ended":
      return noPhase;
    case "run-started":
    case "run-resumed":
    case "issued":
    case "proved":
    case "snapshot-taken":
    case "archived":
    case "live-proved":
    case "node-started":
    case "node-done":
    case "gate-passed":
    case "nodes-ready":
    case "worker-failed":
    case "leader-moved":
    case "copies-missed":
    case "run-adopted":
    case "swept":
    case "undone":
    case "lock-not-released":
      return state;
  }
}

const words = {
  en: {
    step: (now: number, all: number) => `step ${now} of ${all}`,
    seconds: (count: number) => `${count} s`,
    waiting: (consumer: string) => `waiting for ${consumer}`,
    comma: ", ",
  },
  zh: {
    step: (now: number, all: number) => `第 ${now}/${all} 步`,
    seconds: (count: number) => `${count} 秒`,
    waiting: (consumer: string) => `等待 ${consumer}`,
    comma: "，",
  },
} as const;

/** Narrower than `width` columns, so that no terminal wraps it; empty between phases. */
export function liveLine(
  { phase, steps, done, consumer }: LiveState,
  { lang, width, elapsedMs }: { readonly lang: Language; readonly width: number; readonly elapsedMs: number },
): string {
  if (phase === null) return "";
  const { step, seconds, waiting, comma } = words[lang];
  const parts = [
    step(Math.min(done + 1, steps), steps),
    seconds(Math.floor(elapsedMs / 1000)),
    ...(consumer === null ? [] : [waiting(safeText(consumer))]),
  ];
  return cut(`[${phase}] ${parts.join(comma)}`, width - 1);
}

function cut(text: string, width: number): string {
  let fitting = "";
  for (const char of text) {
    if (displayWidth(fitting + char) > width) return fitting;
    fitting += char;
  }
  return fitting;
}
