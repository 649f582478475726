// The real terminal behind Io.
import { setMaxListeners } from "node:events";
import { fstatSync, writeSync } from "node:fs";
import type { Language } from "../report/language.ts";
import type { Io } from "./io.ts";

/** Getters, so that a command pays only for what it uses: touching process.stdin or process.stdout loads node's terminal and network code. */
export function terminal(lang: Language, words: readonly string[]): Io {
  const { env } = process;
  const mayBeTerminal = isCharacterDevice(1);
  let controller: AbortController | null = null;
  let unwritten: string | null = null;
  return {
    environment: env,
    lang,
    words,
    out(text) {
      unwritten ??= writeAll(1, text);
    },
    // When stderr takes nothing there is no place left to say so.
    err: (text) => void writeAll(2, text),
    unwritten: () => unwritten,
    get isInteractive() {
      return process.stdin.isTTY && process.stderr.isTTY;
    },
    hasColor: wantsColor(env, mayBeTerminal),
    width: mayBeTerminal && process.stdout.isTTY ? process.stdout.columns : null,
    ask,
    askSecret,
    readInput,
    input() {
      controller ??= abortOnSignals();
      return inputUntil(controller.signal);
    },
    get signal() {
      controller ??= abortOnSignals();
      return controller.signal;
    },
    now: () => Date.now(),
    isMachineClock: true,
  };
}

function abortOnSignals(): AbortController {
  const controller = new AbortController();
  // Every listener that is looked at, and every process asked, listens to the one signal at the same time.
  setMaxListeners(0, controller.signal);
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => controller.abort(name));
  return controller;
}

/** False for pipes, files and /dev/null (major 1, "mem"), found out without loading anything. */
function isCharacterDevice(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor);
    return stats.isCharacterDevice() && stats.rdev >> 8 !== 1;
  } catch {
    return false;
  }
}

/** https://no-color.org; FORCE_COLOR wins over a pipe, TERM=dumb has none. */
function wantsColor(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (env["NO_COLOR"]) return false;
  if (env["FORCE_COLOR"] && env["FORCE_COLOR"] !== "0") return true;
  return isTerminal && env["TERM"] !== "dumb";
}

/**
 * Synchronous, so that nothing is lost when the process exits; a reader that went away (`| head`) is no error of ours. Otherwise the system's
 * code when not all of it could be written (a full disk), else null.
 */
function writeAll(descriptor: number, text: string): string | null {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      if (code === "EPIPE") return null;
      if (code !== "EAGAIN") return typeof code === "string" ? code : "unknown";
    }
  }
  return null;
}

async function ask(question: string): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

async function askSecret(question: string): Promise<string> {
  const { askWithoutEcho, nextLine } = await import("./secret-input.ts");
  if (!process.stdin.isTTY || !process.stderr.isTTY) return nextLine();
  return askWithoutEcho(process.stdin, question, (text) => void writeAll(2, text));
}

async function readInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}

/** A terminal or pipe without an end is left when the person wants to go. */
async function* inputUntil(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { stdin } = process;
  const stop = (): void => void stdin.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of stdin) yield Buffer.from(chunk as Uint8Array);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
