// The steps around the files of a live node: which, in which order, what they read and demand, and what the digest covers of them.
import { rmSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { BounceStep, ProveLiveStep, SnapshotStep } from "../../../src/core/model/live-step.ts";
import type { Plan, RenewRequest } from "../../../src/core/model/plan.ts";
import { buildPlan } from "../../../src/core/plan/build.ts";
import type { Startability } from "../../../src/core/model/live.ts";
import { allSteps, commandsInPlan, hasChanges } from "../../../src/core/plan/steps.ts";
import { checkPlan } from "../../../src/engine/check-plan.ts";
import {
  apiserverLeaf,
  authorityIn,
  controlPlane,
  day,
  issuedAt,
  pki,
  replacePair,
  today,
} from "../../support/control-plane.ts";
import { renewRequest } from "../../support/renew-request.ts";
import {
  livePhases,
  type Seen,
  seen,
  startedAt,
  withProcess,
  withServed,
  withVersion,
} from "../../support/live-facts.ts";

const frame = { toolVersion: "1.2.3", root: "/" };
const late = issuedAt + 366 * day;
const base = {} as { healthy: Seen; expired: Seen };

beforeAll(async () => {
  const root = await controlPlane({ kubelet: "embedded" });
  base.healthy = await seen(root);
  base.expired = await seen(root, late);
});

function planOf({ facts, live }: Seen, changes: Partial<RenewRequest> = {}): Plan {
  const request = { ...renewRequest, ...changes };
  return buildPlan(facts, request, {
    ...frame,
    live: { facts: live, takesSnapshot: request.noSnapshot !== true },
  });
}

const bouncesOf = (plan: Plan): readonly BounceStep[] =>
  allSteps(plan).filter((step) => step.kind === "bounce");
const proofOf = (plan: Plan): ProveLiveStep => allSteps(plan).find((step) => step.kind === "prove-live")!;
const snapshotOf = (plan: Plan): SnapshotStep | undefined =>
  allSteps(plan).find((step) => step.kind === "snapshot");
const phaseIds = (plan: Plan): readonly string[] => plan.phases.map(({ id }) => id);

describe("a process that nobody could start", () => {
  const dead = (startability: Startability): Seen =>
    withProcess(base.expired, { consumer: "kubelet", state: "absent", startability });

  it("refuses the whole plan before anything is written, with its name and why", () => {
    for (const why of ["not-known", "unit-masked", "ambiguous", "launch-unreadable"] as const) {
      const plan = planOf(dead({ state: "cannot", why }));
      const [node] = base.expired.facts.inventory.nodes;
      expect(plan.refusals).toEqual([
        { code: "process-not-startable", slot: `${node?.node}/kubelet`, address: "kubelet", detail: why },
      ]);
      expect([
        plan.phases.flatMap(({ nodes }) => nodes.flatMap(({ steps }) => steps)),
        hasChanges(plan),
      ]).toEqual([[], false]);
    }
  });

  it("is no matter where nothing is restarted", () => {
    const well = withProcess(base.healthy, {
      consumer: "kubelet",
      startability: { state: "cannot", why: "launch-unreadable" },
    });
    expect(planOf(well).refusals).toEqual([]);
  });

  it("is started as it was recorded, which is said with the command line and the day", () => {
    const plan = planOf(dead({ state: "recorded", command: "kubelet --config=/c", recordedAt: startedAt }));
    expect(plan.refusals).toEqual([]);
    expect(plan.notices).toContainEqual({
      code: "process-from-record",
      consumer: "kubelet",
      command: "kubelet --config=/c",
      recordedAt: startedAt,
    });
  });
});

describe("the processes of a plan over several nodes", () => {
  function planOfMany({ facts, live }: Seen, changes: Partial<RenewRequest> = {}): Plan {
    const part = { members: [], unreachable: [], skipsUnreachable: false };
    const many = { ...part, live: [live], takesSnapshot: true, acceptOutage: true };
    return buildPlan(facts, { ...renewRequest, ...changes }, { ...frame, many });
  }

  it("are restarted with the operator's own commands", () => {
    const processes = { kubelet: { start: "rc-service kubelet start" } };
    const plan = planOfMany(base.expired, { processes });
    expect(plan.refusals).toEqual([]);
    expect(commandsInPlan(plan)).toEqual(processes);
  });

  it("are refused when nobody could start one, with nothing left to do", () => {
    const startability = { state: "cannot", why: "unit-masked" } as const;
    const plan = planOfMany(
      withProcess(base.expired, { consumer: "kubelet", state: "absent", startability }),
    );
    expect(plan.refusals).toEqual([
      { code: "process-not-startable", slot: "m1/kubelet", address: "kubelet", detail: "unit-masked" },
    ]);
    expect(hasChanges(plan)).toBe(false);
  });

  it("are told of when one is started as it was recorded", () => {
    const startability = {
      state: "recorded",
      command: "kubelet --config=/c",
      recordedAt: startedAt,
    } as const;
    const plan = planOfMany(
      withProcess(base.expired, { consumer: "kubelet", state: "absent", startability }),
    );
    expect(plan.refusals).toEqual([]);
    expect(plan.notices.map(({ code }) => code)).toContain("process-from-record");
  });
});

describe("the plan of a live node whose certificates have expired", () => {
  it("saves etcd first, writes, proves the files, restarts, proves what runs", () => {
    const plan = planOf(base.expired);
    expect(phaseIds(plan)).toEqual(livePhases);
    expect(() => checkPlan(plan)).not.toThrow();
  });

  it("restarts in order: what others need first, the controller-manager last", () => {
    expect(bouncesOf(planOf(base.expired)).map(({ consumer, when }) => `${consumer} ${when}`)).toEqual([
      "kubelet always",
      "etcd if-needed",
      "kube-apiserver always",
      "kube-scheduler always",
      "kube-controller-manager always",
    ]);
  });

  it("gives each process its time: grace, reload, and to become well", () => {
    const times = bouncesOf(planOf(base.expired)).map((step) => [
      step.consumer,
      step.graceSeconds,
      step.reloadSeconds,
      step.timeoutSeconds,
    ]);
    expect(times).toEqual([
      ["kubelet", 30, 0, 90],
      ["etcd", 60, 5, 120],
      ["kube-apiserver", 30, 0, 180],
      ["kube-scheduler", 30, 0, 90],
      ["kube-controller-manager", 30, 0, 90],
    ]);
  });

  it("demands the new certificate where one is issued, and just a valid one where the process makes its own", () => {
    const [own, loopback] = bouncesOf(planOf(base.expired)).find(
      ({ consumer }) => consumer === "kube-apiserver",
    )!.demands;
    expect([own?.slot, own?.sha256]).toEqual(["m1/apiserver", null]);
    expect([loopback?.slot, loopback?.sha256, loopback?.endpoint.serverName]).toEqual([
      null,
      null,
      "apiserver-loopback-client",
    ]);
  });

  it("takes no snapshot when the operator keeps one elsewhere", () => {
    const plan = planOf(base.expired, { noSnapshot: true });
    expect(snapshotOf(plan)).toBeUndefined();
    expect(phaseIds(plan)[0]).toBe("back-up");
  });

  it("says how etcd is reached: loopback first, its key, a fresh client signed by its authority", () => {
    const { access, dataDirectory } = snapshotOf(planOf(base.expired))!;
    expect(dataDirectory).toBe("/var/lib/etcd");
    expect(access).toMatchObject({
      authorityCertificate: "file:m1:/etc/kubernetes/pki/etcd/ca.crt",
      authorityKey: "file:m1:/etc/kubernetes/pki/etcd/ca.key",
      commonName: "kube-etcd-healthcheck-client",
      server: "m1/etcd-server",
    });
    expect(access.endpoints[0]).toMatchObject({ host: "127.0.0.1", port: 2379 });
    expect(access.serverKeys).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  it("writes to the API with the administrator's kubeconfig, which is guarded", () => {
    const plan = planOf(base.expired);
    expect(proofOf(plan).api).toMatchObject({
      kubeconfig: "file:m1:/etc/kubernetes/admin.conf",
      user: "kubernetes-admin",
      endpoint: { host: "127.0.0.1", port: 6443, serverName: null },
    });
  });

  it("leaves out what cannot be looked at, and says that it needs a restart", () => {
    const unknown = withProcess(base.expired, { consumer: "kube-scheduler", state: "unknown" });
    const plan = planOf(unknown);
    expect(bouncesOf(plan).map(({ consumer }) => consumer)).not.toContain("kube-scheduler");
    expect(proofOf(plan).health.map(({ consumer }) => consumer)).not.toContain("kube-scheduler");
    expect(plan.notices).toContainEqual({ code: "restart-needed", consumers: ["kube-scheduler"] });
  });
});

describe("a live node on which nothing is due", () => {
  it("gives no steps at all", () => {
    const plan = planOf(base.healthy);
    expect([plan.phases, plan.guards, hasChanges(plan)]).toEqual([[], [], false]);
    expect(plan.restarts?.map(({ action }) => action)).toEqual(["keep", "keep", "keep", "keep", "keep"]);
  });

  it("gives a restart of what is dead, with etcd saved before and everything proved after", () => {
    const plan = planOf(withProcess(base.healthy, { consumer: "kube-scheduler", state: "exited" }));
    expect(phaseIds(plan)).toEqual(["snapshot", "restart", "prove-live"]);
    expect(bouncesOf(plan).map(({ consumer }) => consumer)).toEqual(["kube-scheduler"]);
    expect(proofOf(plan).demands.every(({ slot }) => slot === null)).toBe(true);
    expect(proofOf(plan).demands.find(({ id }) => id.includes("kube-apiserver"))?.sha256).toMatch(
      /^[0-9a-f]{64}$/,
    );
    expect(() => checkPlan(plan)).not.toThrow();
  });
});

describe("a plan that leaves something expired as it is", () => {
  const only = (name: string): Plan => planOf(base.expired, { names: [name] });

  it("does not demand that it is presented, nor that those are well who load it, nor writes with it", () => {
    const proof = proofOf(only("etcd-server"));
    expect(proof.api).toBeNull();
    expect(proof.demands.map(({ slot }) => slot)).not.toContain("m1/apiserver");
    expect(Object.fromEntries(proof.health.map(({ consumer, check }) => [consumer, check.form]))).toEqual({
      kubelet: "none",
      etcd: "none",
      "kube-apiserver": "none",
      "kube-scheduler": "none",
      "kube-controller-manager": "none",
    });
  });

  it("says so: what stays expired, and what is therefore not proved", () => {
    const notice = only("etcd-server").notices.find(({ code }) => code === "stays-expired");
    expect(notice).toMatchObject({
      unproven: ["kubelet", "etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager"],
      isWriteProved: false,
    });
    const { slots } = notice as Extract<typeof notice, { code: "stays-expired" }>;
    expect(slots).toContain("m1/apiserver");
    expect(slots).not.toContain("m1/etcd-server");
    expect(planOf(base.expired).notices.map(({ code }) => code)).not.toContain("stays-expired");
    expect(planOf(base.healthy, { names: ["apiserver"] }).notices.map(({ code }) => code)).not.toContain(
      "stays-expired",
    );
  });

  it("still demands what it can: etcd renewed as a whole, the API server not", () => {
    const plan = planOf(base.expired, { names: ["etcd-server", "etcd-peer"] });
    const proof = proofOf(plan);
    expect(proof.health.find(({ consumer }) => consumer === "etcd")?.check).toEqual({ form: "etcd" });
    expect(proof.demands.map(({ slot }) => slot)).toContain("m1/etcd-server");
    expect(proof.health.find(({ consumer }) => consumer === "kube-apiserver")?.check.form).toBe("none");
  });

  it("does not ask for a kubelet's serving certificate that nobody renews", async () => {
    const root = await controlPlane({ kubelet: "embedded" });
    const situation = await seen(root);
    const kubelet = situation.live.inventory.processes.find(({ consumer }) => consumer === "kubelet")!;
    const [endpoint] = kubelet.endpoints;
    expect(endpoint).toBeDefined();
    const slot = situation.facts.slots.get("m1/apiserver-kubelet-client")!;
    const serving = {
      ...slot,
      slot: { ...slot.slot, id: "m1/kubelet-server", name: "kubelet-server", management: "observe" as const },
    };
    const withSlot = {
      facts: {
        ...base.expired.facts,
        slots: new Map(base.expired.facts.slots).set("m1/kubelet-server", serving),
      },
      live: {
        ...base.expired.live,
        inventory: {
          ...base.expired.live.inventory,
          processes: base.expired.live.inventory.processes.map((each) =>
            each.consumer === "kubelet"
              ? {
                  ...each,
                  reads: [...each.reads, "m1/kubelet-server"],
                  endpoints: [{ ...endpoint!, slot: "m1/kubelet-server" }],
                }
              : each,
          ),
        },
      },
    };
    const plan = planOf(withSlot);
    const demands = proofOf(plan).demands.map(({ id }) => id);
    expect(demands).not.toContain(endpoint!.id);
    expect(proofOf(plan).health.find(({ consumer }) => consumer === "kubelet")?.check.form).toBe("http");
  });
});

describe("guards of a plan with live steps", () => {
  const guarded = (plan: Plan): Readonly<Record<string, string>> =>
    Object.fromEntries(
      plan.guards.map(({ address, use }) => [address.replace("file:m1:/etc/kubernetes/", ""), use]),
    );

  it("hold what the steps read: etcd's authority with its key, the administrator's kubeconfig", () => {
    const plan = planOf(base.expired, { names: ["scheduler.conf"] });
    expect(guarded(plan)).toMatchObject({
      "pki/etcd/ca.crt": "read",
      "pki/etcd/ca.key": "read",
      "scheduler.conf": "written",
    });
    const dead = planOf(withProcess(base.healthy, { consumer: "kube-scheduler", state: "exited" }));
    expect(guarded(dead)).toEqual({
      "pki/etcd/ca.crt": "read",
      "pki/etcd/ca.key": "read",
      "admin.conf": "read",
    });
  });

  it("hold the stored etcd client where there is no key to sign another with", async () => {
    const root = await controlPlane();
    rmSync(pki(root, "etcd/ca.key"));
    const situation = withProcess(await seen(root), { consumer: "kube-scheduler", state: "exited" });
    const plan = planOf(situation);
    expect(snapshotOf(plan)?.access).toMatchObject({
      authorityKey: null,
      client: { certificate: "file:m1:/etc/kubernetes/pki/etcd/healthcheck-client.crt" },
    });
    expect(guarded(plan)).toMatchObject({
      "pki/etcd/healthcheck-client.crt": "read",
      "pki/etcd/healthcheck-client.key": "read",
    });
  });
});

describe("etcd whose CA signs elsewhere and whose client has expired", () => {
  const external = async (): Promise<Seen> => {
    const root = await controlPlane();
    rmSync(pki(root, "etcd/ca.key"));
    return seen(root, late);
  };
  const refusals = (plan: Plan): readonly object[] =>
    plan.refusals.map(({ code, slot, address }) => ({ code, slot, address }));

  it("is refused while it runs, before anything begins: nobody could take the snapshot", async () => {
    const plan = planOf(await external());
    expect(refusals(plan)).toEqual([
      {
        code: "snapshot-impossible",
        slot: "m1/etcd-healthcheck-client",
        address: "file:m1:/etc/kubernetes/pki/etcd/ca.key",
      },
    ]);
    expect(plan.refusals[0]?.detail).toMatch(/^2027-01-0\dT/);
    expect(hasChanges(plan)).toBe(false);
  });

  it("is refused together with a process that nobody could start", async () => {
    const startability = { state: "cannot", why: "not-known" } as const;
    const plan = planOf(
      withProcess(await external(), { consumer: "kubelet", state: "absent", startability }),
    );
    expect(plan.refusals.map(({ code }) => code)).toEqual(["snapshot-impossible", "process-not-startable"]);
  });

  it("is planned when it is stopped: its files are copied", async () => {
    const plan = planOf(withProcess(await external(), { consumer: "etcd", state: "exited" }));
    expect(refusals(plan)).toEqual([]);
    expect(snapshotOf(plan)?.dataDirectory).toBe("/var/lib/etcd");
  });

  it("is planned when the operator has a copy", async () => {
    const plan = planOf(await external(), { noSnapshot: true });
    expect(refusals(plan)).toEqual([]);
    expect(snapshotOf(plan)).toBeUndefined();
  });

  it("is planned where the key is there and fits, or the client is valid", async () => {
    expect(refusals(planOf(base.expired))).toEqual([]);
    const root = await controlPlane();
    rmSync(pki(root, "etcd/ca.key"));
    expect(refusals(planOf(await seen(root), { names: ["apiserver"] }))).toEqual([]);
  });
});

describe("the digest", () => {
  it("does not move with start times, served certificates and who answers, while they change no step", () => {
    const { digest } = planOf(base.expired);
    const endpoint = base.expired.live.inventory.processes.find(
      ({ consumer }) => consumer === "kube-apiserver",
    )!.endpoints[0]!.id;
    const others = [
      withProcess(base.expired, { consumer: "kube-scheduler", startedAt: startedAt - day }),
      withProcess(base.expired, { consumer: "kube-scheduler", through: "docker" }),
      withProcess(base.expired, { consumer: "kube-apiserver", ailment: "/readyz is not answered" }),
      withServed(base.expired, endpoint, { serialHex: "0abc" }),
      withServed(base.expired, endpoint, { state: "unreachable", reason: "ECONNREFUSED" }),
      { ...base.expired, facts: { ...base.expired.facts, at: late + 3 * day } },
    ];
    expect(others.map((each) => planOf(each).digest)).toEqual(others.map(() => digest));
  });

  it("moves with the operator's commands, which the steps hold and nothing else does", () => {
    const commands = {
      kubelet: { stop: "sv down kubelet", start: "sv up kubelet" },
      etcd: { status: "pidof etcd" },
    };
    const plain = planOf(base.expired);
    const own = planOf(base.expired, { processes: commands });
    expect(bouncesOf(own).flatMap(({ consumer, commands: of }) => (of ? [[consumer, of]] : []))).toEqual(
      Object.entries(commands),
    );
    expect(commandsInPlan(own)).toEqual(commands);
    expect(own.digest).not.toBe(plain.digest);
    const other = { ...commands, kubelet: { ...commands.kubelet, start: "sv start kubelet" } };
    expect(planOf(base.expired, { processes: other }).digest).not.toBe(own.digest);
    expect(planOf(base.expired, { processes: {} }).digest).toBe(plain.digest);
    expect(() => checkPlan(own)).not.toThrow();
    // What is not restarted has no use for its command.
    expect(planOf(base.healthy, { processes: commands }).digest).toBe(planOf(base.healthy).digest);
  });

  it("moves when a process is restarted that was not, and with a snapshot", () => {
    const { digest } = planOf(base.expired);
    const older = withVersion(base.expired, "etcd", "3.1.18");
    expect(planOf(older).digest).not.toBe(digest);
    expect(planOf(base.expired, { noSnapshot: true }).digest).not.toBe(digest);
  });

  it("and all of the plan is as before where only files are looked at", async () => {
    const { facts } = base.expired;
    const plan = buildPlan(facts, renewRequest, frame);
    expect(phaseIds(plan)).toEqual(["back-up", "issue", "stage", "swap", "prove"]);
    expect("restarts" in plan).toBe(false);
    expect(plan.guards.map(({ address }) => address)).toContain("file:m1:/etc/kubernetes/pki/etcd/ca.key");
    expect(plan.notices.find(({ code }) => code === "restart-needed")).toBeDefined();
  });
});

describe("a refused plan of a live node", () => {
  it("has no live steps either", async () => {
    const root = await controlPlane();
    await replacePair(root, "apiserver", {
      ...apiserverLeaf,
      authority: authorityIn(root, "ca"),
      notAfter: today - day,
    });
    rmSync(pki(root, "ca.key"));
    const plan = planOf(await seen(root), { names: ["apiserver"] });
    expect(plan.refusals).not.toEqual([]);
    expect([plan.phases, plan.restarts]).toEqual([[], []]);
  });
});
