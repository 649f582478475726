// A process of its own for the state directory's tests: killed at failpoints. Arguments: DIRECTORY VERB.
import { openStateDirectory } from "../../../src/drivers/shared/state-directory.ts";
import { systemProcesses } from "../../../src/drivers/shared/processes.ts";
import { failpointsFromEnvironment } from "../../../src/drivers/shared/world.ts";

const [path = "", verb = ""] = process.argv.slice(2);
const state = openStateDirectory(path, { failpoints: failpointsFromEnvironment(process.env) });
const bytes = new TextEncoder().encode("0123456789\n");
const attributes = {
  mode: 0o644,
  uid: process.getuid?.() ?? 0,
  gid: 0,
  mtimeMs: 1_700_000_000_000,
  xattrs: {},
};

if (verb === "create") console.log(JSON.stringify(await state.create("lock", bytes)));
if (verb === "append") await state.append("journal.jsonl", bytes);
if (verb === "keep") await state.keep("runs/r/before/m1/a", bytes, attributes);
if (verb === "self") console.log(JSON.stringify(systemProcesses().self()));
