// What the file store's tests stand on: a node's tree in a temporary folder, mounts, a bundled child process.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buildSync } from "esbuild";

export function makeTree(): string {
  const root = mkdtempSync(join(tmpdir(), "perennial-files-"));
  chmodSync(root, 0o755);
  mkdirSync(join(root, "etc/kubernetes/pki"), { recursive: true });
  return root;
}

/** Every entry below a folder: type or content, mode, owner; the whole changed tree in one comparable value. */
export function treeOf(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    entries.map((name) => {
      const path = join(folder, name);
      const stats = lstatSync(path);
      const what = stats.isSymbolicLink()
        ? `-> ${readlinkSync(path)}`
        : stats.isFile()
          ? readFileSync(path, "utf8")
          : "";
      return [name, `${stats.mode.toString(8)} ${stats.uid}:${stats.gid} ${what}`];
    }),
  );
}

/** Names that start like our temporary files, anywhere below. */
export function leftOvers(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.includes(".perennial-"),
  );
}

export interface Permitted {
  readonly ok: boolean;
  readonly reason: string;
}

/** Tries a command that needs privileges once, undoes it, and says why it cannot be used. */
export function canMount(): Permitted {
  const folder = mkdtempSync(join(tmpdir(), "perennial-mount-"));
  try {
    const result = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], {
      encoding: "utf8",
    });
    if (result.status === 0) unmount(folder);
    return { ok: result.status === 0, reason: `mount: ${result.stderr ?? result.error?.message}` };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function canMakeImmutable(): Permitted {
  const folder = mkdtempSync(join(tmpdir(), "perennial-chattr-"));
  try {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const result = spawnSync("chattr", ["+i", file], { encoding: "utf8" });
    if (result.status === 0) execFileSync("chattr", ["-i", file]);
    return { ok: result.status === 0, reason: `chattr: ${result.stderr ?? result.error?.message}` };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function mount(...args: readonly string[]): void {
  execFileSync("mount", args);
}

export function unmount(path: string): void {
  execFileSync("umount", [path]);
}

export interface Child {
  readonly file: string;
  run(args: readonly string[], options?: { readonly failpoint?: string; readonly uid?: number }): ChildEnd;
  close(): void;
}

export interface ChildEnd {
  readonly signal: string | null;
  readonly answer: unknown;
  readonly stderr: string;
}

/** Bundles a TypeScript program (Node 20 cannot run one) and starts it. */
export function bundleChild(source: string): Child {
  const folder = mkdtempSync(join(tmpdir(), "perennial-child-"));
  chmodSync(folder, 0o755);
  const file = join(folder, "child.mjs");
  buildSync({
    entryPoints: [source],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
  });
  return {
    file,
    run(args, options = {}) {
      const env = { PATH: process.env["PATH"], PERENNIAL_FAILPOINT: options.failpoint };
      const uid = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
      const end = spawnSync(process.execPath, [file, ...args], {
        encoding: "utf8",
        env,
        timeout: 180_000,
        ...uid,
      });
      const answer = end.stdout === "" ? undefined : (JSON.parse(end.stdout) as unknown);
      return { signal: end.signal, answer, stderr: end.stderr };
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

const readerProgram = `
  const { readFileSync } = require("node:fs");
  const seen = new Map();
  let isOver = false;
  process.stdin.on("data", () => { isOver = true; });
  console.log("ready");
  function read() {
    const bytes = readFileSync(process.argv[1]);
    seen.set(bytes.toString("base64"), true);
    if (!isOver) setImmediate(read);
    else { console.log(JSON.stringify([...seen.keys()])); process.stdin.destroy(); }
  }
  read();
`;

/** Reads a file in a loop in a process of its own; `stop` gives every distinct content it saw. */
export async function startFileReader(path: string): Promise<{ stop(): Promise<readonly Uint8Array[]> }> {
  const reader = spawn(process.execPath, ["-e", readerProgram, path], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: reader.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    async stop() {
      reader.stdin.write("stop");
      const line = await lines.next();
      const seen: readonly string[] = JSON.parse(String(line.value));
      return seen.map((base64) => new Uint8Array(Buffer.from(base64, "base64")));
    },
  };
}
