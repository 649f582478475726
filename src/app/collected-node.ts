// A node that was collected elsewhere, in the place of the local one: its files from the text of `perennial collect`.
import { resolve } from "node:path";
import { fileAddress } from "../core/model/address.ts";
import { AppError } from "../core/model/errors.ts";
import { type Collected, parseCollected } from "../core/policy/collected.ts";
import { openFactsStore } from "../drivers/store/facts.ts";
import { openFileStore } from "../drivers/store/files.ts";
import type { ReadableNode } from "./local-node.ts";

export interface CollectedNode extends ReadableNode {
  readonly collected: Collected;
}

export function isCollected(node: ReadableNode): node is CollectedNode {
  return "collected" in node;
}

/** A node's text is some 100 KB; with long logs a few MB. */
const limitBytes = 64 * 1024 * 1024;

/** Throws `input-unreadable` for what is not there, and the store's errors. */
export async function readFacts(path: string): Promise<Uint8Array> {
  const store = openFileStore({ root: "/", node: "local" });
  try {
    const found = await store.read(fileAddress("local", resolve(path)), { limitBytes });
    if (found.state === "absent")
      throw new AppError("input-unreadable", { path, reason: "there is no such file" });
    return found.bytes;
  } finally {
    store.close();
  }
}

/** Throws `facts-damaged`; `path` is where the text came from. */
export function collectedNode(text: Uint8Array, path: string): CollectedNode {
  const collected = parseCollected(text, path);
  return {
    root: "/",
    collected,
    hostName: collected.hostName ?? "node",
    openStore: (node) => openFactsStore(collected, node),
  };
}
