// Redraws one line at the bottom of a terminal while a run works; other lines are written above it.
import type { RunEvent } from "../core/model/event.ts";
import { type LiveState, afterEvent, liveLine, noPhase } from "../report/live-line.ts";
import type { Io } from "./io.ts";

export interface LiveLine {
  tell(event: RunEvent): void;
  /** Writes something that stays. */
  print(write: () => void): void;
  close(): void;
}

const clear = "\r\u001b[K";
const everyMs = 1000;

/** null where a line cannot be redrawn: a pipe, `NO_COLOR`, `TERM=dumb`. */
export function openLiveLine(io: Io): LiveLine | null {
  const { lang, width, hasColor } = io;
  const now = (): number => io.now();
  const out = (text: string): void => io.out(text);
  if (width === null || !hasColor) return null;
  const startedAt = now();
  let state: LiveState = noPhase;
  let shown = "";
  const draw = (): void => {
    const line = liveLine(state, { lang, width, elapsedMs: Math.max(0, now() - startedAt) });
    if (line === shown) return;
    out(`${clear}${line}`);
    shown = line;
  };
  const wipe = (): void => {
    if (shown !== "") out(clear);
    shown = "";
  };
  const timer = setInterval(draw, everyMs);
  timer.unref();
  return {
    tell(event) {
      state = afterEvent(state, event);
      draw();
    },
    print(write) {
      wipe();
      write();
      draw();
    },
    close() {
      clearInterval(timer);
      wipe();
    },
  };
}
