// Replacing files of a node behind a shell: staged beside the target, made live by rename, removed again.
import { posix } from "node:path";
import { parseAddress, type Address } from "../../../core/model/address.ts";
import type { Staged } from "../../../core/model/run.ts";
import { sha256Hex } from "../../../core/pki/fingerprints.ts";
import type {
  Attributes,
  CommitAllOptions,
  CommitOptions,
  CommitReport,
  StageOptions,
} from "../../../engine/ports/store.ts";
import { joinNodePath } from "../node-walk.ts";
import { temporaryName, tokenOfTemporary } from "../temporary-file.ts";
import { errorOf } from "./answer-errors.ts";
import type { Question } from "./asking.ts";
import { walkable, type RemoteFiles } from "./remote-files.ts";
import { textOf, type Answer } from "./script-queue.ts";
import { temporaryOf } from "./temporaries.ts";
import { attributeWords, parseLabels, parseTraits } from "./traits.ts";

/** Asked again when a link led to another name, and when the same bytes shall get other attributes: once each, and once to spare. */
const mostTries = 3;

/** See WritableStore.stage. */
export async function stageRemote(
  files: RemoteFiles,
  address: Address,
  bytes: Uint8Array,
  options: StageOptions,
): Promise<Staged> {
  const object = files.object(address);
  options.signal?.throwIfAborted();
  const staging: Staging = { files, address, object, bytes, sha256: sha256Hex(bytes), options };
  let base = posix.basename(address.path);
  let isAgain = false;
  for (let attempt = 0; attempt < mostTries; attempt++) {
    const [kind, ...fields] = await askToStage(staging, base, isAgain);
    const folder = textOf(fields[0]);
    if (kind === "staged") return stagedOf(staging, { folder, base, unchanged: false });
    if (kind === "same" && isUnchanged(options.attributes, fields))
      return stagedOf(staging, { folder, base, unchanged: true });
    if (kind === "same") isAgain = true;
    else base = folder;
    options.signal?.throwIfAborted();
  }
  throw errorOf(["failed", Buffer.from("create"), Buffer.from("again")], { object });
}

interface Staging {
  readonly files: RemoteFiles;
  readonly address: Address;
  readonly object: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly options: StageOptions;
}

function askToStage(staging: Staging, base: string, isAgain: boolean): Promise<Answer> {
  const { files, address, object, bytes, sha256, options } = staging;
  return files.ask({
    object,
    call: "stage",
    values: {
      path: walkable(address.path),
      base,
      temporary: temporaryName(options.run, options.token, base),
      expect: options.expect,
      sha: sha256,
      again: isAgain ? 1 : 0,
      labelled: Object.keys(options.attributes.xattrs ?? {}).length > 0 ? 1 : 0,
      ...attributeWords(options.attributes),
    },
    input: bytes,
    results: ["staged", "same", "named"],
    expected: options.expect,
    sha256,
  });
}

function stagedOf(
  { object, sha256, options }: Staging,
  found: { readonly folder: string; readonly base: string; readonly unchanged: boolean },
): Staged {
  const name = temporaryName(options.run, options.token, found.base);
  const temporary = joinNodePath(found.folder === "" ? "/" : found.folder, name);
  return { object, temporary, expect: options.expect, sha256, unchanged: found.unchanged };
}

/** The same bytes are live; `fields` are the folder, the traits and the labels of what has them. */
function isUnchanged(
  { mode, uid, gid, mtimeMs, xattrs = {} }: Partial<Attributes> & { readonly mode: number },
  fields: readonly Uint8Array[],
): boolean {
  const live = parseTraits(textOf(fields[1]));
  const labels = parseLabels(textOf(fields[2]));
  return (
    mode === live.mode &&
    (uid ?? live.uid) === live.uid &&
    (gid ?? live.gid) === live.gid &&
    (mtimeMs ?? live.mtimeMs) === live.mtimeMs &&
    Object.entries(xattrs).every(([name, value]) => labels[name] === value)
  );
}

/** See WritableStore.commit. Everything is looked at in the script that renames, behind the fence. */
export async function commitRemote(
  files: RemoteFiles,
  staged: Staged,
  { signal, fence }: CommitOptions,
): Promise<"written" | "unchanged"> {
  const question = commitQuestion(files, staged);
  signal?.throwIfAborted();
  if (!staged.unchanged) await fence();
  signal?.throwIfAborted();
  const [kind] = await files.ask(question);
  return kind === "written" ? "written" : "unchanged";
}

/** See WritableStore.commitAll. One script: it ends at the first that fails, and looks at the lock before each rename. */
export async function commitAllRemote(
  files: RemoteFiles,
  groups: readonly (readonly Staged[])[],
  { signal, fence }: CommitAllOptions,
): Promise<CommitReport> {
  const all = groups.flat();
  const [first] = all;
  if (!first) return { committed: [], failure: null };
  const questions = all.map((staged) => commitQuestion(files, staged));
  try {
    signal?.throwIfAborted();
    await fence(parseAddress(first.object).node);
    signal?.throwIfAborted();
  } catch (error) {
    return { committed: [], failure: { error } };
  }
  const { answers, failure } = await files.askChain(questions);
  return { committed: all.slice(0, answers.length), failure };
}

function commitQuestion(files: RemoteFiles, staged: Staged): Question {
  const address = parseAddress(staged.object);
  const object = files.object(address);
  const { folder, name } = temporaryOf(staged);
  const token = tokenOfTemporary(name);
  const claim = files.lock === null || token === null ? null : { lock: files.lock, token };
  return {
    object,
    call: "commit",
    values: {
      path: walkable(address.path),
      folder: folder === "/" ? "" : folder,
      temporary: name,
      expect: staged.expect,
      sha: staged.sha256,
      unchanged: staged.unchanged ? 1 : 0,
      lock: claim?.lock ?? "",
      token: claim?.token ?? 0,
    },
    results: ["written", "unchanged"],
    expected: staged.expect,
    ...(claim && { claim }),
  };
}

/** See WritableStore.remove. */
export async function removeRemote(
  files: RemoteFiles,
  address: Address,
  { signal, fence, expect }: { readonly expect: string } & CommitOptions,
): Promise<void> {
  const object = files.object(address);
  signal?.throwIfAborted();
  await fence();
  signal?.throwIfAborted();
  const values = { path: walkable(address.path), expect };
  await files.ask({ object, call: "remove", values, results: ["removed"], expected: expect });
}
