// A line that nobody may see: from the terminal without echo, else the next line of standard input.
import { readSync } from "node:fs";
import type { ReadStream } from "node:tty";
import { AppError } from "../core/model/errors.ts";

const limitBytes = 4096;

/** A byte at a time: what stands behind the line is somebody else's. @throws AppError `input-unreadable` at the end of input */
export function nextLine(): string {
  const bytes: number[] = [];
  const byte = Buffer.alloc(1);
  for (;;) {
    const isRead = readByte(byte);
    if (!isRead && bytes.length === 0) throw new AppError("no-password", {});
    if (!isRead || byte[0] === lineFeed) break;
    bytes.push(byte[0] ?? 0);
    if (bytes.length > limitBytes)
      throw new AppError("input-unreadable", { path: "-", reason: "the line is too long for a password" });
  }
  byte.fill(0);
  return Buffer.from(bytes).toString("utf8").replace(/\r$/, "");
}

const lineFeed = 10;
const waitMs = 20;

/** A pipe that somebody made non-blocking says EAGAIN until there is something. */
function readByte(byte: Buffer): boolean {
  for (;;) {
    try {
      return readSync(0, byte, 0, 1, null) === 1;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      if (code === "EOF") return false;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
    }
  }
}

const keys = { interrupt: "\u0003", end: "\u0004", erase: ["\u007f", "\b"] } as const;

/** Ctrl-C ends the command as it would anywhere. @throws AppError `interrupted` */
export async function askWithoutEcho(
  terminal: ReadStream,
  question: string,
  say: (text: string) => void,
): Promise<string> {
  say(question);
  terminal.setRawMode(true);
  terminal.resume();
  try {
    return await typedLine(terminal);
  } finally {
    terminal.setRawMode(false);
    terminal.pause();
    say("\n");
  }
}

function typedLine(terminal: ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let line: readonly string[] = [];
    const stop = (): void => void terminal.off("data", onData);
    const onData = (data: Buffer): void => {
      for (const key of data.toString("utf8")) {
        if (key === "\r" || key === "\n" || key === keys.end) {
          stop();
          resolve(line.join(""));
          return;
        }
        if (key === keys.interrupt) {
          stop();
          reject(new AppError("interrupted", { signal: "SIGINT" }));
          return;
        }
        line = keys.erase.some((erase) => erase === key) ? line.slice(0, -1) : [...line, key];
      }
    };
    terminal.on("data", onData);
  });
}
