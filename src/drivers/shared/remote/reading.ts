// Reading files of a node behind a shell, and listing its folders.
import type { Address } from "../../../core/model/address.ts";
import { AppError, isAppError } from "../../../core/model/errors.ts";
import { textOfName } from "../../../core/model/foreign-bytes.ts";
import { sha256Hex } from "../../../core/pki/fingerprints.ts";
import type { Observation, ReadOptions } from "../../../engine/ports/store.ts";
import { errorOf } from "./answer-errors.ts";
import { walkable, type RemoteFiles } from "./remote-files.ts";
import { textOf } from "./script-queue.ts";
import { parseFolders, parseLabels, parseTraits } from "./traits.ts";

const defaultLimitBytes = 1024 * 1024;

/** Beside the content: paths, labels, folders. */
const restBytes = 256 * 1024;

/** See Store.read. */
export async function readRemote(
  files: RemoteFiles,
  address: Address,
  { signal, limitBytes = defaultLimitBytes, labels = false }: ReadOptions = {},
): Promise<Observation> {
  const object = files.object(address);
  signal?.throwIfAborted();
  const [kind, ...fields] = await files.ask({
    object,
    call: "read_file",
    values: { path: walkable(address.path), limit: limitBytes, labelled: labels ? 1 : 0 },
    limitBytes,
    answerBytes: Math.ceil(limitBytes * 1.4) + restBytes,
    results: ["present", "absent"],
  });
  signal?.throwIfAborted();
  if (kind === "absent") return { state: "absent", address, danglingLink: nodePathOf(textOf(fields[0])) };
  const [path = "", linked, traits = "", found = "", folders = "", content = "", ended] = fields.map(textOf);
  const bytes = contentOf({ content, ended }, { object, limitBytes });
  const { mode, uid, gid, mtimeMs } = parseTraits(traits);
  const isLinked = linked === "1";
  return {
    state: "present",
    address,
    bytes,
    sha256: sha256Hex(bytes),
    attributes: { mode, uid, gid, mtimeMs, xattrs: labels ? parseLabels(found) : {} },
    ...(labels && { folders: parseFolders(folders) }),
    link: isLinked ? path : null,
    linkLeavesTree: isLinked && !files.trees.some((tree) => path.startsWith(tree)),
  };
}

/** `ended` is how reading ended: part of a file is never taken for the whole. */
function contentOf(
  { content, ended }: { readonly content: string; readonly ended: string | undefined },
  { object, limitBytes }: { readonly object: string; readonly limitBytes: number },
): Uint8Array {
  if (ended?.trim() !== "0") throw errorOf(["unreadable", Buffer.from("Input/output error")], { object });
  const bytes = new Uint8Array(Buffer.from(content, "base64"));
  if (bytes.length <= limitBytes) return bytes;
  throw new AppError("store-too-large", { address: object, bytes: bytes.length, limitBytes });
}

/** What a dangling link leads to, without what `.` and doubled slashes add; null for none. */
function nodePathOf(path: string): string | null {
  if (path === "") return null;
  return `/${path
    .split("/")
    .filter((name) => name !== "" && name !== ".")
    .join("/")}`;
}

/** See ListingStore.list. */
export async function listRemote(files: RemoteFiles, directory: Address): Promise<readonly string[] | null> {
  const object = files.object(directory);
  const path = `${walkable(directory.path)}/.`.replace(/^\//, "");
  const question = { object, call: "list_folder", values: { path }, results: ["names", "absent"] };
  try {
    const [kind, ...names] = await files.ask({ ...question, answerBytes: 4 * 1024 * 1024 });
    return kind === "absent" ? null : names.map(textOfName).sort();
  } catch (error) {
    if (isAppError(error, "store-unreadable") && error.params.reason === "ENOTDIR") return null;
    throw error;
  }
}
