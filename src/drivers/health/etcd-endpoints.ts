// The endpoints of one etcd member: asked in order until one answers.
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, isAppError } from "../../core/model/errors.ts";
import type { EtcdTarget } from "../../engine/ports/live.ts";
import type { GrpcTarget } from "../shared/grpc.ts";
import { type Etcd, type EtcdOptions, openEtcd } from "./etcd.ts";

type Ask<T> = (etcd: Etcd) => Promise<T>;

/** An endpoint that has said nothing for so long does not hold up the next one. */
const silenceMs = 500;

/** The first that answers, else the first one's error. */
export function firstAnswer<T>(target: EtcdTarget, options: EtcdOptions, ask: Ask<T>): Promise<T> {
  return askInTurn(target, options, { ask, patienceMs: null });
}

/**
 * As {@link firstAnswer}, for questions that change nothing: the next endpoint is asked while the one before is still silent. A member
 * without a quorum takes connections on all of them and never says a word: their deadlines pass side by side.
 */
export function firstToAnswer<T>(target: EtcdTarget, options: EtcdOptions, ask: Ask<T>): Promise<T> {
  return askInTurn(target, options, { ask, patienceMs: silenceMs });
}

interface Asking<T> {
  readonly ask: Ask<T>;
  /** null: an endpoint has its turn only once those before have failed. */
  readonly patienceMs: number | null;
}

/** What the member itself refuses is its answer, and an abort is meant for all: no other endpoint is waited for. */
type Answer<T> = { readonly value: T } | { readonly refusal: unknown };

async function askInTurn<T>(
  target: EtcdTarget,
  options: EtcdOptions,
  { ask, patienceMs }: Asking<T>,
): Promise<T> {
  const opened = targetsOf(target).map((grpc) => openEtcd(grpc, options));
  const over = new AbortController();
  const attempts: Promise<Answer<T>>[] = [];
  for (const [index, etcd] of opened.entries()) {
    const before = Promise.allSettled(attempts);
    const patience =
      patienceMs === null ? [] : [sleep(index * patienceMs, undefined, { signal: over.signal })];
    attempts.push(Promise.race([before, ...patience]).then(() => answerOf(etcd, ask)));
  }
  try {
    return await firstOf(attempts);
  } finally {
    over.abort();
    for (const etcd of opened) etcd.close();
  }
}

async function firstOf<T>(attempts: readonly Promise<Answer<T>>[]): Promise<T> {
  const answer = await Promise.any(attempts).catch((error: AggregateError) => {
    throw error.errors[0] ?? noEndpoint();
  });
  if ("refusal" in answer) throw answer.refusal;
  return answer.value;
}

async function answerOf<T>(etcd: Etcd, ask: Ask<T>): Promise<Answer<T>> {
  try {
    return { value: await ask(etcd) };
  } catch (error) {
    if (isAppError(error, "endpoint-unreachable")) throw error;
    return { refusal: error };
  }
}

function noEndpoint(): AppError {
  return new AppError("endpoint-unreachable", {
    endpoint: "",
    reason: "refused",
    detail: "no endpoint is known",
  });
}

function targetsOf({ endpoints, identity, serverKeys }: EtcdTarget): readonly GrpcTarget[] {
  return endpoints.map(({ host, port }) => ({
    kind: "tls",
    host,
    port,
    pinnedSpkiSha256: serverKeys,
    ...(identity ? { certificatePem: identity.certificatePem, keyPem: identity.keyPem } : {}),
  }));
}
