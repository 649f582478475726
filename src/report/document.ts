// A document for people as blocks, written as Markdown or as one HTML file that loads nothing.
import { codeBlock, safeMarkdown, safeText } from "./escape.ts";

export type Block =
  | { readonly form: "heading"; readonly level: 1 | 2; readonly text: string }
  | { readonly form: "paragraph"; readonly text: string }
  /** Without columns: names and values. */
  | {
      readonly form: "table";
      readonly columns: readonly string[] | null;
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly form: "code"; readonly text: string };

/** Ended by a newline. */
export function toMarkdown(blocks: readonly Block[]): string {
  return `${blocks.map(markdownOf).join("\n\n")}\n`;
}

function markdownOf(block: Block): string {
  switch (block.form) {
    case "heading":
      return `${"#".repeat(block.level)} ${safeMarkdown(block.text)}`;
    case "paragraph":
      return safeMarkdown(block.text);
    case "code":
      return codeBlock("sh", block.text);
    case "table": {
      const width = Math.max(block.columns?.length ?? 0, ...block.rows.map((row) => row.length));
      const head = block.columns ?? Array.from({ length: width }, () => " ");
      const line = (cells: readonly string[]): string => `| ${cells.map(safeMarkdown).join(" | ")} |`;
      return [line(head), `|${" --- |".repeat(width)}`, ...block.rows.map(line)].join("\n");
    }
  }
}

/** Nothing in it is loaded or run: the policy forbids it even where an escape were forgotten. */
export function toHtml(
  blocks: readonly Block[],
  { lang, title }: { readonly lang: string; readonly title: string },
): string {
  return [
    "<!doctype html>",
    `<html lang="${escapeHtml(lang)}">`,
    "<head>",
    '<meta charset="utf-8">',
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
    `<title>${escapeHtml(title)}</title>`,
    `<style>${style}</style>`,
    "</head>",
    "<body>",
    ...blocks.map(htmlOf),
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

const style =
  "body{font:15px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#111;background:#fff}" +
  "table{border-collapse:collapse;width:100%}td,th{border:1px solid #bbb;padding:.25em .6em;text-align:left;" +
  "vertical-align:top;overflow-wrap:anywhere}th{background:#eee}" +
  "pre{background:#f4f4f4;border:1px solid #ccc;padding:.6em;white-space:pre-wrap;overflow-wrap:anywhere}" +
  "@media print{body{margin:0;max-width:none}}";

function htmlOf(block: Block): string {
  switch (block.form) {
    case "heading":
      return `<h${block.level}>${escapeHtml(block.text)}</h${block.level}>`;
    case "paragraph":
      return `<p>${escapeHtml(block.text)}</p>`;
    case "code":
      return `<pre>${block.text.split("\n").map(escapeHtml).join("\n")}</pre>`;
    case "table":
      return tableHtml(block.columns, block.rows);
  }
}

function tableHtml(columns: readonly string[] | null, rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], names: number): string =>
    `<tr>${row.map((cell, index) => (index < names ? `<th scope="row">${escapeHtml(cell)}</th>` : `<td>${escapeHtml(cell)}</td>`)).join("")}</tr>`;
  const head =
    columns === null ? [] : [`<tr>${columns.map((name) => `<th>${escapeHtml(name)}</th>`).join("")}</tr>`];
  return ["<table>", ...head, ...rows.map((row) => cells(row, columns === null ? 1 : 0)), "</table>"].join(
    "\n",
  );
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** {@link safeText}, then what means something to HTML, in text and in quoted attributes. */
function escapeHtml(text: string): string {
  return safeText(text).replace(/[&<>"']/g, (char) => entities[char] ?? "");
}
