// One encrypted archive for several nodes, in memory: it has the before-images of all of them before any node changes, or nothing changes.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/model/errors.ts";
import type { ArchivedCluster, ArchiveStep, Plan } from "../../src/core/model/plan.ts";
import { allSteps } from "../../src/core/plan/steps.ts";
import { checkPlan } from "../../src/engine/check-plan.ts";
import type { Failpoint } from "../../src/engine/failpoints.ts";
import type { ArchivePart, Archives, ArchiveRequest } from "../../src/engine/ports/archives.ts";
import type { EnginePorts } from "../../src/engine/ports/engine-ports.ts";
import type { CopiedFile } from "../../src/engine/ports/live.ts";
import { resumeRun } from "../../src/engine/resume-run.ts";
import { rollbackRun } from "../../src/engine/rollback-run.ts";
import { runPlan } from "../../src/engine/run-plan.ts";
import { expectRunning, expectWhole } from "../support/many-checks.ts";
import { type ManyOptions, type ManyScene, manyScene } from "../support/many-tiny.ts";
import { Crash } from "../support/memory-world.ts";
import { sealed } from "../support/tiny-cluster.ts";

const step: ArchiveStep = {
  kind: "archive",
  id: "m1/archive",
  directory: "/mnt/backup",
  name: null,
  recipients: ["age1abc"],
  cluster: { name: "tiny", keysOf: ["m1", "m2", "m3", "w1"] },
};

const options: ManyOptions = { workers: ["w1"], archive: step };

/** Where archives lie in these tests, by path. */
class Shelf {
  readonly files = new Map<string, ArchiveRequest>();
  readonly own: (readonly string[])[] = [];
  /** When one was written: the trees of all nodes, and whether any process had been touched. */
  readonly seen: unknown[] = [];
  fails: "write" | "publish" | null = null;

  archives({ many }: ManyScene): Archives {
    const refuse = (when: string, path: string): void => {
      if (this.fails === when) throw new AppError("archive-target", { path, problem: "missing", cause: "" });
    };
    return {
      write: async (request) => {
        refuse("write", request.file);
        this.seen.push({
          trees: many.trees(),
          touched: many.log.filter((line) => / (stop|start|revive) /.test(line)),
        });
        this.files.set(`${request.file}.new`, {
          ...request,
          parts: await Promise.all(request.parts.map(held)),
        });
        return {
          file: request.file,
          temporary: `${request.file}.new`,
          bytes: 9,
          sha256: `sum${this.seen.length}`,
          files: 3,
        };
      },
      publish: async ({ file, temporary }, own) => {
        refuse("publish", file);
        this.own.push(own);
        const request = this.files.get(temporary);
        if (request) this.files.set(file, request);
        this.files.delete(temporary);
      },
      discard: async ({ temporary }) => void this.files.delete(temporary),
    };
  }
}

/** As it was when it was written: memory is overwritten afterwards. */
async function held(part: ArchivePart): Promise<ArchivePart> {
  if (part.form === "kept") return { ...part, bytes: Uint8Array.from(part.bytes) };
  return part;
}

function withShelf(scene: ManyScene, ports: EnginePorts, shelf: Shelf): EnginePorts {
  return { ...ports, archives: shelf.archives(scene) };
}

function keptIn(shelf: Shelf): readonly Extract<ArchivePart, { form: "kept" }>[] {
  const [request] = shelf.files.values();
  return request?.parts.flatMap((part) => (part.form === "kept" ? [part] : [])) ?? [];
}

/** Path in the archive -> bytes, as the nodes have them before the run. */
function expectedIn({ many, plan }: ManyScene): ReadonlyMap<string, string> {
  const objects = allSteps(plan).flatMap((each) => (each.kind === "back-up" ? [each.object] : []));
  return new Map(
    objects.map((object) => {
      const [, node = "", path = ""] = /^file:([^:]+):(.+)$/.exec(object) ?? [];
      return [`before/${node}${path}`, hex(many.world(node).files.get(path)?.bytes ?? new Uint8Array())];
    }),
  );
}

function hex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Dies there, as by SIGKILL. */
async function killedAt(scene: ManyScene, shelf: Shelf, point: Failpoint): Promise<void> {
  const victim = scene.many.spawn({
    onHit: (found) => {
      if (found !== point) return;
      scene.many.kill(victim);
      throw new Crash(point);
    },
  });
  await runPlan(withShelf(scene, victim.ports, shelf), scene.plan).catch((error: unknown) => {
    if (!victim.isDead) throw error;
  });
  expect(victim.isDead).toBe(true);
}

describe("an encrypted archive of several nodes", () => {
  it.each(["rolling", "outage"] as const)(
    "has every before-image of every node, and etcd's data, before the first node changes (%s)",
    async (order) => {
      const scene = manyScene({ ...options, expired: order === "outage", order });
      const [shelf, expected] = [new Shelf(), expectedIn(scene)];
      const { ports } = scene.many.spawn();
      const result = await runPlan(withShelf(scene, ports, shelf), scene.plan);
      expect(result).toMatchObject({ outcome: "succeeded", error: null });
      expect([...shelf.files.keys()]).toEqual([`/mnt/backup/perennial-tiny-${result.run}.tar.age`]);
      expect(shelf.seen).toEqual([{ trees: scene.before, touched: [] }]);
      const kept = keptIn(shelf);
      expect(new Map(kept.map(({ path, bytes }) => [path, hex(bytes)]))).toEqual(expected);
      expect(kept.filter(({ sha256, bytes }) => sha256 !== hex(bytes))).toEqual([]);
      expect(new Set(kept.map(({ path }) => path.split("/")[1]))).toEqual(new Set(["m1", "m2", "m3", "w1"]));
      const [request] = shelf.files.values();
      expect(request?.parts.at(-1)).toMatchObject({ form: "file", path: "etcd-snapshot.db" });
      // No key lies on the operator's machine.
      expectRunning(scene);
    },
  );

  it.each(["write", "publish"] as const)(
    "that cannot be finished (%s) changes nothing anywhere",
    async (when) => {
      const scene = manyScene({ ...options, expired: false });
      const shelf = new Shelf();
      shelf.fails = when;
      const { ports } = scene.many.spawn();
      const result = await runPlan(withShelf(scene, ports, shelf), scene.plan);
      expect(result).toMatchObject({ outcome: "abandoned", error: { code: "archive-target" } });
      expect([scene.many.trees(), scene.many.log]).toEqual([scene.before, ["m1 snapshot"]]);
      expect(shelf.files.size).toBe(0);
      expectWhole(scene.many);
    },
  );

  it("killed behind its entry in the journal is known for the run's own by resume; the way back needs no archive", async () => {
    const scene = manyScene({ ...options, expired: false });
    const shelf = new Shelf();
    await killedAt(scene, shelf, "archive.after-publish");
    expect(scene.many.trees()).toEqual(scene.before);
    await scene.many.once(async ({ ports }) => {
      const result = await resumeRun(withShelf(scene, ports, shelf), undefined);
      expect(result).toMatchObject({ outcome: "succeeded", error: null });
    });
    expect(shelf.own).toEqual([["sum1"], ["sum1", "sum2"]]);
    expect([...shelf.files.keys()]).toEqual([
      expect.stringMatching(/^\/mnt\/backup\/perennial-tiny-.*\.tar\.age$/),
    ]);
    expectRunning(scene);
    await scene.many.once(async ({ ports }) => {
      const back = await rollbackRun(ports, "last", { acceptExpired: true });
      expect(back).toMatchObject({ outcome: "rolled-back", error: null });
    });
    expect(scene.many.trees()).toEqual(scene.before);
  });

  it("is written anew by another machine that goes on from the copies", async () => {
    const scene = manyScene({ ...options, expired: false });
    await killedAt(scene, new Shelf(), "run.after-archive");
    const { state } = scene.many.operator;
    const [run = ""] = [...state.keys()].flatMap((name) => /^runs\/([^/]+)\/journal/.exec(name)?.[1] ?? []);
    for (const name of state.keys()) if (name.startsWith("runs/")) state.delete(name);
    const elsewhere = new Shelf();
    await scene.many.once(async ({ ports }) => {
      const result = await resumeRun(withShelf(scene, ports, elsewhere), run);
      expect(result).toMatchObject({ outcome: "succeeded", error: null });
    });
    expect([elsewhere.seen, elsewhere.files.size]).toEqual([[{ trees: scene.before, touched: [] }], 1]);
    expectRunning(scene);
  });

  it("takes etcd's files from the node that has their copy, and stops where that is another one by now", async () => {
    const scene = manyScene({ ...options, order: "outage" });
    const shelf = new Shelf();
    const file: CopiedFile = {
      name: "member/snap/db",
      bytes: 2,
      sha256: hex(Buffer.from("db")),
      read: async function* () {
        yield Buffer.from("db");
      },
    };
    const asked: string[] = [];
    const { ports } = scene.many.spawn();
    const cold = (copied: () => Promise<readonly CopiedFile[]>): EnginePorts => ({
      ...withShelf(scene, ports, shelf),
      live: (node) => {
        const live = ports.live?.(node);
        if (!live) throw new TypeError("nothing runs");
        const isSaved = shelf.seen.length > 0;
        return {
          ...live,
          etcd: {
            ...live.etcd,
            reading: async (...words) =>
              isSaved ? live.etcd.reading(...words) : { unreachable: "no answer" },
            coldCopy: async () => ({ bytes: 2, sha256: "c0", hasV2Data: false }),
            copied: async (folder, sha256) => {
              asked.push(`${node} ${folder.replace(/runs\/[^/]+/, "runs/RUN")} ${sha256}`);
              return copied();
            },
          },
        };
      },
    });
    const gone = new AppError("store-mismatch", { address: "etcd-data", expected: "c0", found: "c1" });
    const refused = await runPlan(
      cold(async () => Promise.reject(gone)),
      scene.plan,
    );
    expect(refused).toMatchObject({ outcome: "abandoned", error: { code: "store-mismatch" } });
    expect([scene.many.trees(), shelf.files.size]).toEqual([scene.before, 0]);
    const result = await runPlan(
      cold(async () => [file]),
      scene.plan,
    );
    expect(result).toMatchObject({ outcome: "succeeded", error: null });
    expect(asked[0]).toBe("m1 /operator/runs/RUN/etcd-data c0");
    const [request] = shelf.files.values();
    expect(request?.parts.at(-1)).toMatchObject({
      form: "stream",
      path: "etcd-data/member/snap/db",
      sizeBytes: 2,
      sha256: file.sha256,
    });
  });

  it("is no plan when keys of a node would leave it that is not named", () => {
    const { plan } = manyScene({ ...options, expired: false });
    const edited = (cluster: ArchivedCluster | undefined): Plan => {
      const { digest: _, ...rest } = plan;
      const { cluster: __, ...bare } = step;
      const phases = rest.phases.map(({ id, nodes }) =>
        id === "archive"
          ? { id, nodes: [{ node: "m1", steps: [cluster === undefined ? bare : { ...bare, cluster }] }] }
          : { id, nodes },
      );
      return sealed({ ...rest, phases });
    };
    const faults = [undefined, { name: "tiny", keysOf: ["m1", "m3", "w1"] }].map((cluster) => {
      try {
        checkPlan(edited(cluster));
        return null;
      } catch (error) {
        return error;
      }
    });
    expect(faults).toMatchObject([
      { code: "plan-invalid", params: { path: "m1/archive", reason: "cluster is missing" } },
      { code: "plan-invalid", params: { path: "m1/archive", reason: "m2 is missing" } },
    ]);
    expect(() => checkPlan(edited(step.cluster))).not.toThrow();
    expect(edited({ name: "tiny", keysOf: ["m1", "m2", "m3", "w1", "w2"] }).digest).not.toBe(plan.digest);
  });
});
