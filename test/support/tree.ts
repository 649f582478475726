// A directory tree as data: everything a rollback must restore, for comparing whole trees.
import { createHash } from "node:crypto";
import { lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Path -> type, mode, owner, link target and content hash. Folders named in `except` (relative paths) are left out. */
export function snapshotTree(
  root: string,
  except: readonly string[] = ["var/lib/perennial"],
): Record<string, string> {
  const entries: Record<string, string> = {};
  const walk = (relative: string): void => {
    for (const name of readdirSync(join(root, relative)).sort()) {
      const path = relative === "" ? name : `${relative}/${name}`;
      if (except.includes(path)) continue;
      entries[path] = describe(join(root, path));
      if (lstatSync(join(root, path)).isDirectory()) walk(path);
    }
  };
  walk("");
  return entries;
}

function describe(path: string): string {
  const stats = lstatSync(path);
  const owner = `${(stats.mode & 0o7777).toString(8)} ${stats.uid}:${stats.gid}`;
  if (stats.isSymbolicLink()) return `link ${readlinkSync(path)}`;
  if (stats.isDirectory()) return `directory ${owner}`;
  if (!stats.isFile()) return `special ${owner}`;
  return `file ${owner} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`;
}
