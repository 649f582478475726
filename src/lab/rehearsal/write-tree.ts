// A collected node's files below a folder: contents with throw-away keys, modes, owners, times. Links come last, by `writeLinks`: until
// then nothing that is written can go through one.
// OUTPUTS: files below the folder
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, posix } from "node:path";
import type { CollectedFile } from "../../core/policy/collected.ts";
import { blocksOf, publicKeyOf } from "./pem-pieces.ts";
import type { MadeUp, MadeUpWhat } from "../../core/model/made-up.ts";
import { type Link, linksOf, placeOf } from "./places-of-node.ts";
import type { CollectedHost } from "./read-facts.ts";
import { type Materials, substitute } from "./substitute.ts";

type Found = Extract<CollectedFile, { readonly state: "found" }>;

export interface TreeReport {
  readonly madeUp: readonly MadeUp[];
  /** To be written when everything else is. */
  readonly links: readonly Link[];
}

/** `root` is made; nothing of the node's may be in it. */
export function writeTree(root: string, host: CollectedHost, materials: Materials): TreeReport {
  const { collected, name: node } = host;
  const madeUp: MadeUp[] = [];
  const say = (path: string, what: MadeUpWhat): void => void madeUp.push({ node, path, what });
  mkdirSync(root, { recursive: true });
  const files = [...collected.files.values()].flatMap((file) => {
    const isPlaced = placeOf(file.path) !== null && placeOf(linkOf(file) ?? file.path) !== null;
    if (!isPlaced && file.state !== "absent") say(file.path, "left-out");
    return isPlaced ? [file] : [];
  });
  for (const file of files) {
    if (file.state === "found") writeFound(root, file, { host, materials, say });
    else writeOdd(root, file, say);
  }
  writeFolders(root, host, say);
  const linked = files.map((file) => ({ path: placeOf(file.path) ?? "", real: linkOf(file) }));
  return { madeUp, links: linksOf(linked) };
}

/** Where links on the way lead, or would lead. */
function linkOf(file: CollectedFile): string | null {
  if (file.state === "found") return file.link;
  return file.state === "absent" ? file.danglingLink : null;
}

interface Writing {
  readonly host: CollectedHost;
  readonly materials: Materials;
  readonly say: (path: string, what: MadeUpWhat) => void;
}

function writeFound(root: string, file: Found, { host, materials, say }: Writing): void {
  const at = join(root, placeOf(file.link ?? file.path) ?? "");
  // Two paths that lead to one file are one file.
  if (lstatSync(at, { throwIfNoEntry: false })) return;
  const content = file.hasContent ? file.bytes : emptyKubeconfig;
  const bytes = substitute(content, materials, besides(file.path, host));
  mkdirSync(dirname(at), { recursive: true });
  writeFileSync(at, bytes, { mode: 0o600, flag: "wx" });
  dress(at, file);
  for (const what of whatIsMadeUp(file, materials)) say(file.path, what);
}

/** Of a kubeconfig in JSON nothing is collected. */
const emptyKubeconfig = Buffer.from(
  '{"apiVersion":"v1","kind":"Config","clusters":[],"contexts":[],"users":[]}\n',
);

function dress(at: string, { mode, uid, gid, mtimeMs }: Found): void {
  if (process.getuid?.() === 0) lchownSync(at, uid, gid);
  // No file of a text from elsewhere becomes a program of somebody else's.
  chmodSync(at, mode & 0o777);
  utimesSync(at, mtimeMs / 1000, mtimeMs / 1000);
}

function whatIsMadeUp({ bytes, size, hasContent }: Found, { keys }: Materials): readonly MadeUpWhat[] {
  const blocks = blocksOf(bytes);
  const labels = new Set(blocks.map(({ label }) => label));
  const isFaulty = ["ENCRYPTED", "TRUNCATED", "BROKEN"].some((word) => labels.has(`PERENNIAL ${word} KEY`));
  const isKept = blocks.map(publicKeyOf).some((spki) => spki !== null && keys.of(spki) === null);
  const isLeftOut = !hasContent || Buffer.from(bytes).equals(Buffer.from(`${size} bytes left out\n`));
  return [
    ...(labels.has("PERENNIAL PUBLIC HALF") ? (["key"] as const) : []),
    ...(labels.has("PERENNIAL UNREAD KEY") ? (["key-unread"] as const) : []),
    ...(isFaulty ? (["key-faulty"] as const) : []),
    ...(isKept ? (["kept"] as const) : []),
    ...(isLeftOut ? (["content"] as const) : []),
  ];
}

/** `NAME.crt` or `NAME.pem` beside `NAME.key`. */
function besides(path: string, { collected }: CollectedHost): Uint8Array | null {
  const stem = path.replace(/\.key$/, "");
  const neighbours = [".crt", ".pem", ".cert"].map((ending) => collected.files.get(`${stem}${ending}`));
  const keys = neighbours.flatMap((file) =>
    file?.state === "found" ? blocksOf(file.bytes).map(publicKeyOf) : [],
  );
  return keys.find((spki) => spki !== null) ?? null;
}

/** What is there and is no file with a content. */
function writeOdd(
  root: string,
  file: Exclude<CollectedFile, Found>,
  say: (path: string, what: MadeUpWhat) => void,
): void {
  const at = join(root, placeOf(file.path) ?? "");
  switch (file.state) {
    case "absent":
      return;
    case "irregular":
      mkdirSync(file.type === "directory" ? at : dirname(at), { recursive: true });
      if (file.type !== "directory") spawnSync("mkfifo", [at]);
      return;
    case "large":
      mkdirSync(dirname(at), { recursive: true });
      writeSparse(at, file.size);
      say(file.path, "content");
      return;
    case "unreadable":
      say(file.path, "unread");
  }
}

function writeSparse(at: string, size: number): void {
  const file = openSync(at, "wx", 0o600);
  try {
    ftruncateSync(file, size);
  } finally {
    closeSync(file);
  }
}

/** Of names that came without a file it is not known what they are: a name without an ending becomes a folder. */
function writeFolders(
  root: string,
  { collected }: CollectedHost,
  say: (path: string, what: MadeUpWhat) => void,
): void {
  for (const [folder, found] of collected.folders) {
    const place = placeOf(folder);
    if (found.state !== "found" || place === null || isBehindLink(folder, collected)) continue;
    mkdirSync(join(root, place), { recursive: true });
    for (const name of found.names) {
      const path = posix.join(folder, name);
      const at = placeOf(path);
      if (at === null || collected.files.has(path) || lstatSync(join(root, at), { throwIfNoEntry: false }))
        continue;
      say(path, "name");
      if (/\.[a-z]+$|_state$/.test(name)) writeFileSync(join(root, at), "", { mode: 0o600, flag: "wx" });
      else mkdirSync(join(root, at), { recursive: true });
    }
  }
}

/** Its files lie elsewhere, and a link will stand here. */
function isBehindLink(folder: string, { files }: CollectedHost["collected"]): boolean {
  const below = [...files.values()].filter(({ path }) => posix.dirname(path) === folder);
  const found = below.filter(({ state }) => state === "found");
  return found.length > 1 && found.every((file) => linkOf(file) !== null && linkOf(file) !== file.path);
}

/** A link whose place is taken is not written. */
export function writeLinks(root: string, links: readonly Link[]): void {
  for (const { path, target } of links) {
    const at = join(root, path);
    if (lstatSync(at, { throwIfNoEntry: false })) continue;
    mkdirSync(dirname(at), { recursive: true });
    symlinkSync(target, at);
  }
}
