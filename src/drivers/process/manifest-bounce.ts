// Starts the script that takes a manifest out and in, and waits for what it says. The script lives on without us.
// INPUTS: the manifest, the script's status file. OUTPUTS: script and status in the work folder, the holding folder.
import { spawn } from "node:child_process";
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import { waitUntil } from "./consumer-driver.ts";
import { manifestBounceScript } from "./manifest-bounce-script.ts";
import type { PodRuntime } from "./pod-runtime.ts";
import { findProgram, plainEnvironment } from "./run-command.ts";

export interface BounceOptions {
  readonly consumer: string;
  readonly manifest: string;
  /** Absolute path of the folder for script and status; 0700, created. */
  readonly workFolder: string;
  readonly container: string;
  readonly pod: string;
  readonly runtime: PodRuntime;
  /** How the pod's processes are known in /proc where no command line can be asked (ScriptValues). */
  readonly marks: readonly string[];
  /** The kubelet's fileCheckFrequency (default 20 s) and a margin. */
  readonly patienceSeconds: number;
  readonly graceSeconds: number;
  readonly timeoutSeconds: number;
  readonly pollMs: number;
  /** The shell; default /bin/sh. */
  readonly shell?: readonly string[];
  /** Finds command lines by name; default findProgram. */
  readonly find?: (name: string) => string | null;
  readonly signal?: AbortSignal;
}

export interface HeldManifest {
  readonly manifest: string;
  readonly held: string;
  readonly status: string;
}

const holdingFolder = ".perennial-held";

/**
 * Outside the manifests folder when that is on one file system with its parent; else a dot-named folder inside, which the
 * kubelet does not look at (pkg/kubelet/config/file.go globs `[^.]*` and does not recurse).
 */
function heldPath(manifest: string): string {
  const folder = dirname(manifest);
  const beside = dirname(folder);
  const isOneDevice = statSync(folder).dev === statSync(beside).dev;
  return join(isOneDevice ? beside : folder, holdingFolder, basename(manifest));
}

export function heldManifest({
  consumer,
  manifest,
  workFolder,
}: Pick<BounceOptions, "consumer" | "manifest" | "workFolder">): HeldManifest {
  return { manifest, held: heldPath(manifest), status: join(workFolder, `bounce-${consumer}.status`) };
}

/** Where the script has come to: its own words, and whether it still runs. null when there never was one. */
function readStatus(path: string): { readonly word: string; readonly isAlive: boolean } | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const [word = "", pid = ""] = text.trim().split(" ");
  return { word, isAlive: isScript(Number(pid), path) };
}

/** A pid may be another process's by now: ours has the script's path among its words. */
function isScript(pid: number, status: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(scriptOf(status));
  } catch {
    return false;
  }
}

/** One that has said its last word touches nothing more, though its process may take a moment to end. */
function isAtWork(status: string): boolean {
  const said = readStatus(status);
  return said?.isAlive === true && !isLast(said.word);
}

function scriptOf(status: string): string {
  return status.replace(/\.status$/, ".sh");
}

/**
 * Puts a manifest back that a killed script left in its holding place; true when it did. A script still at work is left to it.
 * Throws `process-not-revived` when another manifest stands in its place.
 */
export function restoreManifest(consumer: string, { manifest, held, status }: HeldManifest): boolean {
  if (!exists(held) || isAtWork(status)) return false;
  if (!exists(manifest)) return moveBack(held, manifest);
  if (readFileSync(held).equals(readFileSync(manifest))) {
    rmSync(held);
    return true;
  }
  throw new AppError("process-not-revived", {
    consumer,
    through: "manifest",
    reason: `${manifest} exists, and differs from what was taken away, which is kept at ${held}`,
  });
}

/** The script's guard may have been quicker. */
function moveBack(held: string, manifest: string): boolean {
  try {
    renameSync(held, manifest);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Takes the manifest out, waits, puts it back; one that is on its way already is waited for instead. */
export async function bounceManifest(options: BounceOptions): Promise<void> {
  const { consumer, manifest, runtime, signal } = options;
  signal?.throwIfAborted();
  const fail = (reason: string): never => {
    throw new AppError("process-not-revived", { consumer, through: runtime.through, reason });
  };
  if (!exists(dirname(manifest))) fail(`${dirname(manifest)} does not exist`);
  const target = heldManifest(options);
  let isOver = (): boolean => readStatus(target.status)?.isAlive !== true;
  if (isOver()) {
    restoreManifest(consumer, target);
    if (!exists(manifest)) fail(`${manifest} does not exist`);
    isOver = launch(options, target);
  }
  let word = "";
  // The script has its own limit and ends before; the margin is for a slow machine.
  await waitUntil(
    () => {
      // In this order: a script that is over says no more.
      const over = isOver();
      word = readStatus(target.status)?.word ?? "";
      return Promise.resolve(isLast(word) || over);
    },
    { seconds: options.timeoutSeconds + 15, pollMs: options.pollMs, signal },
  );
  if (!isLast(word)) word = await lastWordOfGuard(options, target, word);
  if (!isLast(word)) restoreManifest(consumer, target);
  const reason = explain(word, target);
  if (reason !== null) fail(reason);
}

const lastWords: ReadonlySet<string> = new Set(["done", "stuck", "back", "failed", "conflict"]);

function isLast(word: string): boolean {
  return lastWords.has(word);
}

function explain(word: string, { manifest, held, status }: HeldManifest): string | null {
  switch (word) {
    case "done":
      return null;
    case "stuck":
      return `its containers did not go away, or nobody could say; ${manifest} is back`;
    case "back":
      return `the time was over; ${manifest} is back`;
    case "failed":
      return `${manifest} could not be moved to ${held}`;
    case "conflict":
      return `${manifest} was put there by somebody else meanwhile; the one taken away is kept at ${held}`;
    default:
      return `the script ended at "${word}" (${status})`;
  }
}

/** The guard outlives a script that was killed: it looks once a second, puts the manifest back and says so. */
async function lastWordOfGuard(
  { pollMs, signal }: BounceOptions,
  { status }: HeldManifest,
  before: string,
): Promise<string> {
  let word = before;
  await waitUntil(
    () => {
      word = readStatus(status)?.word ?? "";
      return Promise.resolve(isLast(word));
    },
    { seconds: 3, pollMs, signal },
  );
  return word;
}

/** Whether the script has ended is what the result tells. */
function launch(options: BounceOptions, { manifest, held, status }: HeldManifest): () => boolean {
  const [program, ...args] = options.shell ?? ["/bin/sh"];
  if (program === undefined) throw new TypeError("no shell is named");
  const script = scriptOf(status);
  mkdirSync(options.workFolder, { recursive: true, mode: 0o700 });
  mkdirSync(dirname(held), { recursive: true, mode: 0o700 });
  rmSync(status, { force: true });
  const text = manifestBounceScript({
    manifest,
    held,
    status,
    ...commandLineOf(options.runtime, options.find ?? findProgram),
    container: options.container,
    pod: options.pod,
    marks: options.marks.join(" "),
    patience: options.patienceSeconds,
    grace: options.graceSeconds,
    limit: options.timeoutSeconds,
  });
  writeFileSync(script, text, { mode: 0o700 });
  const child = spawn(program, [...args, script], {
    detached: true,
    stdio: "ignore",
    cwd: "/",
    env: plainEnvironment(),
  });
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  child.on("error", end);
  child.on("exit", end);
  child.unref();
  return () => isOver;
}

/** The script cannot speak gRPC: for the CRI it takes whichever command line there is, and only looks at its processes without any. */
function commandLineOf(
  runtime: PodRuntime,
  find: (name: string) => string | null,
): { readonly runtime: string; readonly program: string; readonly socket: string } {
  const { name, socket } = runtime;
  const names = name === "cri" ? ["crictl", ...(/containerd/.test(socket) ? ["ctr"] : [])] : [name];
  for (const candidate of names) {
    const program = find(candidate);
    if (program !== null) return { runtime: candidate, program, socket };
  }
  return { runtime: "proc", program: "", socket: "" };
}

export { commandLineOf, explain as explainBounce, isLast as isLastWord };
