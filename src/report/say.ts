// The sentence of a value of any code, from a table of sentences.
import type { MessagesOf } from "./messages/types.ts";

/** The sentence of a value of any code. */
export function say<U extends { readonly code: string }>(value: U, table: MessagesOf<U>): string {
  const code: U["code"] = value.code;
  // The table's type ties code and value together; the compiler cannot follow that through a generic union.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const message = table[code] as unknown as (value: U) => string;
  return message(value);
}
