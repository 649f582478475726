// What is not as planned, one file a line: hashes tell people nothing, they are in `-o json`.
import type { PlanDifference } from "../../core/model/errors-runs.ts";

const most = 10;

interface Words {
  readonly change: (difference: PlanDifference) => string;
  readonly separator: string;
  readonly colon?: string;
  /** Before a single file. */
  readonly lead?: string;
  readonly more: (count: number) => string;
}

/** The first ten files, and how many there are more; a single one on the line that it is said in. */
export function staleFiles(
  differences: readonly PlanDifference[],
  { change, separator, colon = ": ", lead = " ", more }: Words,
): string {
  const files = [...new Set(differences.map(({ address }) => address))];
  const lines = files.map((file) => {
    const own = differences.filter(({ address }) => address === file).map(change);
    return `${file === "" ? "" : `${file}${colon}`}${own.join(separator)}`;
  });
  if (lines.length === 1) return `${lead}${lines[0] ?? ""}`;
  const shown = lines.length > most ? [...lines.slice(0, most), more(lines.length - most)] : lines;
  return shown.map((line) => `\n  ${line}`).join("");
}
