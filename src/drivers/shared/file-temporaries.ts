// Staged files after the fact: handed to the holder of a newer lock, given up, or swept when an older one left them.
import { closeSync, readdirSync, renameSync } from "node:fs";
import { posix } from "node:path";
import type { Address } from "../../core/model/address.ts";
import type { Staged } from "../../core/model/run.ts";
import { childPath, syncDirectory } from "./directory-handles.ts";
import { explainReading } from "./explain-reading.ts";
import { failForMissingDirectory, unlinkIfThere, type Replacing } from "./file-replacing.ts";
import { nameOfTemporary, verifyTemporary } from "./file-target.ts";
import type { NodeFiles } from "./node-files.ts";
import { joinNodePath, type Place } from "./node-walk.ts";
import { attempt, tokenOfTemporary, withToken } from "./temporary-file.ts";

/** Renames the temporary to its name under the newer token; an adoption that a crash cut short is found under a token between. */
export function adoptFile(store: Replacing, staged: Staged, token: number): Staged {
  if (staged.unchanged) return staged;
  const directoryPath = posix.dirname(staged.temporary);
  const newName = withToken(nameOfTemporary(staged), token);
  const adopted = { ...staged, temporary: joinNodePath(directoryPath, newName) };
  const directory = explainReading(staged.object, () =>
    store.files.locateDirectory(directoryPath, staged.object),
  );
  if (!directory) return failForMissingDirectory(staged.object);
  try {
    const oldName = earlierName(directory, staged, token);
    if (oldName !== null && oldName !== newName) {
      attempt(staged.object, "adopt-temporary", () =>
        renameSync(childPath(directory.directory, oldName), childPath(directory.directory, newName)),
      );
      attempt(staged.object, "sync-directory", () => syncDirectory(directory.directory, store.sync));
    }
    verifyTemporary(store.files, { object: staged.object, place: directory, content: null }, adopted);
    return adopted;
  } finally {
    closeSync(directory.directory);
  }
}

/** The temporary's name under the highest token that has one, up to `token`; null when there is none. */
function earlierName(place: Place, staged: Staged, token: number): string | null {
  const given = nameOfTemporary(staged);
  const first = tokenOfTemporary(given) ?? token;
  const isSame = (name: string, found: number): boolean =>
    found >= first && found <= token && withToken(name, token) === withToken(given, token);
  const names = explainReading(staged.object, () => readdirSync(childPath(place.directory, ".")));
  const [newest] = names
    .map((name) => ({ name, found: tokenOfTemporary(name) }))
    .filter((candidate) => candidate.found !== null && isSame(candidate.name, candidate.found))
    .sort((a, b) => (b.found ?? 0) - (a.found ?? 0));
  return newest?.name ?? null;
}

/** See WritableStore.discard. */
export function discardFile(store: Replacing, staged: Staged): void {
  if (staged.unchanged) return;
  const name = nameOfTemporary(staged);
  const directory = explainReading(staged.object, () =>
    store.files.locateDirectory(posix.dirname(staged.temporary), staged.object),
  );
  if (!directory) return;
  try {
    unlinkIfThere(directory, name, staged.object);
  } finally {
    closeSync(directory.directory);
  }
}

/** See WritableStore.sweep. */
export function sweepFiles(
  store: Replacing,
  addresses: readonly Address[],
  token: number,
): readonly string[] {
  const swept = new Set<string>();
  for (const address of addresses) {
    const object = store.files.object(address);
    for (const directory of directoriesOf(store.files, address, object)) {
      try {
        for (const path of sweepDirectory(store, directory, token, object)) swept.add(path);
      } finally {
        closeSync(directory.directory);
      }
    }
  }
  return [...swept].sort();
}

/** The directory that is named, and the one that links lead to if it is ours to write: temporaries lie in the latter. */
function directoriesOf(files: NodeFiles, address: Address, object: string): readonly Place[] {
  const named = explainReading(object, () => files.locateDirectory(posix.dirname(address.path), object));
  const located = explainReading(object, () => files.locate(address));
  const places = [named, located.place].filter((place) => place !== null);
  const [ours, others] = [
    places.filter((place) => !files.leavesTree(place)),
    places.filter((place) => files.leavesTree(place)),
  ];
  for (const place of others) closeSync(place.directory);
  return ours;
}

function sweepDirectory(store: Replacing, place: Place, token: number, object: string): readonly string[] {
  const names = explainReading(object, () => readdirSync(childPath(place.directory, ".")));
  const old = names.filter((name) => (tokenOfTemporary(name) ?? token) < token);
  for (const name of old) unlinkIfThere(place, name, object);
  if (old.length > 0) attempt(object, "sync-directory", () => syncDirectory(place.directory, store.sync));
  return old.map((name) => joinNodePath(place.directoryPath, name));
}
