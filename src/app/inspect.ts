// The use case `inspect`: one file of the operator's choice, standard input, or what a listener shows.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileAddress } from "../core/model/address.ts";
import { AppError } from "../core/model/errors.ts";
import type { InspectResult } from "../core/model/inspect.ts";
import { inspect, inspectHandshake } from "../core/policy/inspect.ts";
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

export interface Listener {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, `[IPV6]:PORT`, `https://HOST:PORT/...`, unless a file has that name; null for everything else. */
export function listenerOf(text: string): Listener | null {
  const [, six, name, digits] =
    /^(?:https:\/\/)?(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})(?:\/.*)?$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port === 0 || port > 65_535 || existsSync(text)) return null;
  return { host: six ?? name ?? "", port };
}

/** `serverName`: the name asked for, where it is not the host. Throws `endpoint-unreachable`. */
export async function inspectListener(
  path: string,
  at: number,
  { host, port, serverName }: Listener & { readonly serverName: string | null },
): Promise<InspectResult> {
  const { servedChain } = await import("../drivers/health/served-chain.ts");
  return { at, path, ...inspectHandshake(await servedChain({ host, port, serverName })) };
}

/** The same for bytes that came through a pipe. */
export function inspectBytes(path: string, bytes: Uint8Array, at: number): InspectResult {
  return { at, path, ...inspect(bytes) };
}
