// Appending to a file of the state directory, durably: how a journal grows.
import { closeSync, constants, lstatSync, openSync } from "node:fs";
import { posix } from "node:path";
import { entryPath, makeFolders, syncParent, type State } from "./state-entries.ts";
import { attempt, hit, writeFully } from "./temporary-file.ts";

/** See StateDirectory.append. */
export async function append(state: State, base: number, file: string, bytes: Uint8Array): Promise<void> {
  const object = posix.join(state.path, file);
  const path = entryPath(base, file);
  attempt(object, "mkdir", () => makeFolders(state, base, file));
  const isNew = !lstatSync(path, { throwIfNoEntry: false });
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW;
  const descriptor = attempt(object, "create", () => openSync(path, flags, 0o600));
  try {
    await appendWhole(state, descriptor, bytes, object);
    attempt(object, "fsync", () => state.dataSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
  if (isNew) attempt(object, "sync-directory", () => syncParent(state, base, file));
  await turn();
}

/** Everything here is synchronous; without a turn of the event loop a signal would be noticed only when the run is over. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/**
 * What did not fit is not taken back: a woken writer whose lock somebody else has meanwhile would cut off what they appended. No look
 * beforehand can rule that out. Readers know a fragment for what it is.
 */
async function appendWhole(
  state: State,
  descriptor: number,
  bytes: Uint8Array,
  object: string,
): Promise<void> {
  const half = state.failpoints ? bytes.length >> 1 : 0;
  attempt(object, "write", () => writeFully(descriptor, bytes.subarray(0, half)));
  await hit(state.failpoints, "state.torn-append");
  attempt(object, "write", () => writeFully(descriptor, bytes.subarray(half)));
}
