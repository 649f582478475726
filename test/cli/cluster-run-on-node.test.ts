// A cluster's run that was cut off, as its nodes tell it: they have a copy of its journal, and its staged files.
import { beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { check, cutOffCluster, type Scene, setUp } from "../support/runs-of-nodes.ts";

describe("a cluster's run that was cut off, on one of its nodes", () => {
  let scene: Scene;
  let run: string;
  let root: string;
  beforeAll(async () => {
    scene = setUp();
    run = await cutOffCluster(scene);
    root = scene.roots.m1;
  }, 900_000);

  it("is told with who began it where and what goes on with it, and its staged files are no left-overs", async () => {
    const { code, findings } = await check("--root", root);
    expect(code).toBe(3);
    expect(findings.map((one) => one.code)).toEqual(["run-unfinished"]);
    const [found] = findings;
    expect(found).toMatchObject({ severity: "critical", params: { run, cluster: { name: "prod" } } });
    expect(found?.message).toMatch(
      new RegExp(`^run ${run} of cluster prod, begun by \\S+ on \\S+ at .*, was cut off`),
    );
    expect(found?.next[0]).toMatch(
      new RegExp(
        `^on \\S+, with the file of cluster prod: perennial resume -f FILE finishes it, perennial rollback ${run} -f FILE restores`,
      ),
    );
    expect(found?.next[1]).toContain("any machine that has such a file");
  });

  it("comes first in the bare command, and is no run of the node's own", async () => {
    const bare = await runCli(["--root", root]);
    expect(bare.out).toMatch(/^Next: on \S+, with the file of cluster prod: perennial resume -f FILE/m);
    const list = await runCli(["runs", "list", "--root", root]);
    expect(list).toMatchObject({ code: 0, err: "" });
    expect(list.out).toMatch(
      new RegExp(`^No runs on this node\\.\\n\\nrun ${run} of cluster prod, begun by`),
    );
    const chinese = await runCli(["runs", "list", "--root", root], { lang: "zh" });
    expect(chinese.out).toContain(`集群 prod 的运行 ${run}`);
    expect(chinese.out).toContain("perennial resume -f FILE");
    const data = await runCli(["runs", "list", "--root", root, "-o", "json"]);
    expect([JSON.parse(data.out), data.err]).toEqual([
      [],
      expect.stringContaining(`hint: run ${run} of cluster prod`),
    ]);
  });

  it("is ended by the command that is advised, and then nobody speaks of it", async () => {
    const resumed = await runCli(["resume", "-f", scene.file, "--state-dir", scene.of("first")]);
    expect(resumed).toMatchObject({ code: 0, err: "" });
    expect((await check("--root", root)).findings).toEqual([]);
    expect((await runCli(["runs", "list", "--root", root])).out).toBe("No runs on this node.\n");
  });
});
