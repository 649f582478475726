// The youngest modification among a node's files: a file from the future says that the clock was set back.
import { closeSync } from "node:fs";
import { isAppError } from "../../core/model/errors.ts";
import { errnoOf } from "../shared/directory-handles.ts";
import { locate, openRoot } from "../shared/node-walk.ts";

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
