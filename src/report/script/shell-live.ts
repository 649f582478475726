// The script's part for what runs: etcd's snapshot, restarts, proof from the listeners.
import { shellProcesses } from "./shell-processes.ts";
import { shellServed } from "./shell-served.ts";
import { shellSnapshot } from "./shell-snapshot.ts";
import { shellText } from "./shell-text.ts";

export const shellLive = [shellProcesses, shellServed, shellSnapshot].join("\n\n");

/** For plans that only write files. */
export const shellWithoutLive = shellText(String.raw`
restore_manifests() { :; }

rebounce() { :; }

sweep_live() { :; }

can_dial() { :; }
`);
