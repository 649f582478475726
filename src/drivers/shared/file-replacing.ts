// What every step of replacing a file works with, and what several of them do.
import { unlinkSync } from "node:fs";
import { AppError } from "../../core/model/errors.ts";
import type { Failpoints } from "../../engine/ports/world.ts";
import { childPath, errnoOf } from "./directory-handles.ts";
import type { Labels } from "./file-labels.ts";
import type { NodeFiles } from "./node-files.ts";
import type { Place } from "./node-walk.ts";
import { attempt } from "./temporary-file.ts";

export interface Replacing {
  readonly files: NodeFiles;
  readonly labels: Labels;
  readonly failpoints: Failpoints | undefined;
  readonly sync: (file: number) => void;
}

/** This store makes files, and no directories but that of withMissingFolder. */
export function failForMissingDirectory(object: string): never {
  throw new AppError("store-write-failed", { address: object, operation: "open-directory", cause: "ENOENT" });
}

export function unlinkIfThere(place: Place, name: string, object: string): void {
  attempt(object, "unlink-temporary", () => {
    try {
      unlinkSync(childPath(place.directory, name));
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  });
}
