// Scripts of `plan --script`: run by the shells of old and new hosts, killed where a test says.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "./cli.ts";
import { snapshotTree } from "./tree.ts";

/** dash is Debian's sh, busybox that of small hosts, bash in its POSIX mode CentOS's. */
export const shells = {
  dash: ["/usr/bin/dash"],
  busybox: ["/usr/bin/busybox", "sh"],
  bash: ["/usr/bin/bash", "--posix"],
} as const;

export type ShellName = keyof typeof shells;

export interface ScriptResult {
  readonly code: number | null;
  readonly signal: string | null;
  /** Standard output and standard error as they came. */
  readonly text: string;
}

export interface ScriptOptions {
  /** Default is dash. */
  readonly shell?: ShellName;
  /** PATH; default is this process's. */
  readonly path?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Told all text so far, whenever there is more. */
  readonly onText?: (text: string) => void;
}

/** Resolves when the script has ended and nobody holds its output any more. */
export function runScript(
  script: string,
  words: readonly string[],
  options: ScriptOptions = {},
): Promise<ScriptResult> {
  const [program, ...args] = shells[options.shell ?? "dash"];
  const home = mkdtempSync(join(tmpdir(), "perennial-script-"));
  const file = join(home, "script.sh");
  writeFileSync(file, script);
  const child = spawn(program, [...args, file, ...words], {
    env: { PATH: options.path ?? process.env["PATH"] ?? "", HOME: home, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  const text = (): string => Buffer.concat(chunks).toString();
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      options.onText?.(text());
    });
  return new Promise((done) => {
    child.once("close", (code, signal) => done({ code, signal, text: text() }));
  });
}

/** Dies by SIGKILL when this line is in its log: `done m1/swap/...`, `bounced etcd`. */
export function killedAfter(script: string, line: string): string {
  return withText(
    script,
    `note() { printf '%s\\n' "$*" >>"$W/log"; }`,
    `note() { printf '%s\\n' "$*" >>"$W/log"; [ "$*" != '${line}' ] || kill -KILL $$; }`,
  );
}

/** With other text in a place that there is exactly once: a test that changes nothing would show nothing. */
export function withText(script: string, place: string, text: string): string {
  const [before, after, ...more] = script.split(place);
  if (before === undefined || after === undefined || more.length > 0)
    throw new TypeError(`not once in the script: ${place}`);
  return `${before}${text}${after}`;
}

/** The script's working folder below a root; what is not there when it has not come so far. */
export function workOf(root: string): string {
  const state = join(root, "var/lib/perennial");
  const folder = existsSync(state)
    ? readdirSync(state).find((name) => name.startsWith("by-hand-"))
    : undefined;
  return join(state, folder ?? "none");
}

/** Names of files in the working folder that may hold a key of a new certificate. */
export function keysLeft(root: string): readonly string[] {
  return readdirSync(workOf(root)).filter((name) => /\.key$|\.like$|^new-\d+$|^read$/.test(name));
}

/** What `check` finds below a root from warning up; with names, only of these certificates. */
export async function faultsOf(root: string, names: readonly string[] = []): Promise<readonly string[]> {
  const { out } = await runCli(["check", "--root", root, "-o", "json"]);
  const { findings } = JSON.parse(out) as {
    findings: readonly { severity: string; code: string; slot: string }[];
  };
  return findings
    .filter(({ severity }) => severity !== "info")
    .filter(({ slot }) => names.length === 0 || names.some((name) => slot === `m1/${name}`))
    .map(({ code, slot }) => `${slot} ${code}`);
}

/** The tree with modes, owners and links, without what is in its files. */
export function shapesOf(root: string): Readonly<Record<string, string>> {
  const shapes = Object.entries(snapshotTree(root)).map(([path, text]) => [
    path,
    text.replace(/ [0-9a-f]{64}$/, ""),
  ]);
  return Object.fromEntries(shapes) as Record<string, string>;
}
