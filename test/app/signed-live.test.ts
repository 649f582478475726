// Installing answers of a CA elsewhere on a node that runs: the same live steps as a renewal, the pending keys go last.
import { mkdirSync, readFileSync, readdirSync, existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readAnswers } from "../../src/app/answers.ts";
import { gatherLive } from "../../src/app/gather.ts";
import { enginePorts } from "../../src/app/local-node.ts";
import { requestCertificates } from "../../src/app/signing-requests.ts";
import { toolVersion } from "../../src/app/version.ts";
import type { LiveFacts, LiveInventory, ServedFacts } from "../../src/core/model/live.ts";
import type { Plan } from "../../src/core/model/plan.ts";
import { buildPlan } from "../../src/core/plan/build.ts";
import { pairAnswers } from "../../src/core/plan/pair-answers.ts";
import { allSteps } from "../../src/core/plan/steps.ts";
import { discoverLive } from "../../src/drivers/discovery/live.ts";
import { discoverRemains } from "../../src/drivers/discovery/remains.ts";
import { checkPlan } from "../../src/engine/check-plan.ts";
import type { Live } from "../../src/engine/ports/live.ts";
import { runPlan } from "../../src/engine/run-plan.ts";
import type { RunResult } from "../../src/engine/run-result.ts";
import { caTeamOf, signAll } from "../support/ca-team.ts";
import { certificateIn, choice, controlPlane, day, nodeAt, pki } from "../support/control-plane.ts";
import { livePhases, presenting, runningSince } from "../support/live-facts.ts";
import { renewRequest } from "../support/renew-request.ts";

interface Planned {
  readonly root: string;
  readonly plan: Plan;
}

interface Situation {
  readonly name?: string;
  readonly authority?: string;
  readonly ageDays?: number;
}

/** The API server's certificate asked for, signed and planned, on a node whose processes all run. */
async function planned({
  name = "apiserver",
  authority = "ca",
  ageDays = 10,
}: Situation = {}): Promise<Planned> {
  const root = await controlPlane({ issuedAt: Math.floor(Date.now() / day) * day - ageDays * day });
  mkdirSync(join(root, "var/lib"), { recursive: true });
  const local = nodeAt(root);
  const team = caTeamOf(root, authority);
  const asked = { ...renewRequest, names: [name] };
  await requestCertificates(local, choice, asked, {
    directory: team.requests,
    at: Date.now(),
    breakLock: false,
  });
  signAll(team);
  const at = Date.now();
  const { facts, live } = await gatherLive(local, choice, {
    at,
    discover: discoverLive,
    remains: discoverRemains,
  });
  const pairing = pairAnswers(facts, await readAnswers(local, team.answers, "m1"), renewRequest);
  const frame = { toolVersion, root, live: { facts: running(live), takesSnapshot: true } };
  return { root, plan: buildPlan(facts, renewRequest, frame, pairing) };
}

function running(inventory: LiveInventory): LiveFacts {
  const processes = inventory.processes.map(({ consumer }) => runningSince(consumer, Date.now()));
  return {
    inventory,
    processes: new Map(processes.map((each) => [each.consumer, each])),
    served: new Map(),
  };
}

function serves(path: string): ServedFacts {
  return presenting(certificateIn(path));
}

/** Processes that load their files as they start; `apiserver` says what the API server presents after its bounce. */
function liveOver(root: string, apiserver: () => ServedFacts): Live {
  const lives = new Map<string, number>();
  const saved = { sha256: "00", bytes: 1, hasV2Data: false };
  let elapsed = 0;
  return {
    processes: {
      returnsByItself: () => true,
      startability: async () => ({ state: "can" }),
      look: async (consumer) => ({
        consumer,
        through: "test",
        instances: [
          {
            id: `${consumer}-${lives.get(consumer) ?? 0}`,
            state: "running",
            startedAt: 0,
            image: null,
            pid: null,
          },
        ],
      }),
      stop: async (consumer) => {
        lives.set(consumer, (lives.get(consumer) ?? 0) + 1);
        return [];
      },
      revive: async () => {},
      restore: async () => [],
    },
    probes: {
      served: async ({ port }) => (port === 6443 ? apiserver() : serves(pki(root, servedAt(port)))),
      ailment: async () => null,
    },
    etcd: {
      ailment: async () => null,
      snapshot: async () => saved,
      coldCopy: async () => saved,
      reading: async () => ({ unreachable: "not asked" }),
      moveLeader: async () => {},
    },
    api: { writeFailure: async () => null, nodeReports: async () => ({ nodes: [] }) },
    timer: {
      elapsedMs: () => elapsed,
      sleep: async (ms) => {
        elapsed += ms;
      },
    },
  };
}

function servedAt(port: number): string {
  return port === 2380 ? "etcd/peer.crt" : "etcd/server.crt";
}

async function run({ root, plan }: Planned, live: Live): Promise<RunResult> {
  const local = nodeAt(root);
  const store = local.openStore("m1");
  try {
    return await runPlan(enginePorts(local, store, { audience: { tell: () => {} }, live }), plan);
  } finally {
    store.close();
  }
}

function pendingOf(root: string): readonly string[] {
  const folder = join(root, "var/lib/perennial/pending/m1");
  return existsSync(folder) ? readdirSync(folder) : [];
}

describe("answers installed on a running node", () => {
  it("get the live steps of a renewal, and the pending keys go last", async () => {
    const { plan } = await planned();
    checkPlan(plan);
    expect(plan.refusals).toEqual([]);
    expect(plan.phases.map(({ id }) => id)).toEqual(livePhases);
    const bounce = allSteps(plan).find((step) => step.kind === "bounce");
    expect(bounce).toMatchObject({
      consumer: "kube-apiserver",
      demands: expect.arrayContaining([expect.objectContaining({ slot: "m1/apiserver", sha256: null })]),
    });
    expect(allSteps(plan).at(-1)).toMatchObject({ kind: "forget", slot: "m1/apiserver" });
    expect(plan.notices.filter(({ code }) => code === "restart-needed")).toEqual([]);
  });

  it("serve for the snapshot of an etcd whose stored client has expired", async () => {
    const site = await planned({ name: "etcd-healthcheck-client", authority: "etcd/ca", ageDays: 400 });
    expect(site.plan.refusals).toEqual([]);
    checkPlan(site.plan);
    const shown: string[] = [];
    const live = liveOver(site.root, () => serves(pki(site.root, "apiserver.crt")));
    const result = await run(site, {
      ...live,
      etcd: {
        ...live.etcd,
        snapshot: async (target, file) => {
          shown.push(Buffer.from(target.identity?.certificatePem ?? []).toString());
          expect(Buffer.from(target.identity?.keyPem ?? []).toString()).toContain("PRIVATE KEY");
          return live.etcd.snapshot(target, file);
        },
      },
    });
    expect(result).toMatchObject({ outcome: "succeeded", error: null });
    expect(shown).toEqual([readFileSync(pki(site.root, "etcd/healthcheck-client.crt"), "utf8")]);
    expect(pendingOf(site.root)).toEqual([]);
  });

  it("are done when the process presents what was installed", async () => {
    const site = await planned();
    const path = pki(site.root, "apiserver.crt");
    const old = serves(path);
    const result = await run(
      site,
      liveOver(site.root, () => serves(path)),
    );
    expect(result.outcome).toBe("succeeded");
    expect(serves(path)).not.toEqual(old);
    expect(pendingOf(site.root)).toEqual([]);
  });

  it("are taken back when the process presents another, and can be tried again", async () => {
    const site = await planned();
    const path = pki(site.root, "apiserver.crt");
    const old = serves(path);
    const result = await run(
      site,
      liveOver(site.root, () => old),
    );
    expect(result).toMatchObject({ outcome: "rolled-back", error: { code: "bounce-failed" } });
    expect(serves(path)).toEqual(old);
    expect(pendingOf(site.root).toSorted()).toEqual(["apiserver.json", "apiserver.key"]);
  });
});
