// The use case `inspect`: one file of the operator's choice, or standard input.
import { resolve } from "node:path";
import { fileAddress } from "../core/model/address.ts";
import { AppError } from "../core/model/errors.ts";
import type { InspectResult } from "../core/model/inspect.ts";
import { inspect } from "../core/policy/inspect.ts";
import { openFileStore } from "../drivers/store/files.ts";
import type { ListingStore } from "../engine/ports/store.ts";
import type { CollectedNode } from "./collected-node.ts";

/** 10,000 certificates are about 12 MB; what is larger is no bundle. */
const limitBytes = 32 * 1024 * 1024;

/** `path` as the node of `root` sees it. Throws `input-unreadable` when absent, and the store's errors for links, pipes, directories and sizes. */
export async function inspectFile(path: string, at: number, root = "/"): Promise<InspectResult> {
  const store = openFileStore({ root: resolve(root), node: "local" });
  try {
    // Below another root a path is the node's, which has no working directory of ours.
    const onNode = resolve(root) === "/" ? resolve(path) : resolve("/", path);
    return await inspectStored(store, path, at, onNode);
  } finally {
    store.close();
  }
}

/** One file of a collected node. */
export async function inspectCollected(
  path: string,
  at: number,
  node: CollectedNode,
): Promise<InspectResult> {
  const { served, files } = node.collected;
  const presented = served.get(path);
  if (presented) return inspectBytes(path, presented, at);
  if (!files.has(resolve("/", path)))
    throw new AppError("not-collected", { path, known: [...served.keys(), ...files.keys()] });
  const store = node.openStore("local");
  try {
    return await inspectStored(store, path, at, resolve("/", path));
  } finally {
    store.close();
  }
}

async function inspectStored(
  store: ListingStore,
  path: string,
  at: number,
  onNode: string,
): Promise<InspectResult> {
  const observation = await store.read(fileAddress("local", onNode), { limitBytes });
  if (observation.state === "absent") {
    const reason =
      observation.danglingLink === null
        ? "there is no such file"
        : `a link to ${observation.danglingLink}, which is not there`;
    throw new AppError("input-unreadable", { path, reason });
  }
  return { at, path, ...inspect(observation.bytes) };
}

/** The same for bytes that came through a pipe. */
export function inspectBytes(path: string, bytes: Uint8Array, at: number): InspectResult {
  return { at, path, ...inspect(bytes) };
}
