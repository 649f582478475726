// Which processes are restarted, and every reason for it.
import { beforeAll, describe, expect, it } from "vitest";
import type { RestartDecision } from "../../../src/core/model/live.ts";
import { decideRestarts } from "../../../src/core/plan/restarts.ts";
import { reloadOf } from "../../../src/core/policy/reloads.ts";
import { controlPlane, day, issuedAt, today } from "../../support/control-plane.ts";
import {
  rewritten,
  type Seen,
  seen,
  startedAt,
  withProcess,
  withRotatedPair,
  withServed,
  withVersion,
} from "../../support/live-facts.ts";

const base = {} as { healthy: Seen; expired: Seen };

beforeAll(async () => {
  const root = await controlPlane({ kubelet: "embedded" });
  base.healthy = await seen(root);
  base.expired = await seen(root, issuedAt + 366 * day);
});

function decide(situation: Seen, changed: readonly string[] = []): readonly RestartDecision[] {
  return decideRestarts({ ...situation, changed: new Set(changed.map((name) => `m1/${name}`)) });
}

/** `bounce reads-once`, `keep nothing-changes`. */
function of(consumer: string, decisions: readonly RestartDecision[]): string {
  const { action, reasons } = decisions.find((decision) => decision.consumer === consumer)!;
  return `${action} ${reasons.map(({ code }) => code).join(" ")}`;
}

const reasonsOf = (consumer: string, decisions: readonly RestartDecision[]) =>
  decisions.find((decision) => decision.consumer === consumer)?.reasons;

describe("restarts", () => {
  it("are not needed where nothing changes: one decision per process, in the order of restarts", () => {
    expect(decide(base.healthy)).toEqual(
      ["kubelet", "etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager"].map((consumer) => ({
        consumer,
        action: "keep",
        reasons: [{ code: "nothing-changes" }],
      })),
    );
  });

  it.each(["exited", "absent"] as const)("are needed for what is dead (%s)", (state) => {
    const decisions = decide(withProcess(base.healthy, { consumer: "etcd", state }));
    expect(reasonsOf("etcd", decisions)).toEqual([{ code: "dead", state }]);
    expect(of("etcd", decisions)).toBe("bounce dead");
  });

  it("are never of one etcd member among several, however its files change; the notice stays", () => {
    const { facts, live } = withVersion(base.healthy, "etcd", "3.1.18");
    const etcd = live.inventory.etcd && { ...live.inventory.etcd, members: 3 };
    const several = { facts, live: { ...live, inventory: { ...live.inventory, etcd } } };
    expect(reasonsOf("etcd", decide(several, ["etcd-server"]))).toEqual([
      { code: "several-members", members: 3 },
    ]);
    // A member that is dead takes nothing from the quorum.
    expect(of("etcd", decide(withProcess(several, { consumer: "etcd", state: "exited" })))).toBe(
      "bounce dead",
    );
  });

  it("are needed for what says that it is unwell", () => {
    const ailment = "/readyz is answered with 500: [-]etcd failed";
    const decisions = decide(withProcess(base.healthy, { consumer: "kube-apiserver", ailment }));
    expect(reasonsOf("kube-apiserver", decisions)).toEqual([{ code: "unwell", ailment }]);
  });

  it("are needed for what reads once what the plan changes", () => {
    const decisions = decide(base.healthy, ["scheduler.conf", "kubelet.conf"]);
    expect(of("kube-scheduler", decisions)).toBe("bounce reads-once");
    expect(of("kubelet", decisions)).toBe("bounce reads-once");
    expect(of("kube-controller-manager", decisions)).toBe("keep nothing-changes");
  });

  it("are needed for an API server that reloads but holds what has expired, etcd excepted", () => {
    const decisions = decide(base.expired, ["etcd-server", "apiserver-etcd-client"]);
    expect(reasonsOf("kube-apiserver", decisions)).toEqual([
      { code: "holds-expired", slot: expect.stringMatching(/^m1\/apiserver/) as unknown },
    ]);
    expect(of("etcd", decisions)).toBe("await reloads");
  });

  it("are needed for what began before its file was written, by whomever", () => {
    const decisions = decide(rewritten(base.healthy, "m1/scheduler.conf", startedAt + 1));
    expect(reasonsOf("kube-scheduler", decisions)).toEqual([
      { code: "started-before", slot: "m1/scheduler.conf", startedAt },
    ]);
    expect(of("kube-scheduler", decide(rewritten(base.healthy, "m1/scheduler.conf", startedAt)))).toBe(
      "keep nothing-changes",
    );
  });

  it("are not needed for a file that is newer than a process which reloads it, nor where the start is unknown", () => {
    expect(of("etcd", decide(rewritten(base.healthy, "m1/etcd-server", startedAt + 1)))).toBe(
      "keep nothing-changes",
    );
    const unknown = withProcess(base.healthy, { consumer: "kube-scheduler", startedAt: null });
    expect(of("kube-scheduler", decide(rewritten(unknown, "m1/scheduler.conf", today)))).toBe(
      "keep nothing-changes",
    );
  });

  it("are needed where another serial is served than is stored", () => {
    const endpoint = base.healthy.live.inventory.processes.find(
      ({ consumer }) => consumer === "kube-apiserver",
    )!.endpoints[0]!.id;
    const other = withServed(base.healthy, endpoint, { serialHex: "0abc" });
    expect(reasonsOf("kube-apiserver", decide(other))).toEqual([
      { code: "serves-other", endpoint, serialHex: "0abc" },
    ]);
    // What the plan changes is compared after it.
    expect(of("kube-apiserver", decide(other, ["apiserver"]))).toBe("await reloads");
    const silent = withServed(base.healthy, endpoint, { state: "unreachable", reason: "ECONNREFUSED" });
    expect(of("kube-apiserver", decide(silent))).toBe("keep nothing-changes");
  });

  it("are not decided for what cannot be looked at", () => {
    const through = "process-unknowable";
    const decisions = decide(withProcess(base.healthy, { consumer: "etcd", state: "unknown", through }), [
      "etcd-server",
    ]);
    expect(decisions.find(({ consumer }) => consumer === "etcd")).toEqual({
      consumer: "etcd",
      action: "keep",
      reasons: [{ code: "not-here", through }],
    });
  });
});

describe("the API server's certificate for itself", () => {
  const id = "m1/kube-apiserver/127.0.0.1:6443@apiserver-loopback-client";
  const at = (situation: Seen, notAfter: number) => withServed(situation, id, { notAfter });
  const unseen = (situation: Seen) => withServed(situation, id, { state: "unreachable", reason: "x" });

  it("is renewed by a restart when it ends within 30 days", () => {
    const decisions = decide(at(base.healthy, today + 30 * day));
    expect(reasonsOf("kube-apiserver", decisions)).toEqual([{ code: "loopback-certificate", startedAt }]);
    expect(of("kube-apiserver", decide(at(base.healthy, today + 30 * day + 1)))).toBe("keep nothing-changes");
  });

  it("is taken to live a year from the start before 1.33, and for ever from there, when it is not seen", () => {
    const old = withProcess(base.healthy, { consumer: "kube-apiserver", startedAt: today - 336 * day });
    expect(of("kube-apiserver", decide(unseen(withVersion(old, "kube-apiserver", "1.32.9"))))).toBe(
      "bounce loopback-certificate",
    );
    expect(of("kube-apiserver", decide(unseen(withVersion(old, "kube-apiserver", "1.33.0"))))).toBe(
      "keep nothing-changes",
    );
    const younger = withProcess(base.healthy, { consumer: "kube-apiserver", startedAt: today - 334 * day });
    expect(of("kube-apiserver", decide(unseen(withVersion(younger, "kube-apiserver", "1.32.9"))))).toBe(
      "keep nothing-changes",
    );
  });

  it("is believed when it is seen, whatever the version", () => {
    const seenSoon = at(withVersion(base.healthy, "kube-apiserver", "1.34.0"), today + day);
    expect(of("kube-apiserver", decide(seenSoon))).toBe("bounce loopback-certificate");
  });
});

describe("the kubelet", () => {
  it("does not look at kubelet.conf while its rotated pair is valid", () => {
    const valid = withRotatedPair(base.healthy, "m1/kubelet.conf", today + day);
    expect(of("kubelet", decide(valid, ["kubelet.conf"]))).toBe("keep nothing-changes");
    expect(of("kubelet", decide(valid, ["kubelet-client"]))).toBe("bounce reads-once");
    const expired = withRotatedPair(base.healthy, "m1/kubelet.conf", today);
    expect(of("kubelet", decide(expired, ["kubelet.conf"]))).toBe("bounce reads-once");
  });

  it("is not restarted because of pairs that it wrote itself since it began", async () => {
    const pair = withRotatedPair(base.healthy, "m1/kubelet.conf", today + day);
    expect(of("kubelet", decide(rewritten(pair, "m1/kubelet-client", startedAt + 1)))).toBe(
      "keep nothing-changes",
    );
    const linked = await seen(await controlPlane({ kubelet: "linked" }));
    expect(of("kubelet", decide(rewritten(linked, "m1/kubelet.conf", startedAt + 1)))).toBe(
      "keep nothing-changes",
    );
    expect(of("kubelet", decide(rewritten(base.healthy, "m1/kubelet.conf", startedAt + 1)))).toBe(
      "bounce started-before",
    );
  });
});

describe("reloading", () => {
  const slot = (consumer: string, version: string | null) => ({
    ...base.healthy.live.inventory.processes[0]!,
    consumer,
    version,
  });

  it.each([
    ["etcd", "3.1.18", null],
    ["etcd", "3.2.0", { code: "reloads", since: "3.2", version: "3.2.0" }],
    ["etcd", "3.10.0", { code: "reloads", since: "3.2", version: "3.10.0" }],
    ["etcd", "4.0.0", { code: "reloads", since: "3.2", version: "4.0.0" }],
    ["etcd", null, null],
    ["kube-apiserver", "1.18.20", null],
    ["kube-apiserver", "1.19.0", { code: "reloads", since: "1.19", version: "1.19.0" }],
    ["kube-apiserver", null, null],
    ["kube-scheduler", "1.34.0", null],
    ["kube-controller-manager", "1.34.0", null],
    ["kubelet", "1.34.0", null],
  ] as const)("of %s %s", (consumer, version, expected) => {
    expect(reloadOf(slot(consumer, version))).toEqual(expected);
  });

  it.each([
    ["etcd", "3.1.18", "etcd-server", "bounce reads-once"],
    ["etcd", "3.4.13", "etcd-server", "await reloads"],
    ["etcd", null, "etcd-server", "bounce reads-once"],
    ["kube-apiserver", "1.18.20", "apiserver", "bounce reads-once"],
    ["kube-apiserver", "1.19.0", "apiserver", "await reloads"],
    ["kube-apiserver", null, "apiserver", "bounce reads-once"],
  ] as const)("decides for %s %s when %s changes: %s", (consumer, version, slotName, expected) => {
    const decisions = decide(withVersion(base.healthy, consumer, version), [slotName]);
    expect(of(consumer, decisions)).toBe(expected);
  });
});
