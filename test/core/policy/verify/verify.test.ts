// What runs, one fault at a time: which finding it gives, and that a well node gives none.
import { beforeAll, describe, expect, it } from "vitest";
import type { AnyFinding } from "../../../../src/core/model/finding.ts";
import type { LiveFacts, ProcessFacts, ProcessSlot, ServedFacts } from "../../../../src/core/model/live.ts";
import type { EtcdReport, RunningState, Sweep } from "../../../../src/core/model/verification.ts";
import { sha256Hex } from "../../../../src/core/pki/fingerprints.ts";
import { decideRestarts } from "../../../../src/core/plan/restarts.ts";
import type { Facts } from "../../../../src/core/policy/facts.ts";
import { proofs } from "../../../../src/core/policy/verify/proofs.ts";
import { verify } from "../../../../src/core/policy/verify/verify.ts";
import { controlPlane, day, factsOf, today } from "../../../support/control-plane.ts";

let facts: Facts;
beforeAll(async () => {
  facts = await factsOf(await controlPlane());
});

const endpoint = { scheme: "https", host: "127.0.0.1", port: 6443, serverName: null } as const;
const apiserver: ProcessSlot = {
  node: "m1",
  consumer: "kube-apiserver",
  manifest: "/etc/kubernetes/manifests/kube-apiserver.yaml",
  version: "1.31.0",
  reads: ["m1/apiserver"],
  endpoints: [
    { id: "m1/kube-apiserver/6443", consumer: "kube-apiserver", endpoint, slot: "m1/apiserver" },
    {
      id: "m1/kube-apiserver/6443@loop",
      consumer: "kube-apiserver",
      endpoint: { ...endpoint, serverName: "apiserver-loopback-client" },
      slot: null,
    },
  ],
  health: { form: "http", endpoint, path: "/readyz" },
  graceSeconds: 30,
};
const scheduler: ProcessSlot = {
  ...apiserver,
  consumer: "kube-scheduler",
  manifest: "/etc/kubernetes/manifests/kube-scheduler.yaml",
  reads: ["m1/scheduler.conf"],
  endpoints: [
    {
      id: "m1/kube-scheduler/10259",
      consumer: "kube-scheduler",
      endpoint: { ...endpoint, port: 10259 },
      slot: null,
    },
  ],
};

type Served = Extract<ServedFacts, { readonly state: "served" }>;

function stored(change: Partial<Served> = {}): Served {
  const certificate = facts.slots.get("m1/apiserver")?.certificate;
  if (certificate?.state !== "present") throw new TypeError("no certificate");
  const { leaf } = certificate.value;
  return {
    state: "served",
    serialHex: leaf.serialHex,
    notAfter: leaf.notAfter,
    certificateSha256: sha256Hex(leaf.der),
    spkiSha256: "",
    subject: "",
    ...change,
  };
}

function own(change: Partial<Served> = {}): Served {
  return { ...stored(), certificateSha256: "own", serialHex: "07", notAfter: today + 300 * day, ...change };
}

interface World {
  readonly served?: Readonly<Record<string, ServedFacts>>;
  readonly processes?: Readonly<Record<string, Partial<ProcessFacts>>>;
  readonly etcd?: RunningState["etcd"];
  readonly write?: RunningState["write"];
  readonly sweep?: RunningState["sweep"];
}

/** Files of the tree were written at the time of the test: a process that began later is well. */
const begun = Date.UTC(2100, 0, 1);

function running(world: World = {}): RunningState {
  const process = (consumer: string): ProcessFacts => ({
    consumer,
    state: "running",
    through: "cri",
    startedAt: begun,
    ailment: null,
    ...world.processes?.[consumer],
  });
  const served = {
    "m1/kube-apiserver/6443": stored(),
    "m1/kube-apiserver/6443@loop": own(),
    "m1/kube-scheduler/10259": own(),
    ...world.served,
  };
  const live: LiveFacts = {
    inventory: { node: "m1", processes: [apiserver, scheduler], etcd: null, runtimeEndpoint: null },
    processes: new Map(["kube-apiserver", "kube-scheduler"].map((name) => [name, process(name)])),
    served: new Map(Object.entries(served)),
  };
  return {
    live,
    restarts: decideRestarts({ facts, live, changed: new Set() }),
    etcd: world.etcd ?? { state: "skipped" },
    write: world.write ?? { state: "seen", value: true },
    sweep: world.sweep ?? { state: "skipped" },
  };
}

function told(world: World): readonly (readonly [string, string, string, AnyFinding["params"]])[] {
  return verify(facts, running(world)).map(({ code, severity, name, params }) => [
    code,
    severity,
    name,
    params,
  ]);
}

const report: EtcdReport = { version: "3.5.9", hasLeader: true, alarms: [], errors: [], readFailure: null };
const sweep: Sweep = {
  nodes: { state: "seen", value: [] },
  containers: { state: "seen", value: [] },
  logs: { state: "seen", value: [] },
  logsRead: 0,
  apiBackends: { state: "seen", value: [] },
};

describe("verify", () => {
  it("finds nothing on a node that serves what is stored", () => {
    expect(told({ etcd: { state: "seen", value: report }, sweep: { state: "seen", value: sweep } })).toEqual(
      [],
    );
  });

  it("names a listener that presents another certificate, and the process that holds it in memory", () => {
    const end = today + 5 * day;
    const other = stored({ serialHex: "0a", certificateSha256: "other", notAfter: end });
    expect(told({ served: { "m1/kube-apiserver/6443": other } })).toEqual([
      [
        "served-differs",
        "warning",
        "kube-apiserver",
        {
          endpoint: "127.0.0.1:6443",
          consumer: "kube-apiserver",
          serialHex: "0a",
          notAfter: end,
          storedSerialHex: stored().serialHex,
          path: "/etc/kubernetes/pki/apiserver.crt",
          storedNotAfter: stored().notAfter,
          reloads: true,
        },
      ],
      [
        "process-holds-old",
        "critical",
        "kube-apiserver",
        {
          consumer: "kube-apiserver",
          startedAt: begun,
          because: "serves-other",
          what: "m1/kube-apiserver/6443",
          isContainer: true,
          reloads: true,
        },
      ],
    ]);
  });

  it("does not call older what is newer in memory, as after a rollback", () => {
    const notAfter = stored().notAfter + 300 * day;
    const served = {
      "m1/kube-apiserver/6443": stored({ serialHex: "0a", certificateSha256: "other", notAfter }),
    };
    // It reads the older file by itself within a minute.
    expect(told({ served }).map(([code, severity]) => `${severity} ${code}`)).toEqual([
      "warning served-differs",
    ]);
  });

  it("names a served certificate that has ended, critical where peers look at it", () => {
    const old = stored({ serialHex: "0a", certificateSha256: "other", notAfter: today - day });
    const [first] = told({ served: { "m1/kube-apiserver/6443": old } });
    expect(first).toEqual([
      "served-expired",
      "critical",
      "kube-apiserver",
      {
        endpoint: "127.0.0.1:6443",
        consumer: "kube-apiserver",
        serialHex: "0a",
        notAfter: today - day,
        storedNotAfter: stored().notAfter,
      },
    ]);
    const ownEnded = own({ notAfter: today });
    expect(told({ served: { "m1/kube-scheduler/10259": ownEnded } })).toEqual([
      [
        "served-expired",
        "warning",
        "kube-scheduler",
        {
          endpoint: "127.0.0.1:10259",
          consumer: "kube-scheduler",
          serialHex: "07",
          notAfter: today,
          storedNotAfter: null,
        },
      ],
    ]);
  });

  it("takes the loopback certificate of an API server seriously", () => {
    const codes = told({ served: { "m1/kube-apiserver/6443@loop": own({ notAfter: today - 1 }) } });
    expect(codes.map(([code, severity]) => `${severity} ${code}`)).toEqual([
      "critical served-expired",
      "critical process-holds-old",
    ]);
    expect(codes[0]?.[3]).toMatchObject({ endpoint: "127.0.0.1:6443 (apiserver-loopback-client)" });
    expect(codes[1]?.[3]).toMatchObject({ because: "loopback-certificate" });
  });

  it("names a process that began before its file was written", () => {
    const startedAt = Date.UTC(2020, 0, 1);
    expect(told({ processes: { "kube-scheduler": { startedAt } } })).toEqual([
      [
        "process-holds-old",
        "critical",
        "kube-scheduler",
        {
          consumer: "kube-scheduler",
          startedAt,
          because: "started-before",
          what: "m1/scheduler.conf",
          isContainer: true,
        },
      ],
    ]);
  });

  it("tells a listener that is away once when its process is known not to run", () => {
    const away = { "m1/kube-scheduler/10259": { state: "unreachable", reason: "ECONNREFUSED" } } as const;
    expect(told({ served: away })).toEqual([
      [
        "endpoint-unreachable",
        "critical",
        "kube-scheduler",
        { endpoint: "127.0.0.1:10259", consumer: "kube-scheduler", reason: "ECONNREFUSED" },
      ],
    ]);
    expect(told({ served: away, processes: { "kube-scheduler": { state: "exited" } } })).toEqual([
      [
        "process-down",
        "critical",
        "kube-scheduler",
        { consumer: "kube-scheduler", state: "exited", detail: "" },
      ],
    ]);
  });

  it("tells a process that is not well", () => {
    expect(told({ processes: { "kube-apiserver": { ailment: "/readyz is answered with 500" } } })).toEqual([
      [
        "process-down",
        "critical",
        "kube-apiserver",
        { consumer: "kube-apiserver", state: "unwell", detail: "/readyz is answered with 500" },
      ],
    ]);
  });

  it("never takes a process that nobody could ask about for one that is down", () => {
    const unknown = { state: "unknown", through: "process-unknowable", startedAt: null } as const;
    expect(
      told({ processes: { "kube-scheduler": unknown } }).map(([code, severity]) => [code, severity]),
    ).toEqual([["process-unseen", "info"]]);
    expect(
      told({
        processes: { "kube-scheduler": unknown },
        served: { "m1/kube-scheduler/10259": { state: "unreachable", reason: "ECONNREFUSED" } },
      }).map(([code, severity]) => [code, severity]),
    ).toEqual([
      ["process-unseen", "warning"],
      ["endpoint-unreachable", "critical"],
    ]);
  });

  it.each([
    [{ hasLeader: false }, "critical", { problem: "no-leader", detail: "" }],
    [{ readFailure: "no quorum" }, "critical", { problem: "no-read", detail: "no quorum" }],
    [
      { alarms: [{ kind: "NOSPACE", member: "8e9e05c52164694d" }] },
      "critical",
      { problem: "alarm", detail: "NOSPACE 8e9e05c52164694d" },
    ],
    [{ errors: ["slow"] }, "warning", { problem: "errors", detail: "slow" }],
  ] as const)("tells what is wrong with etcd: %j", (change, severity, params) => {
    const etcd = { state: "seen", value: { ...report, ...change } } as const;
    expect(told({ etcd })).toEqual([["etcd-unwell", severity, "etcd", params]]);
  });

  it("tells an etcd that cannot be asked, and an API that does not write", () => {
    expect(told({ etcd: { state: "failed", reason: "refused" } })).toEqual([
      ["etcd-unwell", "critical", "etcd", { problem: "no-status", detail: "refused" }],
    ]);
    expect(told({ write: { state: "failed", reason: "answered with 403" } })).toEqual([
      ["api-not-writable", "critical", "kube-apiserver", { reason: "answered with 403" }],
    ]);
  });

  it("sweeps the cluster: nodes, pods, logs, and what it could not look at", () => {
    const container = { pod: "kube-system/a", container: "c", node: "w1", restarts: 7 };
    const found: Sweep = {
      nodes: {
        state: "seen",
        value: [
          { name: "w1", isReady: false, reason: "NodeStatusUnknown", since: 5 },
          { name: "m1", isReady: true, reason: "KubeletReady", since: 5 },
        ],
      },
      containers: {
        state: "seen",
        value: [
          { ...container, isCrashLooping: true },
          { ...container, isCrashLooping: false },
        ],
      },
      logs: {
        state: "seen",
        value: [{ pod: "kube-system/a", container: "c", node: "w1", count: 2, line: "Unauthorized" }],
      },
      logsRead: 2,
      apiBackends: {
        state: "seen",
        value: [
          { pod: "kube-system/old", node: "w1", runsSince: today - 365 * day, apiServices: ["v1.x"] },
          { pod: "kube-system/young", node: "w1", runsSince: today - 364 * day, apiServices: ["v1.y"] },
        ],
      },
    };
    expect(told({ sweep: { state: "seen", value: found } })).toEqual([
      ["node-not-ready", "warning", "w1", { reason: "NodeStatusUnknown", since: 5 }],
      ["pod-crashing", "warning", "kube-system/a", { pod: "kube-system/a", container: "c", restarts: 7 }],
      [
        "log-unauthorized",
        "warning",
        "kube-system/a",
        { pod: "kube-system/a", container: "c", count: 2, line: "Unauthorized" },
      ],
      [
        "api-backend-old",
        "warning",
        "kube-system/old",
        { pod: "kube-system/old", apiServices: ["v1.x"], runsSince: today - 365 * day },
      ],
    ]);
    const blind = { ...sweep, logs: { state: "failed", reason: "502" } } as const;
    expect(told({ sweep: { state: "seen", value: blind } })).toEqual([
      ["sweep-incomplete", "warning", "logs", { what: "logs", reason: "502" }],
    ]);
    expect(told({ sweep: { state: "failed", reason: "no key" } })).toEqual([
      ["sweep-incomplete", "warning", "nodes", { what: "nodes", reason: "no key" }],
    ]);
  });
});

describe("the proofs", () => {
  it("say thing by thing what was seen", () => {
    const state = running({ etcd: { state: "seen", value: report }, sweep: { state: "seen", value: sweep } });
    const lines = proofs(facts, state).map(({ kind, subject, outcome }) => `${outcome} ${kind} ${subject}`);
    expect(lines).toEqual([
      "proved process kube-apiserver",
      "proved served kube-apiserver 127.0.0.1:6443",
      "proved served kube-apiserver 127.0.0.1:6443 (apiserver-loopback-client)",
      "proved process kube-scheduler",
      "proved served kube-scheduler 127.0.0.1:10259",
      "proved etcd etcd",
      "proved write kube-apiserver",
      // Of nothing nothing is proved.
      "skipped nodes nodes",
      "skipped pods pods",
      "skipped logs logs",
    ]);
  });

  it("fail where a finding is critical, and are skipped where nobody asked", () => {
    const state = running({
      served: { "m1/kube-apiserver/6443": stored({ certificateSha256: "other" }) },
      processes: { "kube-scheduler": { state: "unknown", through: "process-unknowable" } },
      write: { state: "skipped" },
      etcd: { state: "seen", value: { ...report, readFailure: "no quorum" } },
    });
    const outcomes = Object.fromEntries(
      proofs(facts, state).map(({ kind, subject, outcome }) => [`${kind} ${subject}`, outcome]),
    );
    expect(outcomes).toMatchObject({
      "served kube-apiserver 127.0.0.1:6443": "failed",
      "process kube-scheduler": "skipped",
      "write kube-apiserver": "skipped",
      "etcd etcd": "failed",
      "nodes nodes": "skipped",
    });
  });
});
