// The files of one node below a root directory, read without being led astray by links and without ever waiting.
// INPUTS: any file of the node that is named. OUTPUTS: none. Linux only (needs /proc).
import {
  readdirSync,
  closeSync,
  fstatSync,
  lstatSync,
  statSync,
  type BigIntStats,
  type Stats,
} from "node:fs";
import { posix } from "node:path";
import { formatAddress, type Address } from "../../core/model/address.ts";
import type { FolderAttributes, Observation, ReadOptions } from "../../engine/ports/store.ts";
import { childPath, errnoOf } from "./directory-handles.ts";
import { readAt, type FileContent } from "./file-content.ts";
import { explainReading } from "./explain-reading.ts";
import { textOfName } from "../../core/model/foreign-bytes.ts";
import type { RememberingLabels } from "./file-labels.ts";
import {
  identityOf,
  isSameInode,
  joinNodePath,
  locate,
  locateDirectory,
  openRoot,
  splitNodePath,
  type Located,
  type Place,
  type Root,
} from "./node-walk.ts";

/** Where certificates, keys and kubeconfigs live; a link may lead from one of these into another. */
export const defaultTrees: readonly string[] = [
  "/etc/kubernetes",
  "/var/lib/kubelet",
  "/var/lib/etcd",
  "/etc/etcd",
  "/root",
  "/home",
  // ostree systems: /root and /home are links into /var
  "/var/roothome",
  "/var/home",
  "/srv/kubernetes",
  "/opt/kubernetes",
];

export interface NodeFilesOptions {
  /** The directory that is `/` for the node; `/` is the live system. */
  readonly root: string;
  readonly node: string;
  /** More trees, as absolute paths of the node, that links may lead into. */
  readonly allowLinksTo?: readonly string[];
  readonly labels: RememberingLabels;
}

export interface NodeFiles {
  readonly root: Root;
  /** formatAddress, after checking that this node's files are meant and no entry; TypeError otherwise. */
  object(address: Address): string;
  read(address: Address, options?: ReadOptions): Observation;
  /** Walks afresh, trusting no handle of before; the place's handle is the caller's to close. System errors are thrown as they are. */
  locate(address: Address): Located;
  locateDirectory(path: string, object: string): Place | null;
  /** Reads the regular file at a place; throws `store-not-regular`, `store-too-large` and system errors. */
  readAt(place: Place, stats: Stats, object: string, limitBytes?: number): FileContent;
  leavesTree(place: Place): boolean;
  isInTree(path: string): boolean;
  /** Names in a directory, sorted; null when it is absent or no directory. */
  list(address: Address): readonly string[] | null;
  /** Closes the directory handles that reads have kept open. */
  close(): void;
}

interface KeptDirectory {
  readonly place: Place;
  readonly identity: BigIntStats;
}

/** Opens the node's root; throws `not-a-node` when it is no directory. */
export function openNodeFiles(options: NodeFilesOptions): NodeFiles {
  const root = openRoot(options.root);
  const kept = new Map<string, KeptDirectory>();
  const trees = [...defaultTrees, ...(options.allowLinksTo ?? [])].map((tree) => posix.normalize(`${tree}/`));

  function object(address: Address): string {
    if (address.store !== "file" || address.node !== options.node || address.entry !== undefined) {
      throw new TypeError(`not a whole file of node ${options.node}: ${formatAddress(address)}`);
    }
    return formatAddress(address);
  }

  function isInTree(path: string): boolean {
    return trees.some((tree) => path.startsWith(tree));
  }

  function leavesTree(place: Place): boolean {
    return place.isLinked && !isInTree(joinNodePath(place.directoryPath, place.name));
  }

  /** The handle of a directory, kept from an earlier read while its path still leads to that very directory. */
  function keptDirectory(path: string, of: string): Place | null {
    const known = kept.get(path);
    if (known && isStill(root, path, known.identity)) return known.place;
    if (known) closeSync(known.place.directory);
    kept.delete(path);
    const place = locateDirectory(root, path, of);
    if (place) kept.set(path, { place, identity: identityOf(place.directory) });
    return place;
  }

  /** As locate, but a file that is no link is found from its kept directory. */
  function locateForReading(
    address: Address,
    of: string,
  ): { readonly located: Located; readonly isKept: boolean } {
    const names = splitNodePath(address.path);
    const name = names.at(-1);
    const directory = keptDirectory(`/${names.slice(0, -1).join("/")}`, of);
    if (directory && name !== undefined) {
      const place = { ...directory, name };
      const stats = lstatSync(childPath(place.directory, name), { throwIfNoEntry: false });
      if (!stats) return { located: { state: "absent", place, danglingLink: null }, isKept: true };
      if (!stats.isSymbolicLink()) return { located: { state: "found", place, stats }, isKept: true };
    }
    return { located: locate(root, address.path, of), isKept: false };
  }

  function observe(address: Address, of: string, wanted: ReadOptions): Observation {
    const { located, isKept } = locateForReading(address, of);
    try {
      if (located.state === "absent") return { state: "absent", address, danglingLink: located.danglingLink };
      const { place, stats } = located;
      const content = readAt(
        place,
        stats,
        of,
        wanted.limitBytes,
        wanted.labels === true ? options.labels : undefined,
      );
      return {
        state: "present",
        address,
        bytes: content.bytes,
        sha256: content.sha256,
        attributes: content.attributes,
        ...(wanted.labels === true && { folders: foldersOf(root, address.path, of) }),
        link: place.isLinked ? joinNodePath(place.directoryPath, place.name) : null,
        linkLeavesTree: leavesTree(place),
      };
    } finally {
      if (!isKept && located.place) closeSync(located.place.directory);
    }
  }

  return {
    root,
    object,
    leavesTree,
    isInTree,
    readAt: (place, stats, of, limitBytes) => readAt(place, stats, of, limitBytes),
    locate: (address) => locate(root, address.path, object(address)),
    locateDirectory: (path, of) => locateDirectory(root, path, of),
    list(address) {
      const of = object(address);
      return explainReading(of, () => listDirectory(locateDirectoryOrNull(root, address.path, of)));
    },
    read(address, wanted = {}) {
      const of = object(address);
      wanted.signal?.throwIfAborted();
      return explainReading(of, () => observe(address, of, wanted));
    },
    close() {
      for (const { place } of kept.values()) closeSync(place.directory);
      kept.clear();
      closeSync(root.directory);
    },
  };
}

/** Every folder that a path goes through, `/` first; links among them count as what they lead to. */
function foldersOf(root: Root, path: string, of: string): readonly FolderAttributes[] {
  const names = splitNodePath(path).slice(0, -1);
  return ["", ...names].flatMap((_, depth) => {
    const place = locateDirectory(root, `/${names.slice(0, depth).join("/")}`, of);
    if (!place) return [];
    try {
      const { mode, uid, gid } = fstatSync(place.directory);
      return [{ mode: mode & 0o7777, uid, gid }];
    } finally {
      closeSync(place.directory);
    }
  });
}

function locateDirectoryOrNull(root: Root, path: string, of: string): Place | null {
  try {
    return locateDirectory(root, path, of);
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") return null;
    throw error;
  }
}

function listDirectory(place: Place | null): readonly string[] | null {
  if (!place) return null;
  try {
    return readdirSync(childPath(place.directory, "."), { encoding: "buffer" }).map(textOfName).sort();
  } finally {
    closeSync(place.directory);
  }
}

/** Whether a path still leads to the directory we hold. Following links here is harmless: only that very inode counts. */
function isStill(root: Root, path: string, known: BigIntStats): boolean {
  const below = childPath(root.directory, path === "/" ? "." : path.slice(1));
  try {
    return isSameInode(known, statSync(below, { bigint: true }));
  } catch {
    // Missing, a loop, no permission: the walk will say which.
    return false;
  }
}
