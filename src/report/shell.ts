// Values as words of a POSIX shell command, for hints and runbooks.

/** The text as one word: bare when harmless, single-quoted otherwise; unprintable bytes go through `printf`. */
export function shellQuote(text: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text)) return text;
  if (/^[\u0020-\u007e]*$/.test(text)) return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  return `"$(printf '${[...new TextEncoder().encode(text)].map(printfByte).join("")}')"`;
}

/** One byte inside a single-quoted printf format (POSIX printf: octal escapes, `%%`). */
function printfByte(byte: number): string {
  const char = String.fromCharCode(byte);
  if (/[A-Za-z0-9_@+=:,./ -]/.test(char)) return char;
  return `\\${byte.toString(8).padStart(3, "0")}`;
}
