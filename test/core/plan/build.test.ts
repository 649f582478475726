// What is planned and why: selection with its reasons, refusals with theirs, notices, and what the digest covers.
import { createPrivateKey } from "node:crypto";
import { cpSync, readFileSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAppError } from "../../../src/core/model/errors.ts";
import type { Plan, RenewRequest } from "../../../src/core/model/plan.ts";
import { buildPlan } from "../../../src/core/plan/build.ts";
import { leftOutOf } from "../../../src/core/plan/left-out.ts";
import { digestOfPlan } from "../../../src/core/plan/digest.ts";
import { parsePlan } from "../../../src/core/plan/parse-plan.ts";
import type { Facts, SlotFacts } from "../../../src/core/policy/facts.ts";
import { makeAuthority } from "../../../src/lab/lab-issuer.ts";
import {
  apiserverLeaf,
  authorityIn,
  controlPlane,
  day,
  edit,
  factsOf,
  issuedAt,
  pki,
  replacePair,
  today,
} from "../../support/control-plane.ts";
import { renewRequest } from "../../support/renew-request.ts";
import { fixture } from "../../support/fixtures.ts";

const frame = { toolVersion: "1.2.3", root: "/" };

async function planOf(root: string, changes: Partial<RenewRequest> = {}, at = today): Promise<Plan> {
  return buildPlan(await factsOf(root, at), { ...renewRequest, ...changes }, frame);
}

/** `apiserver: expired` for each slot that is not kept for being healthy. */
function toldBy(plan: Plan): readonly string[] {
  return plan.decisions.flatMap(({ slot, action, reasons }) => {
    const codes = reasons.map(({ code }) => code);
    return codes.every((code) => ["not-due", "kubelet-rotates", "not-selected"].includes(code))
      ? []
      : [`${slot.slice("m1/".length)}: ${action} ${codes.join(" ")}`];
  });
}

const refusalsOf = (plan: Plan): readonly string[] =>
  plan.refusals.map(({ code, slot }) => `${code} ${slot}`);

const leaf = async (root: string, changes: Partial<typeof apiserverLeaf>): Promise<void> =>
  void (await replacePair(root, "apiserver", {
    ...apiserverLeaf,
    authority: authorityIn(root, "ca"),
    ...changes,
  }));

describe("the default selection", () => {
  it("is empty on a healthy node: no step, no guard, no refusal", async () => {
    const plan = await planOf(await controlPlane());
    expect(toldBy(plan)).toEqual([]);
    expect([plan.phases, plan.guards, plan.refusals, plan.notices]).toEqual([[], [], [], []]);
  });

  it.each([
    ["expired", (root: string) => leaf(root, { notAfter: today - 1000 })],
    ["expiring", (root: string) => leaf(root, { notAfter: today + 30 * day - 1000 })],
    ["not-yet-valid", (root: string) => leaf(root, { notBefore: today + 1000 })],
    [
      "key-does-not-match",
      (root: string) => cpSync(pki(root, "front-proxy-client.key"), pki(root, "apiserver.key")),
    ],
    [
      "wrong-issuer",
      async (root: string) => {
        const authority = await makeAuthority("kubernetes", "ECDSA-P256", {
          notBefore: issuedAt,
          notAfter: issuedAt + 900 * day,
        });
        await replacePair(root, "apiserver", { ...apiserverLeaf, authority });
      },
    ],
  ] as readonly (readonly [string, (root: string) => void | Promise<void>])[])(
    "takes what is %s, and says so",
    async (reason, defect) => {
      const root = await controlPlane();
      await defect(root);
      expect(toldBy(await planOf(root))).toEqual([`apiserver: renew ${reason}`]);
    },
  );

  it("leaves what ends just after the threshold, and moves with --within", async () => {
    const root = await controlPlane();
    await leaf(root, { notAfter: today + 30 * day });
    expect(toldBy(await planOf(root))).toEqual([]);
    expect(toldBy(await planOf(root, { withinSeconds: 31 * 86_400 }))).toEqual(["apiserver: renew expiring"]);
  });

  it("leaves a linked kubelet certificate to the kubelet while it is valid, and an embedded one not", async () => {
    const late = issuedAt + 350 * day;
    const kubelet = async (kind: "linked" | "embedded"): Promise<unknown> =>
      (await planOf(await controlPlane({ kubelet: kind }), {}, late)).decisions.find(
        ({ slot }) => slot === "m1/kubelet.conf",
      );
    const notAfter = issuedAt + 365 * day;
    expect(await kubelet("linked")).toEqual({
      slot: "m1/kubelet.conf",
      action: "keep",
      reasons: [{ code: "kubelet-rotates", notAfter }],
    });
    expect(await kubelet("embedded")).toEqual({
      slot: "m1/kubelet.conf",
      action: "renew",
      reasons: [{ code: "expiring", notAfter }],
    });
  });

  it("says externally managed for what expired below a CA whose key is elsewhere", async () => {
    const plan = await planOf(fixture("kubeadm-external-ca-expired/m1"), {}, Date.UTC(2026, 10, 22));
    expect(toldBy(plan).filter((line) => line.endsWith("keep externally-managed"))).toEqual(
      [
        "apiserver",
        "apiserver-kubelet-client",
        "admin.conf",
        "controller-manager.conf",
        "scheduler.conf",
        "kubelet.conf",
      ].map((name) => `${name}: keep externally-managed`),
    );
    expect(plan.refusals).toEqual([]);
  });
});

describe("a fault of one CA or one key, and the rest of what is due", () => {
  const at = issuedAt + 364 * day;
  const etcd = ["apiserver-etcd-client", "etcd-healthcheck-client", "etcd-peer", "etcd-server"];
  const encrypt = (root: string, path: string): void => {
    const key = createPrivateKey(readFileSync(pki(root, path)));
    const options = { type: "pkcs8", format: "pem", cipher: "aes-128-cbc", passphrase: "x" } as const;
    writeFileSync(pki(root, path), key.export(options));
  };
  const outOf = (plan: Plan): readonly string[] =>
    leftOutOf(plan).map(
      ({ decision: { slot, reasons } }) =>
        `${slot.slice(3)} ${reasons.map((reason) => (reason.code === "refused" ? reason.refusal.code : reason.code)).join(" ")}`,
    );
  const written = (plan: Plan): readonly string[] =>
    plan.guards.filter(({ use }) => use === "written").map(({ address }) => address);

  it.each([
    ["authority-key-mismatch", (root: string) => cpSync(pki(root, "ca.key"), pki(root, "etcd/ca.key"))],
    ["authority-not-usable", (root: string) => writeFileSync(pki(root, "etcd/ca.crt"), "x")],
    ["authority-not-usable", (root: string) => writeFileSync(pki(root, "etcd/ca.key"), "x")],
    ["key-encrypted", (root: string) => encrypt(root, "etcd/ca.key")],
  ])("%s: all that this CA signed stays out together, the others are renewed", async (code, damage) => {
    const root = await controlPlane();
    damage(root);
    const plan = await planOf(root, {}, at);
    expect(plan.refusals).toEqual([]);
    expect(outOf(plan).toSorted()).toEqual(etcd.map((name) => `${name} ${code}`));
    expect(toldBy(plan)).toContain("apiserver: renew expiring");
    expect(written(plan).filter((address) => address.includes("etcd"))).toEqual([]);
    expect(plan.guards.filter(({ address }) => address.includes("/etcd/ca."))).toEqual([]);
  });

  it("an encrypted key leaves out its own certificate alone", async () => {
    const root = await controlPlane();
    encrypt(root, "apiserver.key");
    const plan = await planOf(root, {}, at);
    expect([plan.refusals, outOf(plan)]).toEqual([[], ["apiserver key-encrypted"]]);
    expect(written(plan).filter((address) => address.includes("/apiserver."))).toEqual([]);
    expect(toldBy(plan)).toContain("etcd-server: renew expiring");
  });

  it.each([{ names: ["apiserver", "etcd-peer"] }, { all: true }])("%o is refused whole", async (changes) => {
    const root = await controlPlane();
    encrypt(root, "apiserver.key");
    const plan = await planOf(root, changes, at);
    expect(refusalsOf(plan)).toEqual(["key-encrypted m1/apiserver"]);
    expect([plan.phases, plan.guards]).toEqual([[], []]);
  });

  it("when nothing else is due the plan is refused, not empty", async () => {
    const root = await controlPlane();
    encrypt(root, "ca.key");
    for (const path of ["etcd/ca.key", "front-proxy-ca.key"]) encrypt(root, path);
    const plan = await planOf(root, {}, at);
    expect(new Set(plan.refusals.map(({ code }) => code))).toEqual(new Set(["key-encrypted"]));
    expect(plan.phases).toEqual([]);
  });
});

describe("a copy whose original", () => {
  const copy = "m1/root/.kube/config";
  const reasonsOf = (plan: Plan): unknown => plan.decisions.find(({ slot }) => slot === copy)?.reasons;

  it.each([
    ["is broken", (root: string) => writeFileSync(`${root}/etc/kubernetes/admin.conf`, "{")],
    ["is gone", (root: string) => rmSync(`${root}/etc/kubernetes/admin.conf`)],
  ])("%s is not called another identity", async (_, damage) => {
    const root = await controlPlane();
    damage(root);
    expect(reasonsOf(await planOf(root))).toEqual([
      { code: "original-unreadable", original: "m1/admin.conf" },
    ]);
    const [refusal] = (await planOf(root, { names: ["root/.kube/config"] })).refusals;
    expect(refusal).toMatchObject({ detail: "its original admin.conf cannot be read" });
  });

  it("stays as it is, stays too: due, and for that reason", async () => {
    const root = await controlPlane();
    rmSync(pki(root, "ca.key"));
    expect(reasonsOf(await planOf(root, {}, issuedAt + 364 * day))).toEqual([
      { code: "original-kept", original: "m1/admin.conf" },
    ]);
  });
});

describe("named and asked for", () => {
  it("names narrow the selection to themselves", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    const plan = await planOf(root, { names: ["etcd-peer", "m1/scheduler.conf"] }, Date.UTC(2026, 10, 22));
    expect(toldBy(plan)).toEqual([
      "etcd-peer: renew expired requested",
      "scheduler.conf: renew expired requested",
    ]);
  });

  it("--all takes everything that kubeadm takes, copies behind it, and never the kubelet's own", async () => {
    const told = toldBy(await planOf(await controlPlane(), { all: true }));
    expect(told).toHaveLength(12);
    expect(told.filter((line) => line.endsWith("renew requested"))).toHaveLength(11);
    expect(told.at(-1)).toBe("root/.kube/config: follow follows");
  });

  it.each([["api-server"], ["admin"], ["m2/apiserver"]])(
    "an unknown name %s is told with the known ones",
    async (name) => {
      const error: unknown = await planOf(await controlPlane(), { names: [name] }).catch(
        (thrown: unknown) => thrown,
      );
      expect(isAppError(error, "name-unknown") && error.params).toMatchObject({ name });
      expect(isAppError(error, "name-unknown") && error.params.known).toContain("apiserver-etcd-client");
    },
  );

  it.each([
    [{ names: ["ca"] }, ["authority-not-renewable m1/ca"]],
    [{ names: ["etcd-ca", "sa"] }, ["authority-not-renewable m1/etcd-ca", "authority-not-renewable m1/sa"]],
    [
      { names: ["apiserver"], validityIsExplicit: true, validitySeconds: 20 * 365 * 86_400 },
      ["outlives-authority m1/apiserver"],
    ],
  ])("%o is refused", async (changes, expected) => {
    const plan = await planOf(await controlPlane(), changes);
    expect(refusalsOf(plan)).toEqual(expected);
    expect(plan.phases).toEqual([]);
  });

  it.each([
    ["externally-managed", (root: string) => rmSync(pki(root, "ca.key")), today],
    [
      "authority-key-mismatch",
      (root: string) => cpSync(pki(root, "etcd/ca.key"), pki(root, "ca.key")),
      today,
    ],
    ["authority-ending", () => {}, issuedAt + 3640 * day],
    ["authority-expired", () => {}, issuedAt + 3651 * day],
    ["authority-not-usable", (root: string) => rmSync(pki(root, "ca.crt")), today],
    ["missing-not-recreated", (root: string) => rmSync(pki(root, "apiserver.crt")), today],
    ["certificate-damaged", (root: string) => writeFileSync(pki(root, "apiserver.crt"), "x"), today],
    [
      "certificate-not-usable",
      (root: string) => {
        rmSync(pki(root, "apiserver.key"));
        mkdirSync(pki(root, "apiserver.key"));
      },
      today,
    ],
  ])("%s refuses the one that was named", async (code, defect, at) => {
    const root = await controlPlane();
    defect(root);
    expect(refusalsOf(await planOf(root, { names: ["apiserver"] }, at))).toEqual([`${code} m1/apiserver`]);
  });

  it("a copy that follows nothing is refused when it is named, not left out", async () => {
    const root = await controlPlane();
    rmSync(`${root}/etc/kubernetes/admin.conf`);
    expect(refusalsOf(await planOf(root, { names: ["root/.kube/config"] }))).toEqual([
      "certificate-not-usable m1/root/.kube/config",
    ]);
  });

  it("a key that two certificates share is kept or refused, never replaced under one of them", async () => {
    const root = await controlPlane();
    edit(root, "etc/kubernetes/manifests/etcd.yaml", "/etcd/peer.key", "/etcd/server.key");
    const names = ["etcd-server"];
    expect(refusalsOf(await planOf(root, { names }))).toEqual(["key-not-usable m1/etcd-server"]);
    expect(refusalsOf(await planOf(root, { names, keepKey: true }))).toEqual([]);
  });

  it("--keep-key is refused where the key is not the certificate's", async () => {
    const root = await controlPlane();
    cpSync(pki(root, "front-proxy-client.key"), pki(root, "apiserver.key"));
    expect(refusalsOf(await planOf(root, { names: ["apiserver"], keepKey: true }))).toEqual([
      "key-not-usable m1/apiserver",
    ]);
  });

  it("--keep-key and --key-algorithm are in the step, and a kept key's file is not written", async () => {
    const root = await controlPlane();
    const step = (plan: Plan): unknown => plan.phases.find(({ id }) => id === "issue")?.nodes[0]?.steps[0];
    const names = ["apiserver"];
    expect(step(await planOf(root, { names, keyAlgorithm: "rsa-3072" }))).toMatchObject({
      key: { mode: "generate", algorithm: "RSA-3072" },
    });
    expect(step(await planOf(root, { names }))).toMatchObject({
      key: { mode: "generate", algorithm: "ECDSA-P256" },
    });
    const kept = await planOf(root, { names, keepKey: true });
    expect(step(kept)).toMatchObject({ key: { mode: "keep", algorithm: "ECDSA-P256" } });
    expect(
      kept.guards.map(({ address, use }) => `${use} ${address.slice("file:m1:/etc/kubernetes/pki/".length)}`),
    ).toEqual(["written apiserver.crt", "read apiserver.key", "read ca.crt", "read ca.key"]);
  });

  it("a validity past the CA's end is capped, and the plan says to what", async () => {
    const plan = await planOf(await controlPlane({ caValiditySeconds: 200 * 86_400 }), {
      names: ["apiserver"],
    });
    expect(plan.refusals).toEqual([]);
    expect(plan.notices[0]).toEqual({
      code: "validity-capped",
      slot: "m1/apiserver",
      authority: "ca",
      notAfter: issuedAt + 200 * day,
    });
    expect(plan.phases.find(({ id }) => id === "issue")?.nodes[0]?.steps[0]).toMatchObject({
      notAfterCap: issuedAt + 200 * day,
    });
  });

  it("says which processes have to start again, and where a window opens", async () => {
    const plan = await planOf(await controlPlane(), { names: ["etcd-server", "scheduler.conf"] });
    expect(plan.notices).toEqual([
      { code: "swap-window", consumers: ["etcd"] },
      { code: "restart-needed", consumers: ["etcd", "kube-scheduler"] },
    ]);
  });
});

describe("the order of restarts by hand", () => {
  it("is the engine's: the kubelet, what others need, what judges others last", async () => {
    const plan = await planOf(fixture("kubeadm-ha-expired/m1"), { all: true });
    const notice = plan.notices.find(({ code }) => code === "restart-needed");
    expect(notice).toEqual({
      code: "restart-needed",
      consumers: ["kubelet", "etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager"],
    });
  });
});

describe("the digest", () => {
  const dueOf = async (): Promise<string> => fixture("kubeadm-ha-expired/m1");

  it("does not move with the clock", async () => {
    const root = await dueOf();
    const [one, other] = [
      await planOf(root, {}, Date.UTC(2026, 10, 22)),
      await planOf(root, {}, Date.UTC(2026, 10, 25)),
    ];
    expect(one.createdAt).not.toBe(other.createdAt);
    expect(one.digest).toBe(other.digest);
  });

  it("moves with every value of every guard and step, with profile, root and tool", async () => {
    const plan = await planOf(await dueOf(), { names: ["apiserver", "admin.conf"] }, Date.UTC(2026, 10, 22));
    const { digest, ...base } = plan;
    const changed = [
      ...leavesOf(base.guards).map((guards) => ({ ...base, guards })),
      ...leavesOf(base.phases).map((phases) => ({ ...base, phases })),
      ...leavesOf(base.profile).map((profile) => ({ ...base, profile })),
      { ...base, toolVersion: "1.2.4" },
      { ...base, root: "/other" },
    ];
    expect(changed.length).toBeGreaterThan(150);
    const digests = changed.map((each) => digestOfPlan(each));
    expect(new Set(digests).size).toBe(changed.length);
    expect(digests).not.toContain(digest);
  });

  it("survives being saved and read", async () => {
    const plan = await planOf(await dueOf(), {}, Date.UTC(2026, 10, 22));
    const read = parsePlan("plan.json", Buffer.from(JSON.stringify(plan)));
    expect(read).toEqual(plan);
    expect(digestOfPlan(read)).toBe(plan.digest);
  });
});

/** The value once for each of its leaves, with that leaf changed. */
function leavesOf<T>(value: T): readonly T[] {
  const variants = (node: unknown): readonly unknown[] => {
    if (Array.isArray(node))
      return node.flatMap((item: unknown, at) => variants(item).map((variant) => node.with(at, variant)));
    if (typeof node === "object" && node !== null) {
      return Object.entries(node).flatMap(([key, item]) =>
        variants(item).map((variant) => ({ ...node, [key]: variant })),
      );
    }
    if (typeof node === "number") return [node + 1];
    return [typeof node === "string" ? `${node}~` : "~"];
  };
  return variants(value) as readonly T[];
}

describe("a saved plan", () => {
  it.each([
    ["not JSON", "{", "not a JSON object"],
    ["a list", "[]", "not a JSON object"],
    ["of another format", '{"format":"perennial/plan/v2"}', "its format is not perennial/plan/v1"],
    ["cut short", '{"format":"perennial/plan/v1"}', "toolVersion is missing"],
    ["not UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), "not a JSON object"],
    ["huge", Buffer.alloc(4 * 1024 * 1024 + 1), "larger than 4194304 bytes"],
  ])("that is %s is told", (_, bytes, reason) => {
    expect(() => parsePlan("p.json", Buffer.from(bytes))).toThrow(
      expect.objectContaining({ code: "plan-invalid", params: { path: "p.json", reason } }),
    );
  });
});

describe("whatever the facts are", () => {
  /** Turns one slot's stored state into something else. */
  const defect = fc.record({
    at: fc.nat(),
    certificate: fc.constantFrom("as it is", "missing", "unreadable", "broken"),
    key: fc.constantFrom("as it is", "missing", "broken", "of another"),
  });
  const wish = fc.record({
    all: fc.boolean(),
    keepKey: fc.boolean(),
    named: fc.option(fc.nat(), { nil: undefined }),
  });

  function damaged(
    facts: Facts,
    defects: readonly { at: number; certificate: string; key: string }[],
  ): Facts {
    const slots = new Map(facts.slots);
    const ids = [...slots.keys()];
    for (const { at, certificate, key } of defects) {
      const slot = slots.get(ids[at % ids.length]!)!;
      const other = [...facts.slots.values()][(at + 1) % ids.length]!;
      slots.set(slot.slot.id, {
        ...slot,
        certificate: replaced(slot.certificate, certificate, slot),
        key: key === "of another" ? other.key : replaced(slot.key, key, slot),
      });
    }
    return { ...facts, slots };
  }

  function replaced<T extends SlotFacts["certificate"] | SlotFacts["key"]>(
    stored: T,
    how: string,
    slot: SlotFacts,
  ): T {
    const address = slot.slot.holder.form === "pem" ? slot.slot.holder.certificate : slot.slot.holder.file;
    switch (how) {
      case "missing":
        return { state: "missing", address, danglingLink: null } as T;
      case "unreadable":
        return { state: "unreadable", address, reason: "EIO" } as T;
      case "broken":
        return { state: "broken", address, fault: "key", reason: "x" } as T;
      default:
        return stored;
    }
  }

  it("every slot has one decision, nothing observed is written, and a refused plan does nothing", async () => {
    const root = fixture("kubeadm-ha-expired/m2");
    writeFileSync(pki(root, "extra.crt"), "");
    cpSync(pki(root, "ca.crt"), pki(root, "extra.crt"));
    const at = Date.UTC(2026, 10, 22);
    const healthy = await factsOf(root, at);
    const observed = [...healthy.slots.values()]
      .filter(({ slot }) => slot.management === "observe")
      .map(({ slot }) => slot.id);
    expect(observed).toEqual(["m2/etc/kubernetes/pki/extra.crt"]);
    const forbidden = new Set([
      ...[...healthy.authorities.values()].flatMap(({ slot }) => [slot.certificate.path, slot.key.path]),
      ...healthy.keyPairs.flatMap(({ slot }) => [slot.publicKey.path, slot.privateKey.path]),
    ]);
    fc.assert(
      fc.property(fc.array(defect, { maxLength: 5 }), wish, (defects, { all, keepKey, named }) => {
        const facts = damaged(healthy, defects);
        const ids = [...facts.slots.keys()];
        const names = named === undefined ? [] : [ids[named % ids.length]!];
        const plan = buildPlan(facts, { ...renewRequest, all, keepKey, names }, frame);
        const decided = plan.decisions.map(({ slot }) => slot);
        const expected = [...facts.slots.values()]
          .filter(({ slot, certificate }) => !(slot.optional && certificate.state === "missing"))
          .map(({ slot }) => slot.id);
        expect(decided).toEqual(expected);
        for (const { slot, action, reasons } of plan.decisions) {
          expect(reasons.length).toBeGreaterThan(0);
          if (observed.includes(slot)) expect(action).toBe("keep");
        }
        const written = plan.guards
          .filter(({ use }) => use === "written")
          .map(({ address }) => address.slice("file:m2:".length));
        expect(written.filter((path) => forbidden.has(path))).toEqual([]);
        if (plan.refusals.length > 0) expect([plan.phases, plan.guards]).toEqual([[], []]);
        expect(buildPlan(facts, { ...renewRequest, all, keepKey, names }, frame)).toEqual(plan);
      }),
      { numRuns: 60 },
    );
  });
});
