// The step `archive` in memory: what goes in, when it is written, what is left when something fails.
import { describe, expect, it } from "vitest";
import type { ArchiveStep, Plan } from "../../src/core/model/plan.ts";
import { AppError } from "../../src/core/model/errors.ts";
import { checkPlan } from "../../src/engine/check-plan.ts";
import type { Archives, ArchiveRequest } from "../../src/engine/ports/archives.ts";
import { readJournal } from "../../src/engine/read-journal.ts";
import { runPlan } from "../../src/engine/run-plan.ts";
import { MemoryWorld } from "../support/memory-world.ts";
import { installTinyCluster, planFor, sealed } from "../support/tiny-cluster.ts";
import { livePlanFor, startTinyNode } from "../support/tiny-live.ts";

const step: ArchiveStep = {
  kind: "archive",
  id: "m1/archive",
  directory: "/mnt/backup/",
  name: null,
  recipients: ["age1abc"],
};

function withArchive(planned: Plan, archive: ArchiveStep = step): Plan {
  const { digest: _, ...plan } = planned;
  const phases = plan.phases.flatMap((phase) =>
    phase.id === "back-up"
      ? [phase, { id: "archive" as const, nodes: [{ node: "m1", steps: [archive] }] }]
      : [phase],
  );
  return sealed({ ...plan, phases });
}

interface Scene {
  readonly requests: ArchiveRequest[];
  readonly log: string[];
  readonly archives: Archives;
}

function scene(fails: "publish" | null = null): Scene {
  const [requests, log]: [ArchiveRequest[], string[]] = [[], []];
  const archives: Archives = {
    write: async (request) => {
      requests.push(request);
      return { file: request.file, temporary: "/mnt/backup/.new", bytes: 9, sha256: "aa", files: 3 };
    },
    publish: async ({ file }, own) => {
      log.push(`publish ${file} ${own.join()}`);
      if (fails !== null) throw new AppError("archive-target", { path: file, problem: "exists", cause: "" });
    },
    discard: async ({ temporary }) => void log.push(`discard ${temporary}`),
  };
  return { requests, log, archives };
}

function journalOf(world: MemoryWorld): readonly string[] {
  const file = [...world.state.keys()].find((name) => name.endsWith("journal.jsonl")) ?? "";
  return readJournal(world.state.get(file) ?? new Uint8Array(), file).entries.map(({ body }) => body.type);
}

describe("the step archive", () => {
  it("hands over manifest, plan, every before-image and etcd's snapshot, before anything is written", async () => {
    const world = new MemoryWorld();
    installTinyCluster(world);
    startTinyNode(world);
    const { requests, log, archives } = scene();
    const plan = withArchive(livePlanFor(world));
    const result = await runPlan({ ...world.spawn().ports, archives }, plan, {});
    expect(result).toMatchObject({ outcome: "succeeded", error: null });
    const [request] = requests;
    const kept = plan.phases.find(({ id }) => id === "back-up")?.nodes[0]?.steps.length ?? 0;
    expect(request).toMatchObject({
      file: `/mnt/backup/perennial-m1-${result.run}.tar.age`,
      recipients: ["age1abc"],
      own: [],
      top: `perennial-${result.run}`,
    });
    const paths = request?.parts.map(({ path }) => path) ?? [];
    expect(paths.slice(0, 2)).toEqual(["manifest.json", "plan.json"]);
    expect(paths.filter((path) => path.startsWith("before/m1/"))).toHaveLength(kept);
    expect(request?.parts.at(-1)).toMatchObject({ form: "file", path: "etcd-snapshot.db" });
    expect(log).toEqual([`publish ${request?.file} aa`]);
    const types = journalOf(world);
    const [archived, staged] = [types.indexOf("archived"), types.indexOf("staged")];
    expect(types.slice(archived, archived + 2)).toEqual(["archived", "effect"]);
    expect(types.lastIndexOf("before-image")).toBeLessThan(archived);
    expect(archived).toBeLessThan(staged);
  });

  it("that fails ends the run with nothing changed and what was written removed", async () => {
    const world = new MemoryWorld();
    installTinyCluster(world);
    const before = world.tree();
    const { log, archives } = scene("publish");
    const result = await runPlan({ ...world.spawn().ports, archives }, withArchive(planFor(world)), {});
    expect(result).toMatchObject({ outcome: "abandoned", error: { code: "archive-target" } });
    expect(log.at(-1)).toBe("discard /mnt/backup/.new");
    expect(world.tree()).toEqual(before);
  });

  it("without anybody who encrypts ends the run with nothing changed", async () => {
    const world = new MemoryWorld();
    installTinyCluster(world);
    const before = world.tree();
    const result = await runPlan(world.spawn().ports, withArchive(planFor(world)), {});
    expect(result).toMatchObject({
      outcome: "abandoned",
      error: { code: "step-failed", params: { step: "m1/archive", reason: "nothing here can encrypt" } },
    });
    expect(world.tree()).toEqual(before);
  });

  it("for nobody, or to no plain place, is no plan", () => {
    const world = new MemoryWorld();
    installTinyCluster(world);
    const plan = planFor(world);
    const bad: readonly Partial<ArchiveStep>[] = [
      { recipients: [] },
      { directory: "mnt" },
      { name: "../a" },
      { name: ".." },
    ];
    for (const change of bad) {
      const edited = withArchive(plan, { ...step, ...change });
      expect(() => checkPlan(edited), JSON.stringify(change)).toThrow(/plan-invalid/);
    }
    expect(() => checkPlan(withArchive(plan))).not.toThrow();
  });
});
