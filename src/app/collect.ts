// The use case `collect`: the script that hosts without Node.js run, run here: one place knows what may leave a node.
import { AppError } from "../core/model/errors.ts";
import { runCommand } from "../drivers/process/run-command.ts";
import { collectScript } from "./collect-script.gen.ts";

export { collectScript };

export interface CollectRequest {
  /** `--root`; `/` is the live node, whose processes are asked too. */
  readonly root: string;
  readonly logLines: number;
  readonly signal: AbortSignal;
}

/** The text. Throws `command-failed`. */
export async function collectFacts({ root, logLines, signal }: CollectRequest): Promise<string> {
  const settings = `ROOT=${quoted(root === "/" ? "" : root)}\nLOG_LINES=${logLines}\n`;
  const result = await runCommand("sh", ["-c", settings + collectScript], { timeoutMs: 300_000, signal });
  if (result.code === 0) return result.stdout;
  throw new AppError("command-failed", { command: "sh perennial-collect", reason: result.stderr.trim() });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
