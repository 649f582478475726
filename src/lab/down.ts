// `lab down`: ends what runs of a lab, and takes its directory away.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Lab, binOf, labFile, rootOf } from "./places.ts";
import { endProcesses } from "./processes.ts";

/** How many processes were ended. Files that are not the lab's stay. */
export async function labDown(lab: Lab): Promise<number> {
  const count = await endProcesses(lab, () => true);
  for (const host of lab.hosts) {
    // Links into the machine's own /proc go as links.
    rmSync(join(rootOf(lab, host)), { recursive: true, force: true });
  }
  rmSync(binOf(lab), { recursive: true, force: true });
  rmSync(labFile(lab.directory), { force: true });
  return count;
}
