// Sections of collected facts -> what they say of the node: files, folders, logs, served certificates.
import { AppError } from "../model/errors.ts";
import { type CollectedSection, parseCollectedText } from "./collected-text.ts";

export type CollectedFile =
  | {
      readonly state: "found";
      readonly path: string;
      /** Public halves stand for keys; what is neither certificate nor configuration is left out. */
      readonly bytes: Uint8Array;
      /** Of the file on the node. */
      readonly size: number;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      readonly mtimeMs: number;
      readonly link: string | null;
      /** False for a kubeconfig in JSON, of which nothing is collected but its attributes. */
      readonly hasContent: boolean;
    }
  | { readonly state: "absent"; readonly path: string; readonly danglingLink: string | null }
  | { readonly state: "unreadable"; readonly path: string; readonly reason: string }
  | { readonly state: "irregular"; readonly path: string; readonly type: string }
  | { readonly state: "large"; readonly path: string; readonly size: number };

export type CollectedFolder =
  | { readonly state: "found"; readonly names: readonly string[] }
  | { readonly state: "absent" }
  | { readonly state: "unreadable"; readonly reason: string };

export interface Collected {
  /** What the node's own clock said, ms since the epoch. */
  readonly at: number;
  /** null when a directory stood for the node. */
  readonly hostName: string | null;
  readonly files: ReadonlyMap<string, CollectedFile>;
  readonly folders: ReadonlyMap<string, CollectedFolder>;
  readonly logs: readonly CollectedLog[];
  /** PEM of the chain by `127.0.0.1:6443`. */
  readonly served: ReadonlyMap<string, Uint8Array>;
}

export interface CollectedLog {
  readonly component: string;
  readonly source: string;
  readonly text: string;
}

/** Throws `facts-damaged`; `path` is where the text came from. */
export function parseCollected(text: Uint8Array, path: string): Collected {
  const files = new Map<string, CollectedFile>();
  const folders = new Map<string, CollectedFolder>();
  const logs: CollectedLog[] = [];
  const served = new Map<string, Uint8Array>();
  let node: Fields = new Map();
  for (const section of parseCollectedText(text, path)) {
    const { fields, content } = partsOf(section);
    const of = fields.get("path");
    const kind = fields.get("kind");
    if (of === undefined || kind === undefined) throw notUnderstood(section, path);
    if (kind === "node") node = fieldsOf(Buffer.from(content).toString("utf8"));
    if (kind === "file") files.set(of, fileOf(of, fields, content));
    if (kind === "folder") folders.set(of, folderOf(fields, content));
    if (kind === "served") served.set(of, content);
    if (kind === "log") {
      const lines = Buffer.from(content).toString("utf8");
      logs.push({ component: fields.get("component") ?? "", source: of, text: lines });
    }
  }
  const at = Number(node.get("epoch") ?? 0) * 1000;
  return { at, hostName: node.get("hostname") ?? null, files, folders, logs, served };
}

type Fields = ReadonlyMap<string, string>;

function fieldsOf(text: string): Fields {
  return new Map(
    text.split("\n").flatMap((line) => {
      const at = line.indexOf(" ");
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}

/** Fields, an empty line, the content. */
function partsOf({ bytes }: CollectedSection): { readonly fields: Fields; readonly content: Uint8Array } {
  const buffer = Buffer.from(bytes);
  const end = buffer.indexOf("\n\n");
  const head = buffer.subarray(0, end < 0 ? buffer.length : end).toString("utf8");
  return { fields: fieldsOf(head), content: end < 0 ? Buffer.alloc(0) : buffer.subarray(end + 2) };
}

function fileOf(path: string, fields: Fields, content: Uint8Array): CollectedFile {
  const [mode = "0", uid = "0", gid = "0", size = "0", mtime = "0"] = (fields.get("attributes") ?? "").split(
    " ",
  );
  const why = fields.get("why") ?? "";
  const link = fields.get("link") ?? null;
  switch (fields.get("state") ?? "") {
    case "found":
      return {
        state: "found",
        path,
        bytes: contentOf(content, Number(size)),
        size: Number(size),
        mode: Number.parseInt(mode, 8),
        uid: Number(uid),
        gid: Number(gid),
        mtimeMs: Number(mtime) * 1000,
        link,
        hasContent: fields.get("form") !== "json",
      };
    case "absent":
      return { state: "absent", path, danglingLink: null };
    case "dangling":
      return { state: "absent", path, danglingLink: link };
    case "irregular":
      return { state: "irregular", path, type: why };
    case "large":
      return { state: "large", path, size: Number(size) };
    default:
      return { state: "unreadable", path, reason: why };
  }
}

/** A file of which nothing may leave the node is not an empty file. */
function contentOf(content: Uint8Array, size: number): Uint8Array {
  return content.length === 0 && size > 0 ? Buffer.from(`${size} bytes left out\n`) : content;
}

function folderOf(fields: Fields, content: Uint8Array): CollectedFolder {
  switch (fields.get("state") ?? "") {
    case "found": {
      const names = Buffer.from(content).toString("utf8").split("\n");
      return { state: "found", names: names.filter((name) => name !== "").sort() };
    }
    case "unreadable":
      return { state: "unreadable", reason: fields.get("why") ?? "" };
    default:
      return { state: "absent" };
  }
}

function notUnderstood({ number, title }: CollectedSection, path: string): AppError<"facts-damaged"> {
  return new AppError("facts-damaged", {
    path,
    damages: [{ section: number, title, fault: "not-understood" }],
  });
}
