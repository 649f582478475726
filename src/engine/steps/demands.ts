// Whether the running node is as it has to be: every listener presents the right certificate, every process is well.
import type { HealthCheck } from "../../core/model/live.ts";
import type { EtcdAccess, ServedDemand } from "../../core/model/live-step.ts";
import { withEtcd } from "../etcd-target.ts";
import type { Live } from "../ports/live.ts";
import { type RunContext, viewOf } from "../run-context.ts";

/** One thing that is not as it has to be, for people. */
export interface Shortfall {
  readonly what: "served" | "health";
  /** Id of the endpoint, or name of the consumer */
  readonly where: string;
  readonly reason: string;
}

/** null when the endpoint presents what is demanded, and that is valid now. */
export async function servedShortfall(
  context: RunContext,
  live: Live,
  demand: ServedDemand,
): Promise<Shortfall | null> {
  const served = await live.probes.served(demand.endpoint, context.signal);
  const fall = (reason: string): Shortfall => ({ what: "served", where: demand.id, reason });
  if (served.state === "unreachable") return fall(served.reason);
  const issued = demand.slot === null ? undefined : viewOf(context).issued.get(demand.slot);
  const expected = issued?.certificateSha256 ?? demand.sha256;
  if (expected !== null && served.certificateSha256 !== expected)
    return fall(
      `serial ${served.serialHex} is served, serial ${issued?.serialHex ?? "of the file"} is expected`,
    );
  if (served.notAfter <= context.ports.clock.now())
    return fall(`the certificate served expired at ${new Date(served.notAfter).toISOString()}`);
  return null;
}

/** null when the process says that it is well. */
export async function healthShortfall(
  context: RunContext,
  live: Live,
  { consumer, check, access }: HealthQuestion,
): Promise<Shortfall | null> {
  const ailment = await ailmentOf(context, live, { consumer, check, access });
  return ailment === null ? null : { what: "health", where: consumer, reason: ailment };
}

export interface HealthQuestion {
  readonly consumer: string;
  readonly check: HealthCheck;
  readonly access: EtcdAccess | null;
}

async function ailmentOf(
  context: RunContext,
  live: Live,
  { check, access }: HealthQuestion,
): Promise<string | null> {
  if (check.form === "http") return live.probes.ailment(check.endpoint, check.path, context.signal);
  if (check.form === "none" || access === null) return null;
  return withEtcd(context, access, (target) => live.etcd.ailment(target, context.signal));
}

/** Asks until nothing falls short or `timeoutMs` is over; the last shortfall, or null. */
export async function untilSatisfied(
  { timer }: Live,
  timeoutMs: number,
  ask: () => Promise<Shortfall | null>,
  signal?: AbortSignal,
): Promise<Shortfall | null> {
  const end = timer.elapsedMs() + timeoutMs;
  for (;;) {
    const shortfall = await ask();
    if (shortfall === null || timer.elapsedMs() >= end || signal?.aborted === true) return shortfall;
    await timer.sleep(pollMs, signal);
  }
}

const pollMs = 100;
