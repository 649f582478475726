// Ends a call to a server that takes too long: all of it, or each wait for something to come.

export interface CallTimer {
  /** Aborted, with the failure as its reason, when time is up. */
  readonly signal: AbortSignal;
  /** Passes chunks on. The reader's own pauses are not the server's. */
  watch<T>(chunks: AsyncIterator<T>): AsyncGenerator<T>;
  stop(): void;
}

export interface CallTimes {
  /** For the whole call; null: only the waits count. */
  readonly deadlineMs: number | null;
  readonly idleMs: number;
}

/** Runs from now on. `failure` makes the reason once time is up. */
export function startCallTimer({ deadlineMs, idleMs }: CallTimes, failure: () => Error): CallTimer {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  const stop = () => {
    if (timer) clearTimeout(timer);
  };
  const start = (ms: number) => {
    stop();
    // Beyond 2^31 - 1 ms Node's timers fire at once.
    timer = setTimeout(() => abort.abort(failure()), Math.min(ms, 2 ** 31 - 1));
  };
  async function* watch<T>(chunks: AsyncIterator<T>): AsyncGenerator<T> {
    for (;;) {
      if (deadlineMs === null) start(idleMs);
      const next = await chunks.next();
      if (deadlineMs === null) stop();
      if (next.done) return;
      yield next.value;
    }
  }
  start(deadlineMs ?? idleMs);
  return { signal: abort.signal, watch, stop };
}
