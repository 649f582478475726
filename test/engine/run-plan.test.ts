// Running plans on a node in memory: what is written, what is refused, what a failure leaves.
import { describe, expect, it } from "vitest";
import { AppError, isAppError } from "../../src/core/model/errors.ts";
import { parseCertificate } from "../../src/core/pki/certificate.ts";
import { subjectAltNames } from "../../src/core/pki/extensions.ts";
import { encodePem, parsePem } from "../../src/core/pki/pem.ts";
import { encodePrivateKey, type KeySpec, type PrivateKey } from "../../src/core/pki/keys.ts";
import type { Address } from "../../src/core/model/address.ts";
import type { Observation, ReadOptions } from "../../src/engine/ports/store.ts";
import type { Plan } from "../../src/core/model/plan.ts";
import { issueSteps } from "../../src/core/plan/steps.ts";
import { readLock } from "../../src/engine/lock.ts";
import { runPlan } from "../../src/engine/run-plan.ts";
import { resumeRun } from "../../src/engine/resume-run.ts";
import { listRuns, showRun, unfinishedRun } from "../../src/engine/runs.ts";
import { errorOf } from "../support/errors.ts";
import { MemoryWorld, startOfTime } from "../support/memory-world.ts";
import { certificateAt, leaks, mismatches } from "../support/tiny-checks.ts";
import {
  address,
  installTinyCluster,
  newAuthority,
  newKey,
  paths,
  planFor,
  sealed,
} from "../support/tiny-cluster.ts";

function setUp(): {
  readonly world: MemoryWorld;
  readonly plan: Plan;
  readonly before: Record<string, string>;
} {
  const world = new MemoryWorld();
  installTinyCluster(world);
  return { world, plan: planFor(world), before: world.tree() };
}

function failOnce(world: MemoryWorld, operation: string, match: (name: string) => boolean): void {
  world.fail = (found, name) => {
    if (found !== operation || !match(name)) return;
    world.fail = () => {};
    throw new AppError("store-write-failed", { address: name, operation, cause: "ENOSPC" });
  };
}

describe("running a plan", () => {
  it("gives up before the first live byte when its window has closed meanwhile", async () => {
    const { world, plan, before } = setUp();
    const { ports } = world.spawn();
    const window = { fromAt: startOfTime - 1, toAt: startOfTime - 1 };
    const result = await runPlan(ports, plan, { window });
    expect(result).toMatchObject({ outcome: "abandoned", changed: [], error: { code: "outside-window" } });
    expect(result.error?.params).toMatchObject(window);
    const after = world.tree();
    expect(Object.fromEntries(Object.keys(before).map((path) => [path, after[path]]))).toEqual(before);
  });

  it.each([-7_200_000, 730 * 86_400_000])(
    "gives up before the first live byte when the clock was set meanwhile, by %i ms",
    async (byMs) => {
      const { world, plan, before } = setUp();
      const { ports } = world.spawn({
        onHit: (point) => {
          if (point !== "file.after-sync" || world.steppedMs !== 0) return;
          world.now += byMs;
          world.steppedMs += byMs;
        },
      });
      const result = await runPlan(ports, plan);
      expect(result).toMatchObject({
        outcome: "abandoned",
        error: { code: "clock-stepped", params: { byMs } },
      });
      const after = world.tree();
      expect(Object.fromEntries(Object.keys(before).map((path) => [path, after[path]]))).toEqual(before);
    },
  );

  it("takes its time: an hour that both clocks saw go by is no step", async () => {
    const { world, plan } = setUp();
    const { ports } = world.spawn({
      onHit: (point) => {
        if (point === "file.after-sync") world.now += 600_000;
      },
    });
    expect(await runPlan(ports, plan)).toMatchObject({ outcome: "succeeded" });
  });

  it("begins every key before it looks at what the plan was made from, and each once", async () => {
    const { world, plan } = setUp();
    const { ports } = world.spawn();
    const order: string[] = [];
    const watched = {
      ...ports,
      keys: {
        generate(spec: KeySpec): Promise<PrivateKey> {
          order.push("key");
          return ports.keys.generate(spec);
        },
      },
      store: {
        ...ports.store,
        read(at: Address, options?: ReadOptions): Promise<Observation> {
          order.push("read");
          return ports.store.read(at, options);
        },
      },
    };
    await runPlan(watched, plan);
    const fresh = issueSteps(plan).filter(({ key }) => key.mode === "generate");
    expect(order.filter((what) => what === "key")).toHaveLength(fresh.length);
    expect(order.lastIndexOf("key")).toBeLessThan(order.indexOf("read"));
  });

  it("renews every certificate and copy, and touches nothing else", async () => {
    const { world, plan, before } = setUp();
    const { ports, events } = world.spawn();
    const result = await runPlan(ports, plan, { ticket: "CHG-1", reason: "expired" });
    expect(result).toMatchObject({ outcome: "succeeded", error: null, rolledBack: false, leftAlone: [] });
    expect(result.issued.map(({ slot }) => slot)).toEqual([
      "m1/apiserver",
      "m1/etcd-server",
      "m1/kubelet-client",
      "m1/admin.conf",
      "m1/node",
    ]);
    const after = world.tree();
    const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
    const written = plan.guards.filter(({ use }) => use === "written").map((guard) => guard.address);
    expect(changed.map(address).toSorted()).toEqual(written.toSorted());
    expect([...result.changed].toSorted()).toEqual(written.toSorted());
    expect(mismatches(world)).toEqual([]);
    expect([...world.temporaries.keys()]).toEqual([]);
    expect(events.at(-1)).toEqual({ type: "run-ended", run: result.run, outcome: "succeeded" });
    expect(await readLock(ports.state)).toMatchObject({ token: 1, state: "free", what: "renew" });
    expect(await unfinishedRun(ports.state)).toBeNull();
  });

  it("gives whole seconds, five minutes of backdating and a positive serial of 16 bytes", async () => {
    const { world, plan } = setUp();
    world.now = startOfTime + 123;
    const { issued } = await runPlan(world.spawn().ports, plan);
    for (const each of issued) {
      expect(each.notBefore).toBe(startOfTime - 300_000);
      expect(each.notAfter).toBe(startOfTime + 365 * 86_400_000);
      expect(each.serialHex).toMatch(/^[0-9a-f]{30,32}$/);
    }
    expect(new Set(issued.map(({ serialHex }) => serialHex)).size).toBe(5);
    expect(subjectAltNames(certificateAt(world, paths.apiserver)).map(({ value }) => value)).toEqual([
      "kube-apiserver",
      "10.0.0.1",
      "lb.example",
    ]);
  });

  it("keeps what stands around the blocks, the owner, the label and the link", async () => {
    const { world, plan } = setUp();
    const file = (path: string): string => Buffer.from(world.files.get(path)!.bytes).toString();
    const old = { ...world.files.get(paths.etcdServer)! };
    const authority = parsePem(world.files.get(paths.apiserver)!.bytes).blocks[1]!.der;
    await runPlan(world.spawn().ports, plan);
    expect(file(paths.apiserver).startsWith("Certificate: text above\n-----BEGIN CERTIFICATE-----\n")).toBe(
      true,
    );
    expect(
      file(paths.apiserver).endsWith(
        `${Buffer.from(encodePem("CERTIFICATE", authority)).toString()}# tail\n`,
      ),
    ).toBe(true);
    expect(
      file(paths.apiserverKey).startsWith(
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n-----BEGIN EC PRIVATE KEY-----\n",
      ),
    ).toBe(true);
    expect(file(paths.admin)).toContain("# kept by hand\n");
    expect(world.files.get(paths.etcdServer)).toMatchObject({
      uid: old.uid,
      gid: old.gid,
      xattrs: old.xattrs,
      mtimeMs: startOfTime,
    });
    expect(world.files.get(paths.etcdServerKey)!.mode).toBe(0o600);
    expect(world.files.get(paths.node)!.link).toBe("/var/lib/kubelet/pki/kubelet-client-2025.pem");
  });

  it("writes no byte of a key into the plan, the journal or the lock", async () => {
    const { world, plan } = setUp();
    await runPlan(world.spawn().ports, plan);
    expect(world.generated).toHaveLength(4);
    expect(leaks(world)).toEqual([]);
    world.state.set("probe", encodePrivateKey(world.generated[0]!.keyObject, "sec1"));
    expect(leaks(world)).toEqual(["probe"]);
  });

  it("journals intents of a pair together and effects after both", async () => {
    const { world, plan } = setUp();
    const { ports } = world.spawn();
    const { run } = await runPlan(ports, plan);
    const { entries, view } = await showRun(ports.state, run);
    const from = entries.findIndex(({ body }) => body.type === "all-staged");
    expect(
      entries.slice(from, from + 5).map(({ body }) => [body.type, "step" in body ? body.step : ""]),
    ).toEqual([
      ["all-staged", ""],
      ["intent", `swap ${address(paths.apiserverKey)}`],
      ["intent", `swap ${address(paths.apiserver)}`],
      ["effect", `swap ${address(paths.apiserverKey)}`],
      ["effect", `swap ${address(paths.apiserver)}`],
    ]);
    expect(view.state).toBe("succeeded");
    expect(entries.filter(({ body }) => body.type === "proof")).toHaveLength(5);
  });
});

describe("a plan that does not fit the world", () => {
  const changes = [
    ["bytes", (world: MemoryWorld) => ({ ...world.files.get(paths.admin)!, bytes: Uint8Array.of(1) })],
    ["mode", (world: MemoryWorld) => ({ ...world.files.get(paths.admin)!, mode: 0o644 })],
    ["owner", (world: MemoryWorld) => ({ ...world.files.get(paths.admin)!, uid: 7 })],
    ["owner", (world: MemoryWorld) => ({ ...world.files.get(paths.admin)!, gid: 9 })],
    ["link", (world: MemoryWorld) => ({ ...world.files.get(paths.admin)!, link: "/elsewhere" })],
  ] as const;

  it.each(changes)("is stale when %s changed, with both values", async (what, change) => {
    const { world, plan } = setUp();
    world.put(paths.admin, change(world));
    const before = world.tree();
    const error = await errorOf(runPlan(world.spawn().ports, plan));
    if (!isAppError(error, "plan-stale")) throw error;
    const { differences } = error.params;
    expect(error.code).toBe("plan-stale");
    expect(differences.map((each) => [each.address, each.what])).toEqual([[address(paths.admin), what]]);
    expect(differences[0]!.planned).not.toBe(differences[0]!.found);
    expect(world.tree()).toEqual(before);
    expect([...world.state.keys()].filter((name) => name.startsWith("runs/"))).toEqual([]);
  });

  it("is stale when objects vanished, and tells all of them", async () => {
    const { world, plan } = setUp();
    world.files.delete(paths.admin);
    world.files.delete(paths.ca);
    const error = await errorOf(runPlan(world.spawn().ports, plan));
    expect(error.params).toEqual({
      differences: [paths.ca, paths.admin].map((path) => ({
        address: address(path),
        what: "presence",
        planned: "present",
        found: "absent",
      })),
    });
  });

  it("is stale when another version of the tool made it", async () => {
    const { world, plan } = setUp();
    const error = await errorOf(runPlan(world.spawn().ports, sealed({ ...plan, toolVersion: "0.0.9" })));
    expect(error.params).toEqual({
      differences: [{ address: "", what: "tool", planned: "0.0.9", found: "0.1.0" }],
    });
  });

  it("is invalid when edited, and when a step relies on what is not guarded", async () => {
    const { world, plan, before } = setUp();
    const { ports } = world.spawn();
    const edited = await errorOf(runPlan(ports, { ...plan, root: "/other" }));
    expect(edited.params).toEqual({ path: "digest", reason: "the digest is not that of the content" });
    const guards = plan.guards.filter((guard) => guard.address !== address(paths.ca));
    const unguarded = await errorOf(runPlan(ports, sealed({ ...plan, guards })));
    expect(unguarded.params).toEqual({
      path: address(paths.ca),
      reason: "a step uses it but there is no guard",
    });
    const phases = plan.phases.filter(({ id }) => id !== "back-up");
    const unbacked = await errorOf(runPlan(ports, sealed({ ...plan, phases })));
    expect(unbacked.params).toEqual({
      path: address(paths.apiserverKey),
      reason: "it is swapped without a step back-up",
    });
    expect(world.tree()).toEqual(before);
    expect(world.state.size).toBe(0);
  });

  it("has the same digest whatever the clock, the notices and the order of keys", () => {
    const { plan } = setUp();
    const { phases, guards, ...rest } = plan;
    const shuffled: Plan = { guards, ...rest, phases };
    expect(
      sealed({ ...shuffled, createdAt: "later", notices: [{ code: "restart-needed", consumers: [] }] })
        .digest,
    ).toBe(plan.digest);
    expect(sealed({ ...plan, root: "/other" }).digest).not.toBe(plan.digest);
  });
});

describe("a failure before everything is staged", () => {
  const places = [
    ["keep", (name: string) => name.includes("admin.conf")],
    ["stage", (name: string) => name === paths.node],
    ["append", (name: string) => name.endsWith("journal.jsonl")],
  ] as const;

  it.each(places)("at %s changes nothing live, and the next run works", async (operation, match) => {
    const { world, plan, before } = setUp();
    const process = world.spawn({
      onHit: (point, count) => {
        if (point === "run.after-guards" || (operation === "append" && count > 60))
          failOnce(world, operation, match);
      },
    });
    const result = await runPlan(process.ports, plan).catch((error: unknown) => error);
    expect(world.tree()).toEqual(before);
    expect([...world.temporaries.keys()]).toEqual([]);
    if (!(result instanceof AppError))
      expect(result).toMatchObject({ outcome: "abandoned", error: { code: "store-write-failed" } });
    world.fail = () => {};
    expect(await runPlan(world.spawn().ports, plan)).toMatchObject({ outcome: "succeeded" });
  });

  it("leaves no run folder when the run cannot begin", async () => {
    const { world, plan, before } = setUp();
    failOnce(world, "append", () => true);
    expect((await errorOf(runPlan(world.spawn().ports, plan))).code).toBe("store-write-failed");
    expect([...world.state.keys()].filter((name) => name.startsWith("runs/"))).toEqual([]);
    expect(world.tree()).toEqual(before);
  });

  it("stays open when the journal stays unwritable, and resumes once there is room", async () => {
    const { world, plan, before } = setUp();
    const process = world.spawn({
      onHit: (point) => {
        if (point !== "run.before-verify-staged") return;
        world.fail = (operation, name) => {
          if (operation === "append")
            throw new AppError("store-write-failed", { address: name, operation, cause: "ENOSPC" });
        };
      },
    });
    const result = await runPlan(process.ports, plan);
    expect(result).toMatchObject({
      outcome: "interrupted",
      error: { code: "store-write-failed" },
      changed: [],
    });
    expect(world.tree()).toEqual(before);
    world.fail = () => {};
    expect((await errorOf(runPlan(world.spawn().ports, plan))).params).toEqual({ run: result.run });
    expect(await resumeRun(world.spawn().ports, undefined)).toMatchObject({
      outcome: "succeeded",
      run: result.run,
    });
    expect(mismatches(world)).toEqual([]);
  });

  it("is an abort signal: the run is abandoned", async () => {
    const { world, plan, before } = setUp();
    const abort = new AbortController();
    const process = world.spawn({
      onHit: (point) => (point === "run.after-issue" ? abort.abort("SIGINT") : undefined),
    });
    const result = await runPlan(process.ports, plan, { signal: abort.signal });
    expect(result).toMatchObject({
      outcome: "abandoned",
      error: { code: "interrupted", params: { signal: "SIGINT" } },
    });
    expect(world.tree()).toEqual(before);
    expect(await unfinishedRun(process.ports.state)).toBeNull();
  });

  it("is an authority whose key does not match its certificate", async () => {
    const { world, before: _ } = setUp();
    world.put(paths.caKey, {
      ...world.files.get(paths.caKey)!,
      bytes: encodePrivateKey(newKey().keyObject, "sec1"),
    });
    const before = world.tree();
    const result = await runPlan(world.spawn().ports, planFor(world));
    expect(result).toMatchObject({ outcome: "abandoned", error: { code: "issue-refused" } });
    expect(world.tree()).toEqual(before);
  });
});

describe("a failure in the swap", () => {
  it("rolls back to the old tree, times and labels included", async () => {
    const { world, plan, before } = setUp();
    failOnce(world, "commit", (name) => name === paths.copy);
    const { ports, events } = world.spawn();
    const result = await runPlan(ports, plan);
    expect(result).toMatchObject({
      outcome: "rolled-back",
      rolledBack: true,
      changed: [],
      leftAlone: [],
      error: { code: "store-write-failed" },
    });
    expect(world.tree()).toEqual(before);
    expect([...world.temporaries.keys()]).toEqual([]);
    expect(events.filter(({ type }) => type === "undone")).toHaveLength(6);
  });

  it.each([paths.admin, paths.apiserver])(
    "leaves %s alone when somebody else wrote it first, and rolls back the rest",
    async (path) => {
      const { world, plan, before } = setUp();
      const foreign = { ...world.files.get(path)!, bytes: Uint8Array.from(Buffer.from("kubeadm was here")) };
      const process = world.spawn({
        onHit: (point) => (point === "run.after-swap" ? world.put(path, foreign) : undefined),
      });
      const result = await runPlan(process.ports, plan);
      expect(result).toMatchObject({
        outcome: "rolled-back",
        leftAlone: [address(path)],
        error: { code: "store-conflict" },
      });
      const { [path]: found, ...rest } = world.tree();
      expect(found).not.toBe(before[path]);
      expect(rest).toEqual(Object.fromEntries(Object.entries(before).filter(([name]) => name !== path)));
      expect(world.files.get(path)!.bytes).toEqual(foreign.bytes);
    },
  );

  it("rolls back when the proof fails", async () => {
    const { world, plan } = setUp();
    const { der } = newAuthority("impostor", 1);
    const process = world.spawn({
      onHit: (point) => {
        if (point === "run.before-prove")
          world.put(paths.ca, { ...world.files.get(paths.ca)!, bytes: encodePem("CERTIFICATE", der) });
      },
    });
    const result = await runPlan(process.ports, plan);
    expect(result).toMatchObject({ outcome: "rolled-back", error: { code: "proof-failed" } });
    expect(mismatches(world)).toEqual([]);
    expect(parseCertificate(certificateAt(world, paths.apiserver).der).serialHex).toBe("0b");
  });

  it("finishes the pair on an abort signal and stays open; resume finishes the run", async () => {
    const { world, plan } = setUp();
    const abort = new AbortController();
    const process = world.spawn({
      onHit: (point) => (point === "run.between-pair" ? abort.abort("SIGTERM") : undefined),
    });
    const result = await runPlan(process.ports, plan, { signal: abort.signal });
    expect(result).toMatchObject({
      outcome: "interrupted",
      error: { code: "interrupted", params: { signal: "SIGTERM" } },
    });
    expect([...result.changed]).toEqual([address(paths.apiserverKey), address(paths.apiserver)]);
    expect(mismatches(world)).toEqual([]);
    expect(await resumeRun(world.spawn().ports, result.run)).toMatchObject({ outcome: "succeeded" });
    expect(certificateAt(world, paths.etcdServer).notAfter).toBeGreaterThan(world.now);
    expect((await listRuns(process.ports.state)).map(({ view }) => view?.state)).toEqual(["succeeded"]);
  });

  it("writes nothing more once the lock is taken away", async () => {
    const { world, plan } = setUp();
    const thief = world.spawn();
    const taken: Promise<unknown>[] = [];
    const process = world.spawn({
      onHit: async (point) => {
        if (point !== "run.between-pair" || taken.length > 0) return;
        taken.push(resumeRun(thief.ports, undefined, { breakLock: true }));
        await taken[0];
      },
    });
    const result = await runPlan(process.ports, plan);
    expect(await Promise.all(taken)).toMatchObject([{ outcome: "succeeded" }]);
    expect(result).toMatchObject({ outcome: "interrupted" });
    expect(["lock-lost", "store-write-failed", "store-conflict"]).toContain(result.error!.code);
    expect(mismatches(world)).toEqual([]);
    expect(await showRun(thief.ports.state, result.run)).toMatchObject({ view: { state: "succeeded" } });
  });
});
