// New bytes beside the file they will replace: complete, synced, with the attributes they shall have.
// OUTPUTS: `.perennial-RUN-TOKEN-NAME` beside the target.
import { closeSync } from "node:fs";
import type { Address } from "../../core/model/address.ts";
import type { Staged } from "../../core/model/run.ts";
import { sha256Hex } from "../../core/pki/fingerprints.ts";
import type { StageOptions } from "../../engine/ports/store.ts";
import { childPath, openForReading } from "./directory-handles.ts";
import { explainReading } from "./explain-reading.ts";
import { attributesOf } from "./file-content.ts";
import type { Labels } from "./file-labels.ts";
import { failForMissingDirectory, type Replacing } from "./file-replacing.ts";
import { expectLive, withTarget, type Target } from "./file-target.ts";
import { makeMissingFolder } from "./missing-folder.ts";
import { joinNodePath } from "./node-walk.ts";
import { temporaryName, writeTemporary } from "./temporary-file.ts";

/** See WritableStore.stage. */
export async function stageFile(
  store: Replacing,
  address: Address,
  bytes: Uint8Array,
  options: StageOptions,
): Promise<Staged> {
  options.signal?.throwIfAborted();
  if (options.expect === "absent") makeMissingFolder(store, address);
  return withTarget(store.files, address, async (target, object) => {
    expectLive(target, object, options.expect);
    if (!target) return failForMissingDirectory(object);
    const name = temporaryName(options.run, options.token, target.place.name);
    const temporary = joinNodePath(target.place.directoryPath, name);
    const staged = { object, temporary, expect: options.expect, sha256: sha256Hex(bytes) };
    if (isUnchanged(store.labels, target, staged.sha256, options)) return { ...staged, unchanged: true };
    await writeBeside(store, target, bytes, { name, attributes: options.attributes });
    return { ...staged, unchanged: false };
  });
}

async function writeBeside(
  store: Replacing,
  target: Target,
  bytes: Uint8Array,
  options: { readonly name: string; readonly attributes: StageOptions["attributes"] },
): Promise<void> {
  const { mode, uid, gid, mtimeMs, xattrs } = options.attributes;
  const file = {
    path: childPath(target.place.directory, options.name),
    bytes,
    mode,
    uid: uid ?? target.content?.stats.uid ?? null,
    gid: gid ?? target.content?.stats.gid ?? null,
    mtimeMs: mtimeMs ?? null,
    label: (descriptor: number) => giveLabels(store.labels, target, descriptor, xattrs ?? {}),
  };
  await writeTemporary(file, { object: target.object, failpoints: store.failpoints, sync: store.sync });
}

/** Labels asked for, or the live file's. None asked for means that nobody looked: the live ones are kept then too. */
function giveLabels(
  labels: Labels,
  target: Target,
  descriptor: number,
  xattrs: Readonly<Record<string, string>>,
): void {
  if (Object.keys(xattrs).length > 0) labels.write(descriptor, xattrs);
  else withLive(target, (live) => labels.copy(live, descriptor));
}

function withLive<T>(target: Target, action: (file: number) => T): T | null {
  if (!target.content) return null;
  const file = openForReading(childPath(target.place.directory, target.place.name));
  try {
    return action(file);
  } finally {
    closeSync(file);
  }
}

function isUnchanged(labels: Labels, target: Target, sha256: string, options: StageOptions): boolean {
  if (!target.content || target.content.sha256 !== sha256) return false;
  const live = attributesOf(target.content.stats);
  const { mode, uid, gid, mtimeMs, xattrs } = options.attributes;
  const isSame =
    mode === live.mode &&
    (uid ?? live.uid) === live.uid &&
    (gid ?? live.gid) === live.gid &&
    (mtimeMs ?? live.mtimeMs) === live.mtimeMs;
  if (!isSame || xattrs === undefined || Object.keys(xattrs).length === 0) return isSame;
  const found = explainReading(target.object, () => withLive(target, (file) => labels.read(file))) ?? {};
  return Object.entries(xattrs).every(([name, value]) => found[name] === value);
}
