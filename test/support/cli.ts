// The command line in tests: in this process with a terminal of our own, or as a real process of the built bundle.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { main } from "../../src/cli/main.ts";
import type { Io } from "../../src/cli/io.ts";

export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CliOptions {
  readonly lang?: "en" | "zh";
  /** ms since the epoch; default is the real time. */
  readonly now?: number;
  /** Default is false with a `now` of the test's own: the files it writes have the times of the real clock. */
  readonly isMachineClock?: boolean;
  /** What the person types when asked; without it nobody can be asked. */
  readonly answer?: string;
  /** What is answered to questions for passwords, in this order. */
  readonly secrets?: readonly string[];
  readonly input?: Uint8Array;
  /** Columns of the terminal; default is none. */
  readonly width?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** The system's code of a stdout that takes nothing. */
  readonly unwritten?: string;
  /** Hears everything that goes to standard output. */
  readonly onOut?: (text: string) => unknown;
  /** What a terminal has, and neither `NO_COLOR` nor `TERM=dumb` leaves. */
  readonly hasColor?: boolean;
}

/** Runs one command line in this process. */
export async function runCli(words: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const out: string[] = [];
  const err: string[] = [];
  const secrets = [...(options.secrets ?? [])];
  const io: Io = {
    environment: options.environment ?? {},
    lang: options.lang ?? "en",
    words,
    out: (text) => {
      if (options.unwritten === undefined) out.push(text);
      options.onOut?.(text);
    },
    err: (text) => void err.push(text),
    unwritten: () => options.unwritten ?? null,
    isInteractive: options.answer !== undefined,
    hasColor: options.hasColor ?? false,
    width: options.width ?? null,
    ask: async (question) => {
      err.push(question);
      return options.answer ?? "";
    },
    askSecret: async () => secrets.shift() ?? "",
    async *input() {
      yield options.input ?? new Uint8Array();
    },
    readInput: async () => options.input ?? new Uint8Array(),
    signal: options.signal ?? new AbortController().signal,
    now: () => options.now ?? Date.now(),
    isMachineClock: options.isMachineClock ?? options.now === undefined,
  };
  const code = await main(words, io);
  return { code, out: out.join(""), err: err.join("") };
}

/** Bundles the command line into a temporary file, once per process. */
export function builtCli(): string {
  const known = bundles.get("cli");
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(tmpdir(), "perennial-cli-"));
  const outfile = join(folder, "perennial.cjs");
  const entry = resolve(import.meta.dirname, "../../src/cli/start.ts");
  buildSync({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    logLevel: "error",
  });
  bundles.set("cli", outfile);
  return outfile;
}

const bundles = new Map<string, string>();

export interface ProcessResult extends CliResult {
  /** The signal that ended it, if one did. */
  readonly signal: NodeJS.Signals | null;
}

/** Runs the bundle as a process of its own. */
export function spawnCli(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<ProcessResult> {
  const child = startCli(words, environment);
  return finished(child);
}

/** Starts the bundle without waiting for it. */
export function startCli(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn(process.execPath, [builtCli(), ...words], {
    env: { PATH: process.env["PATH"] ?? "", LANG: "C", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export async function finished(child: ChildProcess): Promise<ProcessResult> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done) => {
    child.once("close", (exit, by) => done([exit, by]));
  });
  return { code: code ?? -1, signal, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}
