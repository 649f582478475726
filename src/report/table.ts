// Tables as Go's text/tabwriter writes them for kubeadm and kubectl: no borders, columns padded with spaces.
import { displayWidth } from "./width.ts";

export interface TableOptions {
  /** Least width of a column including its padding; kubeadm: 10. */
  readonly minWidth?: number;
  /** Spaces after the widest cell; kubeadm: 3. */
  readonly padding?: number;
  /** Changes a finished line, e.g. adds colour; the widths do not see it. */
  readonly paint?: (line: string, row: number) => string;
}

/**
 * Rows as aligned lines, each ended by a newline. The last cell of a row is not padded
 * (kubeadm's own `%-8v` is made by the caller), empty columns keep their width: tabwriter without flags.
 */
export function formatTable(rows: readonly (readonly string[])[], options: TableOptions = {}): string {
  const { minWidth = 10, padding = 3, paint = keepLine } = options;
  const columns = Math.max(0, ...rows.map((row) => row.length - 1));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(minWidth, ...rows.map((row) => cellWidth(row, column) + padding)),
  );
  return rows.map((row, index) => `${paint(formatRow(row, widths), index)}\n`).join("");
}

function keepLine(line: string): string {
  return line;
}

function cellWidth(row: readonly string[], column: number): number {
  return column < row.length - 1 ? displayWidth(row[column] ?? "") : Number.NEGATIVE_INFINITY;
}

function formatRow(row: readonly string[], widths: readonly number[]): string {
  const last = row.length - 1;
  return row.map((cell, column) => (column === last ? cell : padEnd(cell, widths[column] ?? 0))).join("");
}

function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}
