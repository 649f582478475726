// The youngest modification among a node's files: a file from the future says that the clock was set back.
import { closeSync, lstatSync, readdirSync } from "node:fs";
import { isAppError } from "../../core/model/errors.ts";
import { childPath, errnoOf, openDirectory } from "../shared/directory-handles.ts";
import { locate, locateDirectory, openRoot } from "../shared/node-walk.ts";

export interface NewestChange {
  readonly path: string;
  /** ms since the epoch. */
  readonly at: number;
}

/** `paths` as seen on the node; absent and unreadable ones have no say. null when none is there. */
export function newestChange(rootPath: string, paths: readonly string[]): NewestChange | null {
  const root = openRoot(rootPath);
  try {
    return paths.reduce<NewestChange | null>((newest, path) => {
      const at = mtimeOf(() => locate(root, path, path));
      return at !== null && (newest === null || at > newest.at) ? { path, at } : newest;
    }, null);
  } finally {
    closeSync(root.directory);
  }
}

function mtimeOf(look: () => ReturnType<typeof locate>): number | null {
  try {
    const located = look();
    if (located.place) closeSync(located.place.directory);
    return located.state === "found" ? located.stats.mtimeMs : null;
  } catch (error) {
    // The checks have said that this object cannot be read.
    if (isAppError(error) || errnoOf(error) !== null) return null;
    throw error;
  }
}

/** Entries looked at below one folder: enough for every log of a node, and an end for a tree that somebody built. */
const mostEntries = 5000;

/**
 * The same of every regular file in a folder and `depth` levels of folders in it. Links inside are not followed; what cannot be
 * looked at has no say.
 */
export function newestBelow(rootPath: string, folder: string, depth: number): NewestChange | null {
  const root = openRoot(rootPath);
  try {
    const place = locateDirectory(root, folder, folder);
    return place === null
      ? null
      : newestIn(place.directory, { folder, depth, budget: { left: mostEntries } });
  } catch (error) {
    if (isAppError(error) || errnoOf(error) !== null) return null;
    throw error;
  } finally {
    closeSync(root.directory);
  }
}

interface Level {
  readonly folder: string;
  readonly depth: number;
  readonly budget: { left: number };
}

/** Closes the directory it is given. */
function newestIn(directory: number, { folder, depth, budget }: Level): NewestChange | null {
  try {
    let newest: NewestChange | null = null;
    for (const name of readdirSync(childPath(directory, "."))) {
      budget.left -= 1;
      if (budget.left < 0) break;
      const found = newestAt(directory, name, { folder, depth, budget });
      if (found !== null && (newest === null || found.at > newest.at)) newest = found;
    }
    return newest;
  } finally {
    closeSync(directory);
  }
}

function newestAt(directory: number, name: string, { folder, depth, budget }: Level): NewestChange | null {
  const path = `${folder}/${name}`;
  try {
    const stats = lstatSync(childPath(directory, name));
    if (stats.isFile()) return { path, at: stats.mtimeMs };
    if (!stats.isDirectory() || depth === 0) return null;
    return newestIn(openDirectory(childPath(directory, name)), { folder: path, depth: depth - 1, budget });
  } catch (error) {
    // Gone meanwhile, or not ours to read.
    if (errnoOf(error) !== null) return null;
    throw error;
  }
}
