// Which of the runtimes on a node is the kubelet's: several are often installed, one of them runs the pods.
import { AppError, reasonOf } from "../../core/model/errors.ts";
import type { PodListing, PodRuntime } from "./pod-runtime.ts";

export interface ChosenRuntime {
  readonly runtime: PodRuntime;
  readonly listing: PodListing;
}

export interface RuntimeChoice {
  /**
   * The first runtime that lists what is wanted. When none does: the one chosen before, or the first that lists any pod of
   * kube-system, or the first that answers. Throws `process-unknowable` when none answers.
   */
  choose(
    consumer: string,
    wanted: (listing: PodListing) => boolean,
    signal?: AbortSignal,
  ): Promise<ChosenRuntime>;
}

/** `absent`: what was not tried, and why, for the error. */
export function openRuntimeChoice(
  candidates: readonly PodRuntime[],
  absent: readonly string[] = [],
): RuntimeChoice {
  let preferred: PodRuntime | null = null;

  return {
    async choose(consumer, wanted, signal) {
      const tried: string[] = [...absent];
      const answers: ChosenRuntime[] = [];
      const order = [...candidates].sort((a, b) => Number(b === preferred) - Number(a === preferred));
      for (const runtime of order) {
        const answer = await ask(runtime, tried, signal);
        if (answer === null) continue;
        answers.push(answer);
        if (!wanted(answer.listing)) continue;
        preferred = runtime;
        return answer;
      }
      const chosen =
        answers.find(({ runtime }) => runtime === preferred) ??
        answers.find(({ listing }) => listing.containers.length + listing.sandboxes.length > 0) ??
        answers[0];
      if (!chosen) throw new AppError("process-unknowable", { consumer, tried });
      return chosen;
    },
  };
}

async function ask(
  runtime: PodRuntime,
  tried: string[],
  signal: AbortSignal | undefined,
): Promise<ChosenRuntime | null> {
  try {
    return { runtime, listing: await runtime.list(signal) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    signal?.throwIfAborted();
    tried.push(`${runtime.through}: ${reasonOf(error)}`);
    return null;
  }
}
