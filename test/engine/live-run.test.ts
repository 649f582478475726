// A run on a running node: saved, written, restarted in order, proved from what runs; and what becomes of it when something fails.
import { describe, expect, it } from "vitest";
import type { Plan } from "../../src/core/model/plan.ts";
import type { RunEvent } from "../../src/core/model/event.ts";
import { deriveRun } from "../../src/engine/derive-run.ts";
import { readJournal } from "../../src/engine/read-journal.ts";
import { resumeRun } from "../../src/engine/resume-run.ts";
import { summaryOf } from "../../src/app/run-summary.ts";
import { lastUndoable, showRun } from "../../src/engine/runs.ts";
import { rollbackRun } from "../../src/engine/rollback-run.ts";
import { runPlan } from "../../src/engine/run-plan.ts";
import type { RunOptions } from "../../src/engine/run-context.ts";
import { AppError } from "../../src/core/model/errors.ts";
import { cliMessages } from "../../src/report/cli-messages.ts";
import type { Failpoint } from "../../src/engine/failpoints.ts";
import type { MemoryLive } from "../support/memory-live.ts";
import { MemoryWorld } from "../support/memory-world.ts";
import { certificateAt, leaks } from "../support/tiny-checks.ts";
import { address, installTinyCluster, paths, sealed } from "../support/tiny-cluster.ts";
import { type LiveScene, liveScene } from "../support/tiny-live.ts";

const run = ({ world, plan }: LiveScene, options: RunOptions = {}) =>
  runPlan(world.spawn().ports, plan, options);

const serialAt = ({ world }: LiveScene, path: string) => certificateAt(world, path).serialHex;

/** The journal's bodies, as `type` or `type step`. */
function journalOf({ world }: LiveScene): readonly string[] {
  return entriesOf(world).map(({ body }) => ("step" in body ? `${body.type} ${body.step}` : body.type));
}

function entriesOf(world: MemoryWorld) {
  const file = [...world.state.keys()].find((name) => name.endsWith("journal.jsonl"));
  return readJournal(world.state.get(file!)!, file!).entries;
}

function expectAllWell(scene: LiveScene): void {
  const { live } = scene;
  for (const name of ["kubelet", "etcd", "kube-apiserver", "kube-scheduler"])
    expect([name, live.isWell(name)]).toEqual([name, true]);
  expect(live.holds("kube-apiserver", paths.apiserver)).toBe(serialAt(scene, paths.apiserver));
  expect(live.holds("etcd", paths.etcdServer)).toBe(serialAt(scene, paths.etcdServer));
  expect(live.holds("kubelet", paths.node)).toBe(serialAt(scene, paths.node));
}

describe("a run on a running node", () => {
  it("saves, restarts what read its files once, in order, and proves it", async () => {
    const scene = liveScene();
    expect(await run(scene)).toMatchObject({ outcome: "succeeded", error: null });
    expect(scene.live.log).toEqual([
      "snapshot",
      "revive kubelet",
      "start kubelet",
      "stop kube-apiserver",
      "start kube-apiserver",
      "stop kube-scheduler",
      "start kube-scheduler",
      "write",
    ]);
    expectAllWell(scene);
  });

  it("tells its audience of the phases in order, and of each process", async () => {
    const scene = liveScene();
    const events: RunEvent[] = [];
    await run(scene, { onEvent: (event) => events.push(event) });
    const told = events.flatMap((event) => {
      if (event.type === "phase-started") return [event.phase];
      if (event.type === "process") return [`${event.consumer} ${event.state}`];
      return event.type === "snapshot-taken" || event.type === "live-proved" ? [event.type] : [];
    });
    const restarted = (name: string) => ["stopping", "returned", "well"].map((state) => `${name} ${state}`);
    expect(told).toEqual([
      "snapshot",
      "snapshot-taken",
      "issue",
      "back-up",
      "stage",
      "swap",
      "prove",
      "restart",
      ...restarted("kubelet"),
      "etcd reloading",
      "etcd reloaded",
      ...restarted("kube-apiserver"),
      ...restarted("kube-scheduler"),
      "prove-live",
      "live-proved",
    ]);
    expect(events.at(-1)).toMatchObject({ type: "run-ended", outcome: "succeeded" });
  });

  it("journals who ran before each stop, and who runs after it", async () => {
    const scene = liveScene();
    const before = scene.live.lifeOf("kube-apiserver");
    await run(scene);
    const view = deriveRun(entriesOf(scene.world));
    expect(view?.steps.get("m1/bounce/kube-apiserver")).toMatchObject({
      instances: [before],
      effect: scene.live.lifeOf("kube-apiserver"),
    });
    expect(view?.steps.get("m1/bounce/etcd")).toMatchObject({ instances: null, effect: "reloaded" });
    expect(view?.snapshots).toMatchObject([{ form: "snapshot", file: "etcd-snapshot.db" }]);
  });

  it("restarts what should reload by itself and does not", async () => {
    const scene = liveScene();
    scene.live.behaviour("etcd").reloadsAfterMs = null;
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    expect(scene.live.log).toContain("stop etcd");
    expectAllWell(scene);
  });

  it("waits for a reload that takes its time", async () => {
    const scene = liveScene();
    scene.live.behaviour("etcd").reloadsAfterMs = 4000;
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    expect(scene.live.log).not.toContain("stop etcd");
  });

  it("starts a process that nobody starts any more", async () => {
    const scene = liveScene();
    scene.live.end("kube-apiserver", { held: true });
    scene.world.live = { openPort: (guard) => withoutRestore(scene.live, guard) };
    scene.live.behaviour("kube-apiserver").returnsAfterMs = null;
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    expect(scene.live.log).toContain("revive kube-apiserver");
    expectAllWell(scene);
  });

  it("gives a process that does not return by itself a push", async () => {
    const scene = liveScene();
    scene.live.behaviour("kube-scheduler").returnsAfterMs = null;
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    expect(scene.live.log).toEqual(
      expect.arrayContaining(["stop kube-scheduler", "revive kube-scheduler", "start kube-scheduler"]),
    );
  });

  it("outlives a process that ends twice before it stays", async () => {
    const scene = liveScene();
    scene.live.behaviour("kube-apiserver").crashes = 2;
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    expectAllWell(scene);
  });

  it("helps a crashed static pod out of the kubelet's back-off of five minutes, and says so", async () => {
    const scene = liveScene();
    const { live } = scene;
    Object.assign(live.behaviour("kube-apiserver"), { crashes: 2, backOffMs: 300_000 });
    const events: RunEvent[] = [];
    expect(await run(scene, { onEvent: (event) => events.push(event) })).toMatchObject({
      outcome: "succeeded",
    });
    expectAllWell(scene);
    const told = events.flatMap((event) =>
      event.type === "process" && event.consumer === "kube-apiserver" ? [event.state] : [],
    );
    expect(told).toEqual(["stopping", "returned", "unblocked", "unblocked", "well"]);
    expect(live.log.filter((line) => line === "stop kube-apiserver")).toHaveLength(3);
    // Not the first life that came, which has crashed.
    expect(deriveRun(entriesOf(scene.world))?.steps.get("m1/bounce/kube-apiserver")?.effect).toBe(
      live.lifeOf("kube-apiserver"),
    );
  });

  it("helps only so often: what crashes every time is not well in the end", async () => {
    const scene = liveScene();
    Object.assign(scene.live.behaviour("kube-apiserver"), { crashes: 1000, backOffMs: 300_000 });
    expect(await run(scene)).toMatchObject({
      outcome: "interrupted",
      error: { code: "bounce-failed", params: { consumer: "kube-apiserver", stage: "health" } },
    });
    // The restart itself, and six times help.
    expect(scene.live.log.filter((line) => line === "stop kube-apiserver")).toHaveLength(7);
  });

  it("helps once where the runtime's tool leaves what has exited in the list, and then waits", async () => {
    const scene = liveScene();
    const behaviour = { crashes: 1, backOffMs: 40_000, canBeRemoved: false };
    Object.assign(scene.live.behaviour("kube-apiserver"), behaviour);
    const states: string[] = [];
    const onEvent = (event: RunEvent): void => {
      if (event.type === "process" && event.consumer === "kube-apiserver") states.push(event.state);
    };
    expect(await run(scene, { onEvent })).toMatchObject({ outcome: "succeeded" });
    expect(states).toEqual(["stopping", "returned", "well"]);
    expect(scene.live.log.filter((line) => line === "stop kube-apiserver")).toHaveLength(2);
  });

  it("goes on when the process was gone just before it was to be stopped", async () => {
    const scene = liveScene();
    scene.world.fail = (operation, name) => {
      if (operation !== "stop" || name !== "kube-apiserver") return;
      scene.world.fail = () => {};
      scene.live.startAgain(name);
      throw new AppError("process-not-found", { consumer: name, through: "memory" });
    };
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    expectAllWell(scene);
  });

  it("puts back a manifest that a killed restart had taken away, before anything is stopped", async () => {
    const scene = liveScene();
    scene.live.end("kube-scheduler", { held: true });
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    expect(scene.live.log[1]).toBe("restore kube-scheduler");
    expectAllWell(scene);
  });
});

function withoutRestore(live: MemoryLive, guard: () => void) {
  const port = live.openPort(guard);
  return { ...port, processes: { ...port.processes, restore: async () => [] } };
}

describe("etcd's data", () => {
  it("that cannot be saved while it runs stops everything before the first write", async () => {
    const scene = liveScene();
    scene.world.fail = (operation) => {
      if (operation === "snapshot") throw new AppError("snapshot-failed", { step: "x", reason: "x" });
    };
    const result = await run(scene);
    expect(result).toMatchObject({ outcome: "abandoned", error: { code: "snapshot-failed" }, changed: [] });
    // The plan knows no other node: others may be what it waits for. Nothing was to be taken back.
    expect(result.error?.params).toMatchObject({ isAlone: true });
    expect(result.notTakenBack).toBeUndefined();
    expect(scene.world.tree()).toEqual(scene.before);
    expect(scene.live.log).toEqual([]);
  });

  it("of a stopped member is copied as it lies, and the member is started", async () => {
    const scene = liveScene();
    scene.live.end("etcd");
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    expect(scene.live.log[0]).toBe("cold-copy");
    expect(deriveRun(entriesOf(scene.world))?.snapshots).toMatchObject([
      { form: "cold-copy", file: "etcd-data" },
    ]);
    expectAllWell(scene);
  });

  it("of a stopped member whose data directory nobody names stops everything", async () => {
    const scene = liveScene();
    scene.live.end("etcd");
    const { digest: _, ...plan } = scene.plan;
    const phases = plan.phases.map((phase) => ({
      ...phase,
      nodes: phase.nodes.map(({ node, steps }) => ({
        node,
        steps: steps.map((step) => (step.kind === "snapshot" ? { ...step, dataDirectory: null } : step)),
      })),
    }));
    const result = await run({ ...scene, plan: sealed({ ...plan, phases }) });
    expect(result).toMatchObject({ outcome: "abandoned", error: { code: "snapshot-failed" } });
    expect(scene.world.tree()).toEqual(scene.before);
  });

  it("is saved anew by a resume, and told once", async () => {
    const scene = liveScene();
    await dieAt(scene, "run.after-snapshot");
    expect(await resumeRun(scene.world.spawn().ports, undefined)).toMatchObject({ outcome: "succeeded" });
    expect(scene.live.log.filter((line) => line === "snapshot")).toHaveLength(2);
    expect(deriveRun(entriesOf(scene.world))?.snapshots).toHaveLength(1);
  });
});

/** Runs the plan in a process that dies at the given hit of a failpoint; the last words are those of the process. */
async function dieAt(scene: LiveScene, point: Failpoint, nth = 0): Promise<void> {
  const { world, plan } = scene;
  let seen = 0;
  const victim = world.spawn({
    onHit: (hit) => {
      if (hit === point && seen++ === nth) {
        world.kill(victim);
        throw new Error("killed");
      }
    },
  });
  await runPlan(victim.ports, plan).catch(() => {});
  expect(victim.isDead).toBe(true);
}

describe("a process that does not come back", () => {
  const fail = async (scene: LiveScene) => {
    Object.assign(scene.live.behaviour("kube-apiserver"), {
      returnsAfterMs: null,
      canBeRevived: false,
    });
    return run(scene);
  };

  it("leaves a run open whose old certificates have expired: nobody goes back to them unasked", async () => {
    const scene = liveScene();
    expect(await fail(scene)).toMatchObject({
      outcome: "interrupted",
      error: { code: "bounce-failed", params: { consumer: "kube-apiserver", stage: "return" } },
      rolledBack: false,
    });
    expect(serialAt(scene, paths.apiserver)).not.toBe(certificateOf(scene.before));
    expect(journalOf(scene)).toContain("failed m1/bounce/kube-apiserver");
    expect(journalOf(scene)).not.toContain("rollback-started");
  });

  it("is restarted once more by a resume, when it can be", async () => {
    const scene = liveScene();
    await fail(scene);
    Object.assign(scene.live.behaviour("kube-apiserver"), { returnsAfterMs: 1500, canBeRevived: true });
    expect(await resumeRun(scene.world.spawn().ports, undefined)).toMatchObject({ outcome: "succeeded" });
    expectAllWell(scene);
  });

  it("and one that came back unwell is restarted anew by the resume, not only looked at", async () => {
    const scene = liveScene();
    scene.live.behaviour("kube-apiserver").wellAfterMs = null;
    expect(await run(scene)).toMatchObject({
      outcome: "interrupted",
      error: { code: "bounce-failed", params: { stage: "health" } },
    });
    const ill = scene.live.lifeOf("kube-apiserver");
    scene.live.behaviour("kube-apiserver").wellAfterMs = 800;
    const { ports } = scene.world.spawn();
    expect(await resumeRun(ports, undefined)).toMatchObject({ outcome: "succeeded" });
    expect(scene.live.lifeOf("kube-apiserver")).not.toBe(ill);
    expectAllWell(scene);
  });

  it("is a reason to go back to certificates that are valid, and everything restarted is restarted again", async () => {
    const scene = liveScene({ expired: false });
    scene.live.behaviour("kube-apiserver").wellAfterMs = null;
    expect(await run(scene)).toMatchObject({
      outcome: "rolled-back",
      error: { code: "bounce-failed" },
      rolledBack: true,
      changed: [],
    });
    expect(scene.world.tree()).toEqual(scene.before);
    expect(scene.live.log.slice(-4)).toEqual([
      "stop kube-apiserver",
      "start kube-apiserver",
      "revive kubelet",
      "start kubelet",
    ]);
    expect(scene.live.holds("kubelet", paths.node)).toBe(serialAt(scene, paths.node));
    expect(scene.live.holds("kube-apiserver", paths.apiserver)).toBe(serialAt(scene, paths.apiserver));
  });

  it("in the automatic rollback leaves it open; the resume finishes it", async () => {
    const scene = liveScene({ expired: false });
    expect(await fail(scene)).toMatchObject({ outcome: "interrupted", error: { code: "bounce-failed" } });
    expect(scene.world.tree()).toEqual(scene.before);
    Object.assign(scene.live.behaviour("kube-apiserver"), { returnsAfterMs: 1500, canBeRevived: true });
    expect(await resumeRun(scene.world.spawn().ports, undefined)).toMatchObject({
      outcome: "rolled-back",
      error: null,
    });
    scene.live.advance(5000);
    expectAllWell(scene);
  });

  it("can be rolled back to expired certificates by an operator who says so", async () => {
    const scene = liveScene();
    await fail(scene);
    const { ports } = scene.world.spawn();
    await expect(rollbackRun(ports, "last", { acceptExpired: false })).rejects.toMatchObject({
      code: "rollback-expired",
    });
    Object.assign(scene.live.behaviour("kube-apiserver"), { returnsAfterMs: 1500, canBeRevived: true });
    const result = await rollbackRun(scene.world.spawn().ports, "last", { acceptExpired: true });
    expect(result).toMatchObject({ outcome: "rolled-back", error: null });
    expect(scene.world.tree()).toEqual(scene.before);
    expect(scene.live.holds("kube-apiserver", paths.apiserver)).toBe(serialAt(scene, paths.apiserver));
  });
});

describe("the summary of a run", () => {
  it("has an instant for what was saved, and for every restart that was begun", async () => {
    const scene = liveScene();
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    const { ports } = scene.world.spawn();
    const id = await lastUndoable(ports.state);
    const { steps } = summaryOf(await showRun(ports.state, id));
    const of = (kind: string) => steps.filter((step) => step.kind === kind);
    expect(of("snapshot")).toEqual([expect.objectContaining({ effectAt: expect.any(Number) })]);
    expect(of("bounce").filter(({ intentAt }) => intentAt !== undefined)).toHaveLength(3);
  });
});

describe("a rollback", () => {
  it("says which processes it has restarted with the old certificates", async () => {
    const scene = liveScene();
    expect(await run(scene)).toMatchObject({ outcome: "succeeded", restarted: null });
    const result = await rollbackRun(scene.world.spawn().ports, "last", { acceptExpired: true });
    expect(result.restarted?.toSorted()).toEqual(["kube-apiserver", "kube-scheduler", "kubelet"]);
    const told = cliMessages("en").rolledBack(result.run, result.restarted, "perennial verify");
    expect(told).toContain("Restarted once more, with the old certificates: ");
    expect(told).not.toContain("until it is restarted again");
  });

  it("goes on behind processes that do not return, tells all of them, and tries only these again", async () => {
    const scene = liveScene();
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    const lost = { returnsAfterMs: null, canBeRevived: false };
    for (const name of ["kube-scheduler", "kubelet"]) Object.assign(scene.live.behaviour(name), lost);
    scene.live.log.length = 0;
    const result = await rollbackRun(scene.world.spawn().ports, "last", { acceptExpired: true });
    expect(result).toMatchObject({ outcome: "interrupted", error: { code: "rebounce-failed" } });
    expect(result.error?.params).toMatchObject({
      failures: [{ consumer: "kube-scheduler" }, { consumer: "kubelet" }],
    });
    expect(scene.world.tree()).toEqual(scene.before);
    expect(scene.live.log).toContain("start kube-apiserver");
    expect(journalOf(scene)).toEqual(
      expect.arrayContaining([
        "failed m1/bounce/kube-scheduler",
        "undone m1/bounce/kube-apiserver",
        "failed m1/bounce/kubelet",
      ]),
    );
    expect(journalOf(scene).at(-1)).toBe("failed m1/bounce/kubelet");
    for (const name of ["kube-scheduler", "kubelet"])
      Object.assign(scene.live.behaviour(name), { returnsAfterMs: 1500, canBeRevived: true });
    scene.live.log.length = 0;
    expect(await resumeRun(scene.world.spawn().ports, undefined)).toMatchObject({
      outcome: "rolled-back",
      error: null,
    });
    expect(scene.live.log).not.toContain("stop kube-apiserver");
    expect(scene.live.log.filter((line) => line.startsWith("start"))).toEqual([
      "start kube-scheduler",
      "start kubelet",
    ]);
  });

  it("still stops where the journal cannot be written", async () => {
    const scene = liveScene();
    await run(scene);
    scene.world.fail = (operation, name) => {
      if (operation === "stop" && name === "kube-scheduler")
        throw new AppError("store-write-failed", { address: name, operation, cause: "ENOSPC" });
    };
    expect(await rollbackRun(scene.world.spawn().ports, "last", { acceptExpired: true })).toMatchObject({
      outcome: "interrupted",
      error: { code: "store-write-failed" },
    });
  });
});

describe("a proof that is in the journal", () => {
  it("is not repeated by a resume: the kubelet may have rotated its own file since", async () => {
    const scene = liveScene();
    Object.assign(scene.live.behaviour("kube-apiserver"), { returnsAfterMs: null, canBeRevived: false });
    expect(await run(scene)).toMatchObject({ outcome: "interrupted", error: { code: "bounce-failed" } });
    const file = scene.world.files.get(paths.node)!;
    scene.world.put(paths.node, { ...file, bytes: Buffer.concat([file.bytes, Buffer.from("# rotated\n")]) });
    Object.assign(scene.live.behaviour("kube-apiserver"), { returnsAfterMs: 1500, canBeRevived: true });
    expect(await resumeRun(scene.world.spawn().ports, undefined)).toMatchObject({ outcome: "succeeded" });
    expect(journalOf(scene).filter((entry) => entry === "proof m1/prove-live")).toHaveLength(1);
  });

  it("is taken from what runs once, too", async () => {
    const scene = liveScene();
    const victim = scene.world.spawn({
      onHit: (point) => {
        if (point === "run.before-ended")
          throw new AppError("step-failed", { step: "x", reason: "unreadable" });
      },
    });
    expect(await runPlan(victim.ports, scene.plan)).toMatchObject({ outcome: "interrupted" });
    scene.live.apiFailure = "403: forbidden";
    expect(await resumeRun(scene.world.spawn().ports, undefined)).toMatchObject({ outcome: "succeeded" });
  });

  it("that is not there is taken by the resume", async () => {
    const scene = liveScene();
    const victim = scene.world.spawn({
      onHit: (point) => {
        if (point === "run.before-prove") throw new AppError("interrupted", { signal: "SIGTERM" });
      },
    });
    expect(await runPlan(victim.ports, scene.plan)).toMatchObject({ outcome: "interrupted" });
    const file = scene.world.files.get(paths.node)!;
    scene.world.put(paths.node, { ...file, bytes: Buffer.concat([file.bytes, Buffer.from("# foreign\n")]) });
    expect(await resumeRun(scene.world.spawn().ports, undefined)).toMatchObject({
      outcome: "interrupted",
      error: { code: "store-mismatch" },
    });
  });
});

describe("a plan for a running node", () => {
  it.each([paths.etcdCa, paths.etcdCaKey, paths.admin])(
    "is refused when %s, with which a server is asked, is not guarded",
    async (path) => {
      const scene = liveScene();
      const { digest: _, ...plan } = scene.plan;
      const guards = plan.guards.filter(({ address: guarded }) => guarded !== address(path));
      const phases = plan.phases.filter(({ id }) => ["snapshot", "restart", "prove-live"].includes(id));
      await expect(run({ ...scene, plan: sealed({ ...plan, guards, phases }) })).rejects.toMatchObject({
        code: "plan-invalid",
        params: { path: address(path), reason: "a step uses it but there is no guard" },
      });
    },
  );
});

function certificateOf(before: Record<string, string>): string {
  const world = new MemoryWorld();
  installTinyCluster(world);
  expect(world.tree()[paths.apiserver]).toBe(before[paths.apiserver]);
  return certificateAt(world, paths.apiserver).serialHex;
}

describe("the proof from what runs", () => {
  it("fails when the API does not write; with expired certificates behind it the run stays open", async () => {
    const scene = liveScene();
    scene.live.apiFailure = "403: forbidden";
    expect(await run(scene)).toMatchObject({
      outcome: "interrupted",
      error: { code: "live-proof-failed", params: { where: "kube-apiserver", reason: "403: forbidden" } },
    });
    scene.live.apiFailure = null;
    expect(await resumeRun(scene.world.spawn().ports, undefined)).toMatchObject({ outcome: "succeeded" });
  });

  it("fails likewise when nothing had to be restarted: expired certificates are no better", async () => {
    const scene = liveScene();
    for (const name of ["kubelet", "kube-apiserver", "kube-scheduler"])
      scene.live.behaviour(name).reloadsAfterMs = 0;
    const { digest: _, ...plan } = scene.plan;
    const phases = plan.phases.filter(({ id }) => id !== "restart");
    scene.live.apiFailure = "403: forbidden";
    expect(await run({ ...scene, plan: sealed({ ...plan, phases }) })).toMatchObject({
      outcome: "interrupted",
      error: { code: "live-proof-failed" },
    });
  });

  it("waits a minute for quorum, not longer", async () => {
    const scene = liveScene({ expired: false });
    scene.live.hasQuorum = false;
    const began = scene.live.elapsedMs;
    // The rollback needs no quorum.
    expect(await run(scene)).toMatchObject({ outcome: "rolled-back", error: { code: "bounce-failed" } });
    expect(scene.live.elapsedMs - began).toBeLessThan(200_000);
    expect(scene.world.tree()).toEqual(scene.before);
  });

  it("leaves no bytes of a private key in the state directory", async () => {
    const scene = liveScene();
    await run(scene);
    expect(leaks(scene.world)).toEqual([]);
  });
});

describe("a signal", () => {
  it.each(["SIGTERM", new Error("some other reason")])(
    "between two restarts (%s) stops the run there; resume does the rest",
    async (reason) => {
      const scene = liveScene();
      const controller = new AbortController();
      const victim = scene.world.spawn({
        onHit: (hit) => {
          if (hit === "run.after-bounce") controller.abort(reason);
        },
      });
      expect(await runPlan(victim.ports, scene.plan, { signal: controller.signal })).toMatchObject({
        outcome: "interrupted",
        error: { code: "interrupted" },
      });
      expect(scene.live.log).toContain("start kubelet");
      expect(scene.live.log).not.toContain("stop kube-apiserver");
      expect(await resumeRun(scene.world.spawn().ports, undefined)).toMatchObject({ outcome: "succeeded" });
      expect(scene.live.log.filter((line) => line === "revive kubelet")).toHaveLength(1);
      expectAllWell(scene);
    },
  );

  it.each(["SIGTERM", new Error("some other reason")])(
    "while a process is waited for (%s) stops the run, without a rollback",
    async (reason) => {
      const scene = liveScene({ expired: false });
      scene.live.behaviour("etcd").reloadsAfterMs = null;
      const controller = new AbortController();
      scene.live.onSleep = () => {
        if (scene.live.log.includes("start kubelet") && scene.live.isWell("kubelet"))
          controller.abort(reason);
      };
      expect(await run(scene, { signal: controller.signal })).toMatchObject({
        outcome: "interrupted",
        error: { code: "interrupted" },
      });
      scene.live.onSleep = () => {};
      expect(await resumeRun(scene.world.spawn().ports, undefined)).toMatchObject({ outcome: "succeeded" });
      expectAllWell(scene);
    },
  );
});

describe("a plan that only restarts", () => {
  const restartsOnly = (scene: LiveScene): LiveScene => {
    const { digest: _, ...plan } = scene.plan;
    const phases = plan.phases.filter(({ id }) => id === "restart" || id === "prove-live");
    return { ...scene, plan: sealed({ ...plan, phases: phases.map(withoutSlots) }) };
  };

  it("is done like any other", async () => {
    const scene = restartsOnly(liveScene({ expired: false }));
    expect(await run(scene)).toMatchObject({ outcome: "succeeded", changed: [] });
    expect(scene.live.log).toContain("stop kube-scheduler");
    expect(scene.world.tree()).toEqual(scene.before);
  });

  it("restarts nothing twice when one of its processes fails: there are no old bytes to load again", async () => {
    const scene = restartsOnly(liveScene({ expired: false }));
    scene.live.behaviour("kube-apiserver").wellAfterMs = null;
    expect(await run(scene)).toMatchObject({ outcome: "rolled-back", error: { code: "bounce-failed" } });
    expect(scene.live.log.filter((line) => line === "revive kubelet")).toHaveLength(1);
  });
});

function withoutSlots(phase: Plan["phases"][number]): Plan["phases"][number] {
  const plain = <T extends { readonly slot: string | null }>(demand: T): T => ({ ...demand, slot: null });
  const steps = phase.nodes.flatMap((node) => node.steps);
  return {
    ...phase,
    nodes: [
      {
        node: "m1",
        steps: steps.map((step) =>
          "demands" in step ? { ...step, demands: step.demands.map(plain) } : step,
        ),
      },
    ],
  };
}

describe("a plan with steps on the running node, where only files are worked on", () => {
  it("is abandoned before it writes anything", async () => {
    const scene = liveScene();
    scene.world.live = null;
    expect(await run(scene)).toMatchObject({ outcome: "abandoned", error: { code: "step-failed" } });
    expect(scene.world.tree()).toEqual(scene.before);
  });

  it("keeps its run open when it went away behind the swap", async () => {
    const scene = liveScene();
    await dieAt(scene, "run.before-bounce");
    const { live } = scene.world;
    scene.world.live = null;
    const before = scene.world.tree();
    const entries = entriesOf(scene.world).length;
    await expect(resumeRun(scene.world.spawn().ports, undefined)).rejects.toMatchObject({
      code: "probe-needed",
    });
    expect([scene.world.tree(), entriesOf(scene.world).length]).toEqual([before, entries]);
    scene.world.live = live;
    expect(await resumeRun(scene.world.spawn().ports, undefined)).toMatchObject({ outcome: "succeeded" });
  });
});
