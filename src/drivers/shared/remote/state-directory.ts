// The state directory of a node behind a shell: lock, journals, before-images. INPUTS and OUTPUTS: everything below one 0700
// directory of the host.
import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import { AppError } from "../../../core/model/errors.ts";
import type { StateFault } from "../../../core/model/errors-runs.ts";
import { sha256Hex } from "../../../core/pki/fingerprints.ts";
import type { StateDirectory } from "../../../engine/ports/state.ts";
import type { Host } from "../host.ts";
import { refuseLeadingOut, unfinished } from "../state-entries.ts";
import { errorOf, trimmed, unsafeReason } from "./answer-errors.ts";
import { errnoOfText } from "./errno.ts";
import { foldersAbove } from "./file-script.ts";
import { assign, quote } from "./quote.ts";
import { callsAtOnce, openScriptQueue, textOf, type Answer, type ScriptQueue } from "./script-queue.ts";
import { shellBase } from "./shell-base.ts";
import { shellState } from "./shell-state.ts";
import { attributeWords } from "./traits.ts";

export interface RemoteStateDirectoryOptions {
  readonly host: Host;
  /** Absolute, as the host sees it. */
  readonly path: string;
}

/** As the local one. */
const limitBytes = 256 * 1024 * 1024;

interface State {
  readonly path: string;
  readonly queue: ScriptQueue;
}

interface Wanted {
  readonly call: string;
  readonly file: string;
  readonly values?: Readonly<Record<string, string | number>>;
  readonly input?: Uint8Array;
  readonly answerBytes?: number;
  /** Shell text before the call: functions that it uses. */
  readonly before?: string;
  readonly results: readonly string[];
}

/**
 * Opens `path`; nothing is asked before the first use, and the first write makes it. Every use checks it anew and rejects with `state-unsafe`:
 * the directory or its parent is a link, it belongs to another, others may write to it or to a folder above it.
 */
export function openRemoteStateDirectory({ host, path }: RemoteStateDirectoryOptions): StateDirectory {
  if (!path.startsWith("/")) throw new TypeError(`not an absolute path: ${path}`);
  const normal = posix.normalize(path).replace(/(?<=.)\/$/, "");
  const state: State = { path: normal, queue: openScriptQueue(host, preludeOf(normal)) };
  return {
    path: normal,
    read: (file) => read(state, file),
    list: (folder) => list(state, folder),
    remove: async (file) => {
      if (file === "") throw new TypeError("the state directory itself is not removed");
      await ask(state, { call: "state_remove", file, results: ["done", "missing"] });
    },
    create: (file, bytes) => create(state, file, bytes),
    append: async (file, bytes) => {
      await ask(state, { call: "state_append", file, input: bytes, results: ["done"] });
    },
    rename: async (from, to) => {
      refuseLeadingOut(from);
      const values = { from, from_parent: posix.dirname(from) };
      await ask(state, { call: "state_rename", file: to, values, results: ["done"] });
    },
    replace: (file, bytes) => keep(state, { file, bytes, attributes: { mode: 0o600 } }),
    keep: (file, bytes, attributes) => keep(state, { file, bytes, attributes }),
    together: callsAtOnce,
  };
}

function preludeOf(path: string): string {
  const above = foldersAbove(posix.dirname(path));
  const made = above.slice(1).map((folder) => `above ${quote(posix.dirname(folder))} ${quote(folder)}`);
  return [
    `${assign({ STATE: path, UP: posix.dirname(path) })}\n`,
    `make_above() {\n${['refuse_link "$UP"', ...made].join("\n")}\n}\n`,
    `safe_above() { safe_folders ${above.map(quote).join(" ")}; }\n`,
    shellBase,
    shellState,
  ].join("");
}

async function ask(state: State, wanted: Wanted): Promise<Answer> {
  const { call, file, values = {}, input, answerBytes, before = "", results } = wanted;
  refuseLeadingOut(file);
  const parent = posix.dirname(file);
  const makeInner = `make_inner() {\n:\n${innerFolders(parent)}}\n`;
  const words = assign({ file: file === "" ? "." : file, parent, ...values });
  const answer = await state.queue.ask({
    text: `${makeInner}${before}${words}\n${call}`,
    ...(input && { input }),
    ...(answerBytes !== undefined && { answerBytes }),
  });
  if (results.includes(answer[0])) return answer;
  throw stateError(state, wanted, answer);
}

function innerFolders(parent: string): string {
  const folders = parent === "." ? [] : foldersAbove(`/${parent}`).slice(1);
  return folders
    .map((folder) => `inner ${quote(posix.dirname(folder).slice(1) || ".")} ${quote(folder.slice(1))}\n`)
    .join("");
}

function stateError(state: State, wanted: Wanted, [kind, ...fields]: Answer): AppError {
  const [one = "", two = ""] = fields.map(textOf);
  const refusal = (path: string, reason: string, fault: StateFault = "unsafe"): AppError =>
    new AppError("state-unsafe", { path, fault, reason });
  if (kind === "state-unsafe") return refusal(one, two);
  if (kind === "state-owned") return refusal(one, `owned by uid ${two}`, two === "0" ? "of-root" : "unsafe");
  if (kind === "state-open") return refusal(one, `mode ${two.padStart(4, "0")}`);
  if (kind === "state-unreadable") return refusal(state.path, errnoOfText(one), "not-opened");
  if (kind === "unsafe") return refusal(trimmed(one), unsafeReason(two));
  const object = kind === "failed" && one === "chmod" ? state.path : posix.join(state.path, wanted.file);
  const sha256 = wanted.input && sha256Hex(wanted.input);
  return errorOf([kind, ...fields], { object, ...(sha256 !== undefined && { sha256 }) });
}

async function read(state: State, file: string): Promise<Uint8Array | null> {
  const [kind, content, ended] = await ask(state, {
    call: "state_read",
    file,
    values: { limit: limitBytes },
    answerBytes: Math.ceil(limitBytes * 1.4),
    results: ["bytes", "missing"],
  });
  if (kind === "missing") return null;
  if (textOf(ended).trim() === "0") return new Uint8Array(Buffer.from(textOf(content), "base64"));
  throw errorOf(["unreadable", Buffer.from("Input/output error")], { object: posix.join(state.path, file) });
}

async function list(state: State, folder: string): Promise<readonly string[]> {
  const answerBytes = 4 * 1024 * 1024;
  const results = ["names", "missing"];
  const [kind, ...names] = await ask(state, { call: "state_list", file: folder, answerBytes, results });
  return kind === "missing" ? [] : names.map(textOf).sort();
}

/** The whole content appears with the name, or not at all. */
async function create(state: State, file: string, bytes: Uint8Array): Promise<boolean> {
  const [kind] = await ask(state, {
    call: "state_create",
    file,
    values: {
      temporary: posix.join(posix.dirname(file), `${unfinished}${randomBytes(8).toString("hex")}`),
      sha: sha256Hex(bytes),
      like: "",
      ...attributeWords({ mode: 0o600 }),
    },
    input: bytes,
    results: ["created", "exists"],
  });
  return kind === "created";
}

type Attributes = Parameters<StateDirectory["keep"]>[2];

interface Kept {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly attributes: Partial<Attributes> & Pick<Attributes, "mode">;
}

/** One writer per run's folder, by the lock: the unfinished name is fixed, and a key left in it is overwritten by the next try. */
async function keep(state: State, { file, bytes, attributes }: Kept): Promise<void> {
  const name = `${unfinished}${posix.basename(file)}`.slice(0, 200);
  await ask(state, {
    call: "state_keep",
    file,
    before: likening(file, attributes.folders ?? []),
    values: {
      temporary: posix.join(posix.dirname(file), name),
      sha: sha256Hex(bytes),
      like: "",
      ...attributeWords(attributes),
    },
    input: bytes,
    results: ["done"],
  });
}

/** The innermost folders of a kept file get the mode and owner of the live ones, innermost first: an outer one may lock us out. */
function likening(file: string, folders: NonNullable<Kept["attributes"]["folders"]>): string {
  let folder = posix.dirname(file);
  const lines = folders.toReversed().map(({ mode, uid, gid }) => {
    const line = `liken ${quote(folder)} ${mode.toString(8)} ${uid} ${gid}\n`;
    folder = posix.dirname(folder);
    return line;
  });
  return `liken_folders() {\n:\n${lines.join("")}}\n`;
}
