// Gives each script a shell of its own for as long as it runs; some run at once, the others wait in the order they came.
import type { FrameEnd, FrameOptions, FrameShell } from "./frame-shell.ts";

export interface PoolOptions {
  /** At most so many shells at once. */
  readonly size: number;
  /** Whatever it throws, its caller gets. Never called twice at once. */
  readonly open: () => Promise<FrameShell>;
  /** True for a failure that only says that there cannot be one more shell; the pool is smaller from then on. */
  readonly isFull: (error: unknown) => boolean;
  /** Ends what runs in a shell over there, and the shell; true when that is certain. */
  readonly terminate: (shell: FrameShell) => Promise<boolean>;
}

export type PoolEnd = FrameEnd & { readonly isTerminated?: boolean };

export interface ShellPool {
  run(script: string, options: FrameOptions): Promise<PoolEnd>;
  /** Ends every shell; those that run a script lose it. */
  close(): Promise<void>;
}

const graceMs = 1000;

export function shellPool({ size, open, isFull, terminate }: PoolOptions): ShellPool {
  const idle: FrameShell[] = [];
  const all = new Set<FrameShell>();
  const waiting: (() => void)[] = [];
  let free = size;
  let opening: Promise<unknown> = Promise.resolve();

  async function permit(): Promise<void> {
    if (free > 0) {
      free -= 1;
      return;
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function giveBack(): void {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }

  function forget(shell: FrameShell): void {
    all.delete(shell);
    shell.drop();
  }

  function findIdle(): FrameShell | null {
    for (let shell = idle.pop(); shell; shell = idle.pop()) {
      if (shell.isAlive()) return shell;
      forget(shell);
    }
    return null;
  }

  async function openOne(): Promise<FrameShell> {
    const opened = opening.then(() => findIdle() ?? open());
    opening = opened.catch(() => undefined);
    const shell = await opened;
    all.add(shell);
    return shell;
  }

  /** A shell, with the permit to use it. */
  async function take(): Promise<FrameShell> {
    await permit();
    try {
      return findIdle() ?? (await openOne());
    } catch (error) {
      // The permit is not given back: there is no shell for it.
      if (all.size > 0 && isFull(error)) return take();
      giveBack();
      throw error;
    }
  }

  async function run(script: string, options: FrameOptions): Promise<PoolEnd> {
    options.signal?.throwIfAborted();
    const shell = await take();
    try {
      options.signal?.throwIfAborted();
      const end = await shell.run(script, options);
      if (end.kind === "done") return end;
      const isTerminated = end.kind === "lost" ? false : await terminate(shell);
      forget(shell);
      return { ...end, isTerminated };
    } finally {
      if (all.has(shell)) idle.push(shell);
      giveBack();
    }
  }

  async function close(): Promise<void> {
    await opening;
    const shells = [...all];
    await Promise.all(shells.map(async (shell) => shell.end(graceMs)));
    for (const shell of shells) forget(shell);
    idle.length = 0;
  }

  return { run, close };
}
