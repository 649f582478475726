// Text in pieces of any size -> lines, with the memory of one line: the rest of an overlong one is dropped.
import { longestLine } from "./log-lines.ts";

export interface LineSplitter {
  push(text: string): void;
  /** The last line, if it has no end. */
  end(): void;
}

/** `onLine` gets each line without its end and its number from 1. */
export function createLineSplitter(onLine: (line: string, number: number) => void): LineSplitter {
  let rest = "";
  let number = 0;
  const emit = (line: string): void => {
    number += 1;
    onLine(line, number);
  };
  return {
    push(text) {
      let from = 0;
      for (let to = text.indexOf("\n"); to >= 0; to = text.indexOf("\n", from)) {
        emit(rest + text.slice(from, Math.min(to, from + longestLine)));
        rest = "";
        from = to + 1;
      }
      // A slice would keep the whole piece alive; what is joined does not.
      if (rest.length < longestLine) rest = `${rest}${text.slice(from, from + longestLine)}`;
    },
    end() {
      if (rest !== "") emit(rest);
      rest = "";
    },
  };
}
