// The store of collected facts: a node's files as `perennial collect` printed them, read-only (contract, clause 9).
// INPUTS: the text. OUTPUTS: none.
import { posix } from "node:path";
import { type Address, formatAddress } from "../../core/model/address.ts";
import { AppError } from "../../core/model/errors.ts";
import { sha256Hex } from "../../core/pki/fingerprints.ts";
import type { Collected, CollectedFile } from "../../core/policy/collected.ts";
import type { ListingStore, Observation, Present } from "../../engine/ports/store.ts";
import { defaultTrees } from "../shared/node-files.ts";

/** What `read` gives of a file holds public halves where private keys were. What was not collected is `store-unreadable`, never absent. */
export function openFactsStore(collected: Collected, node: string): ListingStore & { close(): void } {
  return {
    id: `facts:${node}`,
    async read(address) {
      const file = collected.files.get(pathOf(address, node));
      if (file) return observationOf(file, address);
      if (isKnownAbsent(collected, address.path)) return { state: "absent", address, danglingLink: null };
      throw unreadable(address, "it was not collected");
    },
    async list(address) {
      const path = pathOf(address, node);
      const folder = collected.folders.get(path);
      if (folder?.state === "found") return folder.names;
      if (folder?.state === "absent" || isKnownAbsent(collected, path)) return null;
      if (folder) throw unreadable(address, folder.reason);
      throw unreadable(address, "it was not collected");
    },
    close() {},
  };
}

function pathOf(address: Address, node: string): string {
  if (address.store !== "file" || address.node !== node || address.entry !== undefined)
    throw new TypeError(`not a whole file of node ${node}: ${formatAddress(address)}`);
  return posix.normalize(address.path);
}

/** A folder whose names were collected, and this one is not among them. */
function isKnownAbsent({ folders }: Collected, path: string): boolean {
  for (let at = path; at !== "/" && at !== "."; at = posix.dirname(at)) {
    const folder = folders.get(posix.dirname(at));
    if (folder?.state === "absent") return true;
    if (folder?.state === "found") return !folder.names.includes(posix.basename(at));
  }
  return false;
}

function observationOf(file: CollectedFile, address: Address): Observation {
  switch (file.state) {
    case "found":
      if (!file.hasContent) throw unreadable(address, "a kubeconfig in JSON is not collected");
      return presentOf(file, address);
    case "absent":
      return { state: "absent", address, danglingLink: file.danglingLink };
    case "irregular":
      throw new AppError("store-not-regular", { address: formatAddress(address), type: file.type });
    case "large":
      throw new AppError("store-too-large", {
        address: formatAddress(address),
        bytes: file.size,
        limitBytes: 1024 * 1024,
      });
    case "unreadable":
      throw unreadable(address, file.reason);
  }
}

function presentOf(file: Extract<CollectedFile, { state: "found" }>, address: Address): Present {
  const { mode, uid, gid, mtimeMs, link } = file;
  const bytes = Uint8Array.from(file.bytes);
  return {
    state: "present",
    address,
    bytes,
    sha256: sha256Hex(bytes),
    attributes: { mode, uid, gid, mtimeMs, xattrs: {} },
    link,
    linkLeavesTree: link !== null && !defaultTrees.some((tree) => link.startsWith(`${tree}/`)),
    isKeyFree: true,
  };
}

function unreadable(address: Address, reason: string): AppError<"store-unreadable"> {
  return new AppError("store-unreadable", { address: formatAddress(address), reason, cause: reason });
}
