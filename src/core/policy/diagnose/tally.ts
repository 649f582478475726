// Folds log lines into symptoms one at a time, so that a log of any size needs the memory of its different complaints only.
import type { LogLine, Symptom } from "../../model/diagnosis.ts";
import type { Recognised } from "./symptoms.ts";

/** A hostile log can make every complaint different. */
const mostSymptoms = 500;

export interface Tally {
  add(line: LogLine): void;
  symptoms(): readonly Symptom[];
  /** Lines given so far. */
  readonly lines: number;
  /** The newest line that says its year, ms; null when none does. */
  readonly newest: { readonly at: number; readonly source: string } | null;
}

export function createTally(recogniseLine: (line: LogLine) => Recognised | null): Tally {
  const found = new Map<string, Symptom>();
  let lines = 0;
  let newest: Tally["newest"] = null;
  return {
    add(line) {
      lines += 1;
      if (line.at !== null && (newest === null || line.at > newest.at))
        newest = { at: line.at, source: line.source };
      const recognised = recogniseLine(line);
      if (recognised === null) return;
      const key = keyOf(recognised, line);
      const before = found.get(key);
      if (before === undefined && found.size >= mostSymptoms) return;
      found.set(key, merged(before, recognised, line));
    },
    symptoms: () => [...found.values()],
    get lines() {
      return lines;
    },
    get newest() {
      return newest;
    },
  };
}

/** The writer's clock moves on from line to line; all else makes a complaint another one. */
function keyOf({ code, params }: Recognised, { component }: LogLine): string {
  return JSON.stringify([code, component, { ...params, currentAt: undefined }]);
}

function merged(before: Symptom | undefined, { code, params }: Recognised, line: LogLine): Symptom {
  const times = [before?.lastAt ?? null, line.at, params.currentAt ?? null].filter((at) => at !== null);
  return {
    code,
    component: line.component,
    params,
    count: (before?.count ?? 0) + 1,
    lastAt: times.length === 0 ? null : Math.max(...times),
    source: line.source,
    line: line.number,
    text: line.text,
  };
}
