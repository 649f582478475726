// Takes the lock for one piece of work and gives it back.
import type { RunEvent } from "./events.ts";
import { acquireLocks } from "./cluster-lock.ts";
import type { Lock, LockRequest } from "./lock.ts";
import type { EnginePorts } from "./ports/engine-ports.ts";
import { asAppError } from "./run-result.ts";

/** A lock that cannot be given back does not spoil the work: whoever comes later finds its holder dead. The audience is told. */
export async function withLock<T>(
  ports: EnginePorts,
  request: LockRequest & { readonly tell: (event: RunEvent) => void },
  work: (lock: Lock) => Promise<T>,
): Promise<T> {
  const lock = await acquireLocks(ports, ports.locks ?? [{ node: null, state: ports.state }], request);
  try {
    return await work(lock);
  } finally {
    await lock
      .release()
      .catch((error: unknown) => request.tell({ type: "lock-not-released", code: asAppError(error).code }));
  }
}
