// Walks a path below a node's root one component at a time; links are resolved here and not by the kernel.
import {
  closeSync,
  fstatSync,
  lstatSync,
  readlinkSync,
  statSync,
  type BigIntStats,
  type Stats,
} from "node:fs";
import { AppError } from "../../core/model/errors.ts";
import { childPath, errnoError, errnoOf, openDirectory, openNamedDirectory } from "./directory-handles.ts";

/** As Linux (MAXSYMLINKS). */
const maxLinks = 40;

/** The directory that is `/` for the node. */
export interface Root {
  readonly directory: number;
  /** As the operator named it. */
  readonly path: string;
  /** True when it is the root of this machine: `..` then stops there, as the kernel has it, instead of being refused. */
  readonly isLive: boolean;
}

/** A name in an opened directory. Whoever got it closes it. */
export interface Place {
  readonly directory: number;
  /** Path of that directory as seen on the node, free of links. */
  readonly directoryPath: string;
  readonly name: string;
  /** True when a link was followed on the way. */
  readonly isLinked: boolean;
}

export type Located =
  | { readonly state: "found"; readonly place: Place; readonly stats: Stats }
  | {
      readonly state: "absent";
      /** Null when the parent directory is missing too. */
      readonly place: Place | null;
      readonly danglingLink: string | null;
    };

/** Throws `not-a-node` when `path` is no directory; never an "absent" for each file below it. */
export function openRoot(path: string): Root {
  try {
    const directory = openNamedDirectory(path);
    // Without /proc every child path would look absent; better to fail here.
    readlinkSync(`/proc/self/fd/${directory}`);
    return { directory, path, isLive: isSameInode(identityOf(directory), statSync("/", { bigint: true })) };
  } catch (error) {
    const code = errnoOf(error);
    throw new AppError(
      "not-a-node",
      { root: path, ...(code === null ? {} : { cause: code }) },
      { cause: error },
    );
  }
}

export function identityOf(directory: number): BigIntStats {
  return fstatSync(directory, { bigint: true });
}

export function isSameInode(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** Components of an absolute path; throws `value-invalid` for anything a node's file cannot be called. */
export function splitNodePath(path: string): readonly string[] {
  const names = path.split("/").slice(1);
  const isClean =
    path.startsWith("/") && !path.includes("\0") && !names.includes("..") && !names.includes(".");
  if (!isClean) {
    throw new AppError("value-invalid", {
      what: "path",
      value: path,
      expected: "an absolute path without .. and NUL",
    });
  }
  return names.filter((name) => name !== "");
}

/**
 * Finds the object a path leads to. Throws `store-link-refused` for a link that climbs out of the root, `store-not-regular`
 * when the way ends at a directory as such (`/`, `..`), and the system's own errors (ENOTDIR, ELOOP, EACCES, ...).
 */
export function locate(root: Root, path: string, object: string): Located {
  const trail = openTrail(root);
  try {
    return follow(trail, splitNodePath(path), object);
  } catch (error) {
    trail.close();
    throw error;
  }
}

/** Opens the directory a path leads to, following links; null when there is none. The handle is the caller's. */
export function locateDirectory(root: Root, path: string, object: string): Place | null {
  // "." as the last name: all before it must be directories, and the last of them is the place.
  const trail = openTrail(root);
  try {
    const located = follow(trail, [...splitNodePath(path), "."], object);
    return located.state === "found" ? located.place : null;
  } catch (error) {
    trail.close();
    throw error;
  }
}

interface Pending {
  readonly name: string;
  readonly isFromLink: boolean;
}

function follow(trail: Trail, names: readonly string[], object: string): Located {
  const pending: Pending[] = names.map((name) => ({ name, isFromLink: false }));
  let links = 0;
  let target = "";
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    if (next.name === "..") {
      trail.up(object, target);
      continue;
    }
    const stats = lstatOrNull(trail.child(next.name));
    if (stats === null) return absent(trail, next, pending, links > 0);
    if (stats.isSymbolicLink()) {
      links += 1;
      if (links > maxLinks) throw errnoError("ELOOP", "readlink");
      target = readlinkSync(trail.child(next.name));
      if (target.startsWith("/")) trail.toRoot();
      pending.unshift(...linkNames(target));
    } else if (pending.length === 0) {
      return { state: "found", place: trail.end(next.name, links > 0), stats };
    } else if (!stats.isDirectory()) {
      throw errnoError("ENOTDIR", "open");
    } else {
      trail.down(next.name);
    }
  }
  throw new AppError("store-not-regular", { address: object, type: "directory" });
}

function absent(trail: Trail, missing: Pending, rest: readonly Pending[], isLinked: boolean): Located {
  const last = rest.findIndex((pending) => !pending.isFromLink);
  const ofLink = rest.slice(0, last === -1 ? rest.length : last).map(({ name }) => name);
  const danglingLink = missing.isFromLink
    ? joinNodePath(trail.path(), [missing.name, ...ofLink].join("/"))
    : null;
  if (rest.length === 0) return { state: "absent", place: trail.end(missing.name, isLinked), danglingLink };
  trail.close();
  return { state: "absent", place: null, danglingLink };
}

function linkNames(target: string): readonly Pending[] {
  return target
    .split("/")
    .filter((name) => name !== "" && name !== ".")
    .map((name) => ({ name, isFromLink: true }));
}

export function joinNodePath(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}

function lstatOrNull(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** The handles from the root down to where we are. */
interface Trail {
  path(): string;
  child(name: string): string;
  down(name: string): void;
  /** `target` is what the link says that asked for it. */
  up(object: string, target: string): void;
  toRoot(): void;
  /** Hands the last handle over and closes the others. */
  end(name: string, isLinked: boolean): Place;
  close(): void;
}

function openTrail(root: Root): Trail {
  const steps: { readonly directory: number; readonly name: string }[] = [];
  const here = (): number => steps.at(-1)?.directory ?? root.directory;
  const path = (): string => `/${steps.map((step) => step.name).join("/")}`;
  const close = (): void => {
    for (const step of steps.splice(0)) closeSync(step.directory);
  };
  return {
    path,
    close,
    toRoot: close,
    child: (name) => childPath(here(), name),
    down(name) {
      steps.push({ directory: openDirectory(childPath(here(), name)), name });
    },
    up(object, target) {
      const step = steps.pop();
      if (step) closeSync(step.directory);
      else if (!root.isLive) throw new AppError("store-link-refused", { address: object, target });
    },
    end(name, isLinked) {
      const directoryPath = path();
      const directory = steps.pop()?.directory ?? openDirectory(childPath(root.directory, "."));
      close();
      return { directory, directoryPath, name, isLinked };
    },
  };
}
