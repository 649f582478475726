// The copies of journal and plan on the nodes, for a colleague on another machine.
import type { RunContext } from "./run-context.ts";

/** Those that could not be written are told, and stop nothing. */
export async function updateCopies({
  ports,
  run,
  tell,
}: Pick<RunContext, "ports" | "run" | "tell">): Promise<void> {
  const missed = (await ports.copies?.update(run)) ?? [];
  if (missed.length > 0) tell({ type: "copies-missed", nodes: missed });
}
