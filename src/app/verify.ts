// The use case `verify`: what `check` says, and what the running node proves of it now.
import { AppError } from "../core/model/errors.ts";
import type { CheckResult } from "../core/model/check.ts";
import type { LiveFacts } from "../core/model/live.ts";
import type { EtcdReport, Looked, Proof, Sweep } from "../core/model/verification.ts";
import { adminOf, etcdAccess } from "../core/plan/live-steps.ts";
import { decideRestarts } from "../core/plan/restarts.ts";
import { worstOf } from "../core/policy/check.ts";
import type { Facts } from "../core/policy/facts.ts";
import { proofs } from "../core/policy/verify/proofs.ts";
import { verify } from "../core/policy/verify/verify.ts";
import { sweepApi } from "../drivers/health/api-sweep.ts";
import { etcdReport } from "../drivers/health/etcd-report.ts";
import { withEtcdTarget } from "../engine/etcd-target.ts";
import type { EnginePorts } from "../engine/ports/engine-ports.ts";
import type { WriteProof } from "../engine/ports/live.ts";
import { checkResult } from "./check.ts";
import type { ProfileChoice } from "./gather.ts";
import { type LiveNode, gatherRunning } from "./live.ts";
import { type LocalNode, enginePorts, isLive } from "./local-node.ts";
import { withRunFindings } from "./run-findings.ts";

export interface VerifyRequest {
  readonly choice: ProfileChoice;
  /** ms since the epoch. */
  readonly at: number;
  readonly withinMs: number;
  /** Creates and deletes no object. */
  readonly isReadOnly: boolean;
  readonly signal: AbortSignal;
}

export interface VerifyResult {
  /** Findings of what is stored and of what runs. */
  readonly check: CheckResult;
  readonly proofs: readonly Proof[];
}

/** How far back a log is read: what was refused before the API server began is over. */
const logSpanMs = 10 * 60_000;

/** @throws AppError `usage` when only files are named: a proof is taken from what runs, or there is none. */
export async function verifyNode(local: LocalNode, request: VerifyRequest): Promise<VerifyResult> {
  if (!isLive(local))
    throw new AppError("usage", {
      reason: "verify looks at the running node: give --probe with --root, or use check for its files alone",
    });
  const { choice, at, withinMs } = request;
  const running = await gatherRunning(local, choice, { at });
  const { facts, live } = running;
  const stored = checkResult(facts, { withinMs, root: local.root });
  const check = await withRunFindings(local, stored);
  const state = {
    live,
    restarts: decideRestarts({ facts, live, changed: new Set() }),
    ...(await asked(local, running, request)),
  };
  const findings = [...verify(facts, state), ...check.findings];
  return { check: { ...check, findings, worst: worstOf(findings) }, proofs: proofs(facts, state) };
}

interface Asked {
  readonly etcd: Looked<EtcdReport>;
  readonly write: Looked<true>;
  readonly sweep: Looked<Sweep>;
}

/** What takes an identity: etcd, the API. */
async function asked(local: LocalNode, running: LiveNode, request: VerifyRequest): Promise<Asked> {
  const { facts, live, port } = running;
  const store = local.openStore(live.inventory.node);
  try {
    const ports = enginePorts(local, store, { audience: { tell: () => {} }, live: port });
    const [etcd, api] = await Promise.all([
      askEtcd(ports, running, request.signal),
      askApi(ports, { facts, live }, request),
    ]);
    return { etcd, ...api };
  } finally {
    store.close();
  }
}

async function askEtcd(
  ports: EnginePorts,
  { facts, live }: LiveNode,
  signal: AbortSignal,
): Promise<Looked<EtcdReport>> {
  const access = etcdAccess(facts, live);
  if (access === null) return { state: "skipped" };
  return withEtcdTarget(ports, access, (target) => etcdReport(target, signal));
}

async function askApi(
  ports: EnginePorts,
  { facts, live }: { readonly facts: Facts; readonly live: LiveFacts },
  { isReadOnly, signal, at }: VerifyRequest,
): Promise<Pick<Asked, "write" | "sweep">> {
  const access = await apiAccess(ports, facts, live);
  if (access === null) return { write: { state: "skipped" }, sweep: { state: "skipped" } };
  try {
    const startedAt = live.processes.get("kube-apiserver")?.startedAt ?? 0;
    const sweep = await sweepApi(access, {
      signal,
      now: at,
      logsSince: Math.max(startedAt, at - logSpanMs),
    });
    return {
      write: isReadOnly
        ? { state: "skipped" }
        : await written(ports, access, { node: live.inventory.node, signal }),
      sweep,
    };
  } finally {
    access.kubeconfig.fill(0);
  }
}

async function written(
  { live, randomness }: EnginePorts,
  access: Omit<WriteProof, "name">,
  { node, signal }: { readonly node: string; readonly signal: AbortSignal },
): Promise<Looked<true>> {
  if (!live) return { state: "skipped" };
  const name = `perennial-verify-${Buffer.from(randomness.bytes(4)).toString("hex")}`;
  const failure = await live(node).api.writeFailure({ ...access, name }, signal);
  signal.throwIfAborted();
  return failure === null ? { state: "seen", value: true } : { state: "failed", reason: failure };
}

/** null on a node without an API server, or without an administrator's kubeconfig. */
async function apiAccess(
  { store }: EnginePorts,
  facts: Facts,
  live: LiveFacts,
): Promise<Omit<WriteProof, "name"> | null> {
  const { processes } = live.inventory;
  const [serving] = processes.find(({ consumer }) => consumer === "kube-apiserver")?.endpoints ?? [];
  const admin = adminOf({ facts, live, changed: new Set() });
  if (serving === undefined || admin === null) return null;
  const observation = await store.read(admin.file);
  if (observation.state === "absent") return null;
  return { kubeconfig: observation.bytes, user: admin.user, endpoint: serving.endpoint };
}
