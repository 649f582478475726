// Staged files of a node behind a shell, after the fact: handed to a newer lock, given up, or swept.
import { posix } from "node:path";
import type { Address } from "../../../core/model/address.ts";
import type { Staged } from "../../../core/model/run.ts";
import { nameOfTemporary } from "../file-target.ts";
import { joinNodePath } from "../node-walk.ts";
import { runOfTemporary, tokenOfTemporary, withToken } from "../temporary-file.ts";
import { walkable, type RemoteFiles } from "./remote-files.ts";
import { textOf } from "./script-queue.ts";

/** Folder and name of a staged file; throws `value-invalid` for a name that this store cannot have made. */
export function temporaryOf(staged: Staged): { readonly folder: string; readonly name: string } {
  return { folder: posix.dirname(staged.temporary), name: nameOfTemporary(staged) };
}

/** See WritableStore.adopt. */
export async function adoptRemote(files: RemoteFiles, staged: Staged, token: number): Promise<Staged> {
  if (staged.unchanged) return staged;
  const { folder, name } = temporaryOf(staged);
  const newName = withToken(name, token);
  const first = tokenOfTemporary(name) ?? token;
  const prefix = `.perennial-${runOfTemporary(name) ?? ""}-`;
  await files.ask({
    object: staged.object,
    call: "adopt",
    values: {
      folder: walkable(folder),
      prefix,
      suffix: name.slice(prefix.length + String(first).length),
      first,
      token,
      sha: staged.sha256,
    },
    results: ["adopted"],
  });
  return { ...staged, temporary: joinNodePath(folder, newName) };
}

/** See WritableStore.discard. */
export async function discardRemote(files: RemoteFiles, staged: Staged): Promise<void> {
  if (staged.unchanged) return;
  const { folder, name } = temporaryOf(staged);
  const values = { folder: walkable(folder), temporary: name };
  await files.ask({ object: staged.object, call: "discard", values, results: ["discarded"] });
}

/** See WritableStore.sweep. Two scripts: what lies there, and the removal of what is old. */
export async function sweepRemote(
  files: RemoteFiles,
  addresses: readonly Address[],
  token: number,
): Promise<readonly string[]> {
  const found = await Promise.all(addresses.map((address) => temporariesBeside(files, address)));
  const old = new Map<string, { readonly object: string; readonly names: readonly string[] }>();
  for (const { object, folder, names } of found.flat()) {
    const older = names.filter((name) => (tokenOfTemporary(name) ?? token) < token);
    if (older.length > 0) old.set(folder, { object, names: older });
  }
  await Promise.all(
    [...old].map(([folder, { object, names }]) =>
      files.ask({
        object,
        call: "sweep",
        args: names,
        values: { folder: walkable(folder) },
        results: ["swept"],
      }),
    ),
  );
  return [...old].flatMap(([folder, { names }]) => names.map((name) => joinNodePath(folder, name))).sort();
}

interface Beside {
  readonly object: string;
  readonly folder: string;
  readonly names: readonly string[];
}

/** In the folder that is named, and in the one that links lead to. */
async function temporariesBeside(files: RemoteFiles, address: Address): Promise<readonly Beside[]> {
  const object = files.object(address);
  const named = `${walkable(posix.dirname(address.path))}/.`.replace(/^\//, "");
  const answers = await Promise.all(
    [named, walkable(address.path)].map((path) =>
      files.ask({
        object,
        call: "temporaries",
        values: { path },
        results: ["temporaries", "none"],
        answerBytes: 1024 * 1024,
      }),
    ),
  );
  return answers.flatMap(([kind, folder, ...names]) =>
    kind === "none" ? [] : [{ object, folder: textOf(folder) || "/", names: names.map(textOf) }],
  );
}
