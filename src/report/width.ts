// How many columns a terminal uses for a text: two for East Asian wide characters (Unicode UAX #11), none for combining marks.

/** First and last code point of the wide blocks, in order. */
const wide: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
];

const combining: readonly (readonly [number, number])[] = [
  [0x0300, 0x036f],
  [0x1ab0, 0x1aff],
  [0x1dc0, 0x1dff],
  [0x20d0, 0x20ff],
  [0xfe20, 0xfe2f],
];

/** Columns of a text that has no control characters (see `safeText`). */
export function displayWidth(text: string): number {
  let columns = 0;
  for (const char of text) columns += columnsOf(char.codePointAt(0) ?? 0);
  return columns;
}

/** No line begins with a closing mark, and none ends with an opening one. */
const pieces = /[（《“]*(?:[\u2e80-\uffe6]|[^\s\u2e80-\uffe6]+)[，。；：、！？）》”]*|\s+/gu;

/** Lines of at most `width` columns, broken at spaces and between wide characters; a longer word stays whole. */
export function wrapText(text: string, width: number, indent = ""): string {
  const lines: string[] = [];
  let line = "";
  for (const piece of text.match(pieces) ?? []) {
    const room = lines.length === 0 ? width : width - displayWidth(indent);
    if (line !== "" && displayWidth((line + piece).trimEnd()) > room) {
      lines.push(line.trimEnd());
      line = piece.trimStart();
    } else line += piece;
  }
  return [...lines, line.trimEnd()].join(`\n${indent}`);
}

function columnsOf(code: number): number {
  if (code < 0x300) return 1;
  if (isIn(combining, code)) return 0;
  return isIn(wide, code) ? 2 : 1;
}

function isIn(ranges: readonly (readonly [number, number])[], code: number): boolean {
  return ranges.some(([first, last]) => code >= first && code <= last);
}
