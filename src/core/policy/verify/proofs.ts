// What was proved of a running node, thing by thing, with what was seen: the table that `verify` prints.
import type { LiveFacts, ProcessSlot, ServingEndpoint } from "../../model/live.ts";
import type { Looked, Proof, ProofEvidence, RunningState, Sweep } from "../../model/verification.ts";
import type { Facts } from "../facts.ts";
import { isStored, shownEndpoint, storedFor } from "./verify.ts";

const notAsked: ProofEvidence = { code: "not-asked" };

/** In the order in which processes depend on one another, then etcd, the API, the sweep. */
export function proofs(facts: Facts, running: RunningState): readonly Proof[] {
  return [...nodeProofs(facts, running), ...sweepProofs(running.sweep)];
}

/** Of one node alone. */
export function nodeProofs(facts: Facts, { live, etcd, write }: RunningState): readonly Proof[] {
  return [
    ...live.inventory.processes.flatMap((component) => [
      processProof(live, component),
      ...component.endpoints.map((endpoint) => servedProof(facts, live, endpoint)),
    ]),
    looked("etcd", "etcd", etcd, ({ version, hasLeader, alarms, readFailure }) => [
      hasLeader && alarms.length === 0 && readFailure === null,
      { code: "etcd-read", version },
    ]),
    looked("write", "kube-apiserver", write, () => [true, { code: "wrote" }]),
  ];
}

function processProof(live: LiveFacts, { consumer }: ProcessSlot): Proof {
  const seen = live.processes.get(consumer);
  const proof = { kind: "process", subject: consumer } as const;
  const through = seen?.through ?? "";
  if (seen?.state === "running" && seen.ailment === null)
    return { ...proof, outcome: "proved", evidence: { code: "runs", startedAt: seen.startedAt, through } };
  const isUnseen = seen === undefined || seen.state === "unknown";
  const reason = isUnseen ? through : (seen.ailment ?? seen.state);
  return { ...proof, outcome: isUnseen ? "skipped" : "failed", evidence: { code: "reason", reason } };
}

function servedProof(facts: Facts, live: LiveFacts, endpoint: ServingEndpoint): Proof {
  const served = live.served.get(endpoint.id);
  const proof = { kind: "served", subject: `${endpoint.consumer} ${shownEndpoint(endpoint)}` } as const;
  if (served === undefined) return { ...proof, outcome: "skipped", evidence: notAsked };
  if (served.state === "unreachable")
    return { ...proof, outcome: "failed", evidence: { code: "reason", reason: served.reason } };
  const stored = storedFor(facts, endpoint);
  const same = stored === null ? null : isStored(stored, served);
  const { serialHex, notAfter } = served;
  return {
    ...proof,
    outcome: same !== false && notAfter > facts.at ? "proved" : "failed",
    evidence: { code: "serves", serialHex, notAfter, isStored: same },
  };
}

function looked<T>(
  kind: Proof["kind"],
  subject: string,
  answer: Looked<T>,
  judge: (value: T) => readonly [boolean, ProofEvidence],
): Proof {
  if (answer.state === "skipped") {
    const { because } = answer;
    const evidence = because === undefined ? notAsked : { ...notAsked, because };
    return { kind, subject, outcome: "skipped", evidence };
  }
  if (answer.state === "failed")
    return { kind, subject, outcome: "failed", evidence: { code: "reason", reason: answer.reason } };
  const [isWell, evidence] = judge(answer.value);
  // Of nothing nothing is proved.
  if (evidence.code === "counted" && evidence.count === 0)
    return { kind, subject, outcome: "skipped", evidence };
  return { kind, subject, outcome: isWell ? "proved" : "failed", evidence };
}

export function sweepProofs(sweep: Looked<Sweep>): readonly Proof[] {
  if (sweep.state !== "seen") return [looked("nodes", "nodes", sweep, () => [true, notAsked])];
  const { nodes, containers, logs, logsRead } = sweep.value;
  return [
    looked("nodes", "nodes", nodes, (all) =>
      counted(all.length, all.filter(({ isReady }) => !isReady).length),
    ),
    looked("pods", "pods", containers, (all) =>
      counted(
        new Set(all.map(({ pod }) => pod)).size,
        new Set(all.filter(({ isCrashLooping }) => isCrashLooping).map(({ pod }) => pod)).size,
      ),
    ),
    looked("logs", "logs", logs, (all) => counted(logsRead, all.length)),
  ];
}

function counted(count: number, faulty: number): readonly [boolean, ProofEvidence] {
  return [faulty === 0, { code: "counted", count, faulty }];
}
