// A Host whose scripts run in a pool of shells: defaults, and how a frame's end is told (contract of Host, 3 to 6).
import type { Duplex } from "node:stream";
import { AppError } from "../../core/model/errors.ts";
import type { Host, ShellOptions, ShellResult, StreamTarget } from "../shared/host.ts";
import type { PoolEnd, ShellPool } from "./shell-pool.ts";

export interface HostRest {
  connect(target: StreamTarget, signal?: AbortSignal): Promise<Duplex>;
  /** What is left when the shells have gone. */
  close(): Promise<void>;
  /** Why the connection was lost, when that is known. */
  lostWords?(): string;
}

const defaultTimeoutMs = 30_000;
const defaultLimitBytes = 16 * 1024 * 1024;

export function hostOfPool(name: string, pool: ShellPool, rest: HostRest): Host {
  let closing: Promise<void> | null = null;
  const streams = new Set<Duplex>();

  function refuseClosed(): void {
    if (closing) throw new AppError("host-lost", { host: name, reason: "it was closed" });
  }

  async function sh(script: string, options: ShellOptions = {}): Promise<ShellResult> {
    refuseClosed();
    const { input = new Uint8Array(), signal } = options;
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    const limitBytes = options.limitBytes ?? defaultLimitBytes;
    const end = await pool.run(script, { input, timeoutMs, limitBytes, signal });
    if (end.kind === "done") return end.result;
    if (end.kind === "aborted" && end.isTerminated) throw signal?.reason;
    throw failure(end, { timeoutMs, limitBytes });
  }

  function failure(
    end: Exclude<PoolEnd, { readonly kind: "done" }>,
    { timeoutMs, limitBytes }: { readonly timeoutMs: number; readonly limitBytes: number },
  ): AppError {
    if (end.kind === "lost") {
      const words = firstLine(rest.lostWords?.() ?? "") || firstLine(end.words);
      return new AppError("host-lost", { host: name, reason: words || "the shell there has ended" });
    }
    if (!end.isTerminated) {
      return new AppError("host-lost", { host: name, reason: "a script there could not be ended" });
    }
    const reason =
      end.kind === "late"
        ? `no answer within ${timeoutMs / 1000} s`
        : `more than ${limitBytes} bytes of output`;
    return new AppError("command-failed", { command: `sh (${name})`, reason });
  }

  async function connect(target: StreamTarget, signal?: AbortSignal): Promise<Duplex> {
    refuseClosed();
    signal?.throwIfAborted();
    const stream = await rest.connect(target, signal);
    streams.add(stream);
    stream.once("close", () => streams.delete(stream));
    return stream;
  }

  async function closeAll(): Promise<void> {
    for (const stream of streams) stream.destroy();
    await pool.close();
    await rest.close();
  }

  return {
    name,
    sh,
    connect,
    close: () => {
      closing ??= closeAll();
      return closing;
    },
  };
}

/** The first line with anything in it, without what a terminal would obey. */
export function firstLine(text: string): string {
  const line = text
    .split(/[\r\n]+/)
    .map((part) => part.replace(/[^\u0020-\u007e]/g, "").trim())
    .find((part) => part !== "");
  return (line ?? "").slice(0, 300);
}
