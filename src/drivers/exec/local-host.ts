// This machine as a Host: the same loop and frames as on the far side of an SSH connection, in a shell of our own.
// INPUTS: the scripts' own. OUTPUTS: the scripts' own; no process outlives `close`.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { unreachable } from "../shared/grpc-connect.ts";
import type { Host } from "../shared/host.ts";
import { hostOfPool } from "./host-of-pool.ts";
import type { FrameShell } from "./frame-shell.ts";
import { openFrameShell, OpeningFailed } from "./open-frame-shell.ts";
import { shellPool } from "./shell-pool.ts";
import { shellFault } from "./ssh-faults.ts";
import { connected, plainTarget } from "./streams.ts";

export interface LocalHostOptions {
  readonly name: string;
  /** The shell and what stands before `-c`; default `sh`. */
  readonly shell?: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How many scripts run at once; default 2. */
  readonly shells?: number;
}

const openingMs = 10_000;

/** A new word for marks: no script and no noise has it, and it is a name in a shell. */
export function newWord(): string {
  return `p${randomBytes(9).toString("hex")}`;
}

export function localHost(options: LocalHostOptions): Host {
  const { name, shell = ["sh"], env = process.env, shells: size = 2 } = options;
  const groups = new WeakMap<FrameShell, number>();

  async function open(): Promise<FrameShell> {
    let group = 0;
    const start = (code: string) => {
      const [program, ...args] = shell;
      // A group of its own: what a terminal's Ctrl-C ends is not for it to decide, and all of it can be killed.
      const child = spawn(program, [...args, "-c", code], { stdio: "pipe", env, detached: true });
      group = child.pid ?? 0;
      return child;
    };
    try {
      const opened = await openFrameShell({ word: newWord(), start, timeoutMs: openingMs, sudo: null });
      groups.set(opened, group);
      return opened;
    } catch (error) {
      throw error instanceof OpeningFailed ? shellFault(name, error) : error;
    }
  }

  function terminate(hung: FrameShell): Promise<boolean> {
    const group = groups.get(hung) ?? 0;
    return Promise.resolve(group > 1 && killGroup(group));
  }

  const pool = shellPool({ size, open, terminate, isFull: () => false });
  return hostOfPool(name, pool, {
    connect: async (target, signal) => {
      try {
        const socket = connect(target.kind === "unix" ? { path: target.path } : { ...target });
        return await connected(socket, signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw unreachable(plainTarget(target), error);
      }
    },
    close: () => Promise.resolve(),
  });
}

function killGroup(group: number): boolean {
  try {
    process.kill(-group, "SIGKILL");
  } catch (error) {
    // Gone already: that is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
  return true;
}
