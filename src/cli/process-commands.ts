// `--process NAME.stop=COMMAND`: how the operator has a process stopped, started, looked at.
import { AppError } from "../core/model/errors.ts";
import type { CommandsByProcess } from "../core/model/live.ts";

const expected = "NAME.stop=COMMAND, NAME.start=COMMAND or NAME.status=COMMAND, a line each";
/** The kernel takes 128 KiB in one word; nobody reads as much before saying yes. */
const longest = 4096;

/** Whether there is such a process is for the node to say. Throws `value-invalid`. */
export function parseProcessCommands(texts: readonly string[]): CommandsByProcess {
  const all = new Map<string, Map<string, string>>();
  for (const text of texts) {
    const [, name = "", what = "", line = ""] =
      /^([a-z0-9][a-z0-9-]*)\.(stop|start|status)=(.+)$/s.exec(text) ?? [];
    const own = all.get(name) ?? new Map<string, string>();
    const isOneLine = !/[\p{Cc}\u2028\u2029]/u.test(line) && line.trim() !== "" && line.length <= longest;
    if (name === "" || !isOneLine || own.has(what))
      throw new AppError("value-invalid", { what: "--process", value: text.slice(0, 200), expected });
    all.set(name, own.set(what, line));
  }
  return Object.fromEntries([...all].map(([name, own]) => [name, Object.fromEntries(own)]));
}
