// The use case `verify`: what `check` says, and what the running node proves of it now.
import { AppError } from "../core/model/errors.ts";
import type { CheckResult } from "../core/model/check.ts";
import type { EtcdReport, Looked, Proof, Sweep } from "../core/model/verification.ts";
import { etcdAccess } from "../core/plan/etcd-access.ts";
import { decideRestarts } from "../core/plan/restarts.ts";
import { worstOf } from "../core/policy/check.ts";
import { proofs } from "../core/policy/verify/proofs.ts";
import { verify } from "../core/policy/verify/verify.ts";
import { etcdReport } from "../drivers/health/etcd-report.ts";
import { withEtcdTarget } from "../engine/etcd-target.ts";
import type { EnginePorts } from "../engine/ports/engine-ports.ts";
import { checkResult } from "./check.ts";
import type { ProfileChoice } from "./gather.ts";
import { type LiveNode, gatherRunning } from "./live.ts";
import { type LocalNode, enginePorts, isLive } from "./local-node.ts";
import { withRunFindings } from "./run-findings.ts";
import { openApi, swept, written } from "./verify-api.ts";

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

/** @throws AppError `needs-probe` when only files are named: a proof is taken from what runs, or there is none. */
export async function verifyNode(local: LocalNode, request: VerifyRequest): Promise<VerifyResult> {
  if (!isLive(local)) throw new AppError("needs-probe", { nodes: [] });
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
  const { live, port } = running;
  const store = local.openStore(live.inventory.node);
  try {
    const ports = enginePorts(local, store, { audience: { tell: () => {} }, live: port });
    const [etcd, api] = await Promise.all([
      askEtcd(ports, running, request.signal),
      askApi(ports, running, request),
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
  if (access === null) return { state: "skipped", because: "no-identity" };
  return withEtcdTarget(ports, access, (target) => etcdReport(target, signal));
}

async function askApi(
  { store }: EnginePorts,
  { facts, live, port }: LiveNode,
  { isReadOnly, signal, at }: VerifyRequest,
): Promise<Pick<Asked, "write" | "sweep">> {
  const access = await openApi({ facts, live }, { store });
  if (access === null) {
    const skipped = { state: "skipped", because: "no-identity" } as const;
    return { write: skipped, sweep: skipped };
  }
  try {
    const startedAt = live.processes.get("kube-apiserver")?.startedAt ?? null;
    const sweep = await swept(access, { at, startedAt, signal });
    return {
      write: isReadOnly
        ? { state: "skipped", because: "read-only" }
        : await written(port.api, access, signal),
      sweep,
    };
  } finally {
    access.forget();
  }
}
