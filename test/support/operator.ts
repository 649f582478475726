// One master in a temporary directory, as an operator finds it after an accident: its pairs, its leftovers, its lock, its keys.
import { X509Certificate, createPrivateKey } from "node:crypto";
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { basename, join } from "node:path";
import { expect } from "vitest";
import type { Failpoint } from "../../src/engine/failpoints.ts";
import type { RunSummary } from "../../src/core/model/run.ts";
import { type CliResult, type ProcessResult, finished, runCli, spawnCli, startCli } from "./cli.ts";
import { fixture, freshFolder } from "./fixtures.ts";
import { snapshotTree } from "./tree.ts";

const pki = "etc/kubernetes/pki";
const state = "var/lib/perennial";

/** Where the halves of each pair lie, and who signed it; a kubeconfig holds both halves. */
const pairs = [
  { name: "apiserver", ca: "ca" },
  { name: "apiserver-kubelet-client", ca: "ca" },
  { name: "apiserver-etcd-client", ca: "etcd/ca" },
  { name: "etcd/server", ca: "etcd/ca" },
  { name: "etcd/peer", ca: "etcd/ca" },
  { name: "etcd/healthcheck-client", ca: "etcd/ca" },
  { name: "front-proxy-client", ca: "front-proxy-ca" },
] as const;

const kubeconfigs = [
  "etc/kubernetes/admin.conf",
  "etc/kubernetes/controller-manager.conf",
  "etc/kubernetes/scheduler.conf",
  "etc/kubernetes/kubelet.conf",
  "root/.kube/config",
] as const;

/** Path of a pair's half below the root. */
export function pkiFile(name: string): string {
  return `${pki}/${name}`;
}

/** A fresh writable copy of an expired master. A file has a time with milliseconds, `var/lib` is there as on every node. */
export function expiredMaster(name = "kubeadm-ha-expired/m1"): string {
  const root = fixture(name);
  mkdirSync(join(root, "var/lib"), { recursive: true });
  utimesSync(join(root, pki, "apiserver.crt"), 1_700_000_000.123, 1_700_000_000.123);
  return root;
}

/** The renewal that most tests are about: one pair of files, one kubeconfig and its copy; ECDSA, to be quick. */
export const renewal = ["renew", "apiserver", "admin.conf", "--yes", "--key-algorithm", "ECDSA-P256"];

/** What that renewal makes valid, as validPairs names it. */
export const pairsOfRenewal = ["apiserver", "etc/kubernetes/admin.conf", "root/.kube/config"];

/** Dead behind the last entry of a run's journal: nothing is left to do. */
export const behindRun = new Set<string>(["run.after-ended", "lock.before-release", "lock.after-release"]);

export interface Master {
  readonly root: string;
  /** wholeTree of before. */
  readonly original: Record<string, string>;
}

const masters = new Map<string, Promise<Master>>();

/** A copy of an expired master on which `happen` was done; it is done once for each `name`. */
export async function masterAfter(name: string, happen: (root: string) => Promise<void>): Promise<Master> {
  const known = masters.get(name) ?? makeMaster(happen);
  masters.set(name, known);
  const { root, original } = await known;
  return { root: copyOf(root), original };
}

async function makeMaster(happen: (root: string) => Promise<void>): Promise<Master> {
  const root = expiredMaster();
  const original = wholeTree(root);
  await happen(root);
  return { root, original };
}

/** An independent copy of a tree in the state it is in, state directory included. */
export function copyOf(root: string): string {
  const copy = join(freshFolder(), "tree");
  execFileSync("cp", ["-a", root, copy]);
  return copy;
}

/** Like snapshotTree, with the time of every file in whole milliseconds: what a rollback restores. */
export function wholeTree(root: string): Record<string, string> {
  const entries = Object.entries(snapshotTree(root)).map(([path, text]) => {
    const stats = lstatSync(join(root, path));
    return [path, stats.isFile() ? `${text} ${Math.floor(stats.mtimeMs)}` : text] as const;
  });
  return Object.fromEntries(entries);
}

interface Half {
  readonly certificate: X509Certificate;
  readonly keyPem: string;
}

function readPair(root: string, name: string): Half {
  return {
    certificate: new X509Certificate(readFileSync(join(root, pki, `${name}.crt`))),
    keyPem: readFileSync(join(root, pki, `${name}.key`), "utf8"),
  };
}

function readKubeconfig(root: string, file: string): Half {
  const text = readFileSync(join(root, file), "utf8");
  const data = (field: string): Buffer =>
    Buffer.from(new RegExp(`${field}: ([A-Za-z0-9+/=]+)`).exec(text)?.[1] ?? "", "base64");
  return {
    certificate: new X509Certificate(data("client-certificate-data")),
    keyPem: data("client-key-data").toString(),
  };
}

function halves(
  root: string,
): readonly { readonly name: string; readonly ca: string; readonly half: Half }[] {
  return [
    ...pairs.map(({ name, ca }) => ({ name, ca, half: readPair(root, name) })),
    ...kubeconfigs.map((file) => ({ name: file, ca: "ca", half: readKubeconfig(root, file) })),
  ];
}

/** Names of pairs whose key is not the certificate's, or that their authority did not sign. */
export function brokenPairs(root: string): readonly string[] {
  const isWhole = ({ ca, half }: { readonly ca: string; readonly half: Half }): boolean => {
    const authority = new X509Certificate(readFileSync(join(root, pki, `${ca}.crt`)));
    return (
      half.certificate.checkPrivateKey(createPrivateKey(half.keyPem)) &&
      half.certificate.verify(authority.publicKey)
    );
  };
  return halves(root)
    .filter((pair) => !isWhole(pair))
    .map(({ name }) => name);
}

/** Names of pairs that are valid at the given time. */
export function validPairs(root: string, at = Date.now()): readonly string[] {
  return halves(root)
    .filter(({ half }) => at < Date.parse(half.certificate.validTo))
    .map(({ name }) => name);
}

/** Everything that should not be left: temporaries beside targets and half-made files in the state directory. */
export function leftovers(root: string): readonly string[] {
  return allFiles(root).filter((path) => /^\.(perennial|new)-/.test(basename(path)));
}

/** Relative paths of all files below the root. */
export function allFiles(root: string): readonly string[] {
  const walk = (folder: string): readonly string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? walk(path) : [path];
    });
  return walk("");
}

/** `held`, `free`, or `none` when it was never taken. */
export function lockState(root: string): string {
  const newest = allFilesIn(join(root, state, "lock"))
    .filter((name) => /^\d+$/.test(name))
    .toSorted()
    .at(-1);
  if (newest === undefined) return "none";
  const record = JSON.parse(readFileSync(join(root, state, "lock", newest), "utf8")) as { state: string };
  return record.state;
}

function allFilesIn(folder: string): readonly string[] {
  return lstatSync(folder, { throwIfNoEntry: false }) ? readdirSync(folder) : [];
}

/** Folders of runs, newest last. */
export function runFolders(root: string): readonly string[] {
  return allFilesIn(join(root, state, "runs"))
    .toSorted()
    .map((name) => join(root, state, "runs", name));
}

/** Runs one command in this process on a tree. */
export function on(root: string, ...words: readonly string[]): Promise<CliResult> {
  return runCli([...words, "--root", root]);
}

/** Runs one command as a process that is killed at a failpoint, `NAME` or `NAME:COUNT`. */
export function killedAt(
  root: string,
  failpoint: string,
  ...words: readonly string[]
): Promise<ProcessResult> {
  return spawnCli([...words, "--root", root], { PERENNIAL_FAILPOINT: failpoint });
}

export async function runsOf(root: string): Promise<readonly RunSummary[]> {
  const { code, out, err } = await on(root, "runs", "list", "-o", "json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as readonly RunSummary[];
}

/** The run that `check` says is unfinished, or null. */
export async function unfinishedBy(root: string): Promise<string | null> {
  const { out } = await on(root, "check", "-o", "json");
  const { findings } = JSON.parse(out) as {
    readonly findings: readonly { readonly code: string; readonly params: { readonly run?: string } }[];
  };
  return findings.find(({ code }) => code === "run-unfinished")?.params.run ?? null;
}

/** The name of `NAME:COUNT`. */
export function pointOf(failpoint: string): Failpoint {
  return failpoint.replace(/:\d+$/, "") as Failpoint;
}

/** Pieces of every private key in a tree, as they would look in text: none may ever be printed or journalled. */
export function keyPieces(root: string): ReadonlySet<string> {
  const pieces = new Set<string>();
  for (const path of allFiles(root)) {
    if (!lstatSync(join(root, path)).isFile()) continue;
    const text = readFileSync(join(root, path), "latin1");
    for (const piece of piecesOf(text)) pieces.add(piece);
  }
  return pieces;
}

function piecesOf(text: string): readonly string[] {
  const pems = [...text.matchAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----\s+([\s\S]+?)-----END/g)].map(
    ([, body = ""]) => body.replaceAll(/\s/g, ""),
  );
  const datas = [...text.matchAll(/client-key-data: ([A-Za-z0-9+/=]+)/g)].map(([, data = ""]) => data);
  const inner = datas.flatMap((data) => piecesOf(Buffer.from(data, "base64").toString("latin1")));
  const ders = pems.map((body) => Buffer.from(body, "base64").toString("hex"));
  // The first bytes of a key say only what kind it is.
  return [
    ...[...pems, ...datas].flatMap((body) => cut(body.slice(40), 24)),
    ...ders.flatMap((hex) => cut(hex.slice(64), 32)),
    ...inner,
  ];
}

function cut(text: string, length: number): readonly string[] {
  return (text.match(new RegExp(`.{${length}}`, "g")) ?? []).slice(0, 40);
}

/** Journals, plans and locks: every text in the state directory that is no before-image. */
export function stateTexts(root: string): string {
  return allFiles(root)
    .filter((path) => path.startsWith(`${state}/`) && !path.includes("/before/"))
    .map((path) => readFileSync(join(root, path), "latin1"))
    .join("\n");
}

/** No text that was printed or journalled holds a private key; `known` are pieces of keys that are gone by now. */
export function expectNoKeys(
  root: string,
  texts: readonly CliResult[],
  known: ReadonlySet<string> = new Set(),
): void {
  const text = [...texts.flatMap(({ out, err }) => [out, err]), stateTexts(root)].join("\n");
  expect(text).not.toContain("PRIVATE KEY");
  const pieces = [...known, ...keyPieces(root)];
  expect(pieces.length).toBeGreaterThan(20);
  expect(pieces.filter((piece) => text.includes(piece))).toEqual([]);
}

/** Files that hold a private key although they are neither a target nor a before-image, and before-images open to others. */
export function misplacedKeys(root: string, original: Readonly<Record<string, string>>): readonly string[] {
  return allFiles(root).filter((path) => {
    if (path in original || !lstatSync(join(root, path)).isFile()) return false;
    const isPrivate = piecesOf(readFileSync(join(root, path), "latin1")).length > 0;
    if (!isPrivate) return false;
    return !path.includes("/before/") || (lstatSync(join(root, path)).mode & 0o077) !== 0;
  });
}

/** Every folder of the state directory is closed to others. */
export function openFolders(root: string): readonly string[] {
  const folders = new Set(
    allFiles(root)
      .filter((path) => path.startsWith(`${state}/`))
      .flatMap((path) => path.split("/").map((_, index, names) => names.slice(0, index).join("/")))
      // Below `before/` folders are like the live ones, for cp -a; the 0700 folders around them keep everybody out.
      .filter((path) => path.startsWith(state) && !path.includes("/before/")),
  );
  return [...folders].filter((path) => (lstatSync(join(root, path)).mode & 0o777) !== 0o700);
}

/** Nothing of a run is left but its folder: no temporary, no held lock, no key elsewhere. */
export function expectTidy(root: string, original: Readonly<Record<string, string>>): void {
  expect(leftovers(root)).toEqual([]);
  expect(lockState(root)).toBe("free");
  expect(misplacedKeys(root, original)).toEqual([]);
  expect(openFolders(root)).toEqual([]);
}

/** Taken back: bytes, modes, owners, links and times of everything are those of before. */
export async function expectRolledBack(
  root: string,
  original: Readonly<Record<string, string>>,
  ...words: readonly string[]
): Promise<CliResult> {
  const result = await on(root, ...(words.length > 0 ? words : ["rollback", "last", "--yes"]));
  expect(result).toMatchObject({ code: 0, err: "" });
  expect(wholeTree(root)).toEqual(original);
  expectTidy(root, original);
  return result;
}

/** A process that waits at a failpoint until `letGo`; its output so far is being collected. */
export interface Held {
  readonly pid: number;
  readonly letGo: () => void;
  readonly signal: (name: NodeJS.Signals) => void;
  readonly ended: Promise<ProcessResult>;
}

/** Starts a command on a tree and resolves once it waits at the failpoint, `NAME` or `NAME:COUNT`. */
export async function heldAt(root: string, failpoint: string, ...words: readonly string[]): Promise<Held> {
  const file = join(freshFolder(), "hold");
  const child = startCli([...words, "--root", root], { PERENNIAL_FAILPOINT: `${failpoint}:hold=${file}` });
  const ended = finished(child);
  let result: ProcessResult | null = null;
  void ended.then((done) => (result = done));
  await until(() => existsSync(file) || result !== null);
  if (result !== null) throw new Error(`it ended before ${failpoint}: ${JSON.stringify(result)}`);
  const { pid = 0 } = child;
  return { pid, letGo: () => rmSync(file), signal: (name) => process.kill(pid, name), ended };
}

/** Waits for another process, looking every few milliseconds. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let looks = 0; looks < 4000; looks++) {
    if (isSo()) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
  throw new Error("what was waited for did not happen within 20 seconds");
}

/** `T` for a process that was stopped, `S` or `R` for one that goes on. */
export function processState(pid: number): string {
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? "";
}
