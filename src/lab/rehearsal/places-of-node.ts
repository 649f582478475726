// Where a collected node's files may lie below its root. The text comes from elsewhere: it must not lead a writer out of the tree, nor
// into what the lab and this machine have there.
import { posix } from "node:path";

const ours: ReadonlySet<string> = new Set(
  "bin dev lab lib lib32 lib64 libx32 proc run sbin sys tmp".split(" "),
);
/** Files of the room, and folders that somebody writes into through this machine's file system. */
const alsoOurs = [
  "/etc/ssh",
  "/root/.ssh",
  "/var/log",
  "/var/lib/perennial",
  "/var/run",
  "/usr/bin",
  "/usr/sbin",
];
/** Folders that are too high to be links: what is below them is written from outside. */
const neverLinks: ReadonlySet<string> = new Set([
  "/etc",
  "/etc/systemd",
  "/etc/systemd/system",
  "/home",
  "/root",
  "/usr",
  "/var",
  "/var/lib",
]);

/** The path as it is written, without `.` and `..`; null where nothing of a node's may be. */
export function placeOf(path: string): string | null {
  const place = posix.normalize(`/${path}`);
  const [, first = ""] = place.split("/");
  const isOurs = ours.has(first) || alsoOurs.some((own) => place === own || place.startsWith(`${own}/`));
  return place === "/" || place.includes("\0") || isOurs ? null : place;
}

export interface Link {
  /** Where it is. */
  readonly path: string;
  /** What it says. */
  readonly target: string;
}

export interface LinkedFile {
  readonly path: string;
  /** Free of links; null for a file that no link leads to. */
  readonly real: string | null;
}

/**
 * The links that lead where the files say. Which part of a path is the link was not collected: it is the folder when two files or more
 * below it, and all of them, say the same; else the file.
 */
export function linksOf(files: readonly LinkedFile[]): readonly Link[] {
  const links = new Map<string, string>();
  for (const { path, real } of files) {
    if (real === null || real === path) continue;
    const { at, to } = folderLink(path, real, files) ?? { at: path, to: real };
    if (!neverLinks.has(at)) links.set(at, to);
  }
  return [...links].map(([path, to]) => ({ path, target: spelled(path, to) }));
}

function folderLink(
  path: string,
  real: string,
  files: readonly LinkedFile[],
): { readonly at: string; readonly to: string } | null {
  let [at, to] = [path, real];
  let found: { readonly at: string; readonly to: string } | null = null;
  while (posix.basename(at) === posix.basename(to)) {
    [at, to] = [posix.dirname(at), posix.dirname(to)];
    if (at === "/" || to === "/" || at === to) break;
    const below = files.filter((one) => one.path.startsWith(`${at}/`));
    const agrees = below.every((one) => one.real === to + one.path.slice(at.length));
    if (below.length > 1 && agrees && !neverLinks.has(at)) found = { at, to };
  }
  return found;
}

/** As the kubelet spells the link to its newest certificate where both lie in one folder, absolute elsewhere. */
function spelled(path: string, to: string): string {
  return posix.dirname(path) === posix.dirname(to) ? posix.basename(to) : to;
}
