// A cluster's own run that was cut off, as `check -f`, `verify -f` and the bare command tell it: from the operator's journal or a node's copy.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { resultOfCluster } from "../../src/app/check-cluster.ts";
import { type ReachedNode, gatherCluster, openCluster } from "../../src/app/cluster.ts";
import { readClusterFile } from "../../src/app/cluster-files.ts";
import { localNode } from "../../src/app/local-node.ts";
import { closeSession, openSession } from "../../src/app/open-session.ts";
import { verifyCluster } from "../../src/app/verify-cluster.ts";
import type { AnyFinding } from "../../src/core/model/finding.ts";
import { openStateDirectory } from "../../src/drivers/shared/state-directory.ts";
import { runCli, spawnCli } from "../support/cli.ts";
import { fixture } from "../support/fixtures.ts";

const names = ["m1", "m2", "m3"] as const;

interface Scene {
  readonly file: string;
  readonly roots: Readonly<Record<string, string>>;
  /** `--state-dir` of an operator. */
  readonly of: (operator: string) => string;
}

function setUp(): Scene {
  const folder = mkdtempSync(join(tmpdir(), "open-run-"));
  const roots = Object.fromEntries(names.map((name) => [name, fixture(`kubeadm-ha-expired/${name}`)]));
  const file = join(folder, "prod.yaml");
  const nodes = names.map((name) => `- {name: ${name}, root: ${roots[name] ?? ""}}`);
  writeFileSync(
    file,
    ["apiVersion: perennial/v1", "kind: Cluster", "name: prod", "nodes:", ...nodes, ""].join("\n"),
  );
  return { file, roots, of: (operator) => join(folder, operator) };
}

/** A renewal by the operator `first` that loses its machine there. */
async function cutOff({ file, of }: Scene, point: string): Promise<void> {
  const words = ["renew", "--yes", "--key-algorithm", "ECDSA-P256", "-f", file, "--state-dir", of("first")];
  const { signal } = await spawnCli(words, { PERENNIAL_FAILPOINT: point });
  expect(signal).toBe("SIGKILL");
}

/** What `check -f` finds on the machine of `operator`. */
async function findingsAt({ file, of }: Scene, operator: string): Promise<readonly AnyFinding[]> {
  const open = openCluster(await readClusterFile(file), { environment: {} });
  const at = Date.now();
  const gathered = await gatherCluster(open, at);
  const judged = { ...open, stateDirectory: of(operator) };
  return (await resultOfCluster(judged, gathered, { at, withinMs: 0 })).findings;
}

function ofRuns(findings: readonly AnyFinding[]): readonly AnyFinding[] {
  return findings.filter(({ code }) => code === "run-unfinished" || code === "left-over-temporary");
}

describe("a cluster's run that was cut off in the middle", () => {
  let scene: Scene;
  let run: string;
  beforeAll(async () => {
    scene = setUp();
    await cutOff(scene, "run.after-swap:7");
    const [found] = await openStateDirectory(scene.of("first")).list("runs");
    run = found ?? "";
  }, 900_000);

  it("is a critical finding on any other machine, from the copies; its own temporary files are none", async () => {
    const { code, out } = await runCli(["check", "-f", scene.file, "-o", "json"]);
    const { findings }: { readonly findings: readonly AnyFinding[] } = JSON.parse(out);
    expect(code).toBe(3);
    expect(ofRuns(findings)).toMatchObject([
      {
        code: "run-unfinished",
        severity: "critical",
        node: expect.stringMatching(/^m[123]$/),
        slot: null,
        name: run,
        address: { path: expect.stringMatching(/\/var\/lib\/perennial\/clusters\/prod$/) },
        params: { run },
      },
    ]);
  });

  it("is told with the way on, in both languages, and comes first in the bare command", async () => {
    const english = await runCli(["check", "-f", scene.file]);
    expect(english.out).toMatch(
      new RegExp(`^CRITICAL m[123]/${run}: run ${run} was cut off: some files may be new, others old$`, "m"),
    );
    expect(english.out).toContain(`perennial resume -f ${scene.file} finishes it`);
    const chinese = await runCli(["check", "-f", scene.file], { lang: "zh" });
    expect(chinese.out).toMatch(new RegExp(`^严重 m[123]/${run}：运行 ${run} 中途中断`, "m"));
    const bare = await runCli(["-f", scene.file]);
    expect([bare.code, bare.out]).toEqual([
      3,
      expect.stringContaining(`Next: perennial resume -f ${scene.file}`),
    ]);
  });

  it("is shown by the command that the finding names, on any machine", async () => {
    const words = ["runs", "show", run, "-f", scene.file, "--state-dir", scene.of("second")];
    const { code, out, err } = await runCli(words);
    expect([code, err, out]).toEqual([0, "", expect.stringContaining(run)]);
  });

  it("is found by verify as well", async () => {
    const session = await openSession(await readClusterFile(scene.file), {
      environment: {},
      allowLinksTo: [],
      live: null,
      isProbed: false,
      stateDirectory: scene.of("second"),
    });
    // Nothing runs in the trees: without a way to processes they only have to look like nodes.
    const accesses = session.accesses.map((access) => ({ ...access, isDialled: true }));
    const { check } = await verifyCluster(
      { ...session, accesses },
      {
        choice: { id: null, params: {} },
        at: Date.now(),
        withinMs: 0,
        isReadOnly: true,
        signal: new AbortController().signal,
      },
    );
    await closeSession(session);
    expect(check.worst).toBe("critical");
    expect(ofRuns(check.findings)).toMatchObject([{ code: "run-unfinished", params: { run } }]);
  });

  it("is known from what was read while the way to a node was open", async () => {
    const cluster = await readClusterFile(scene.file);
    const reach = { kind: "ssh", user: null, port: null, identityFile: null, jump: null } as const;
    const nodes = cluster.nodes.map((node) => ({
      ...node,
      reach: { ...reach, sshConfig: null, sudo: false, host: node.name },
    }));
    const openSsh = async ({ name }: { readonly name: string }): Promise<ReachedNode> => {
      const root = scene.roots[name] ?? "";
      const node = localNode({ root, stateDirectory: null, allowLinksTo: [], environment: {} });
      let isOpen = true;
      return {
        root: "/",
        openStore: (as) => node.openStore(as),
        state: (path) => {
          const state = openStateDirectory(join(root, "var/lib/perennial", path));
          const whenOpen = <T>(answer: Promise<T>): Promise<T> => {
            if (!isOpen) throw new TypeError("asked when closed");
            return answer;
          };
          return {
            path: state.path,
            read: (file) => whenOpen(state.read(file)),
            list: (folder) => whenOpen(state.list(folder)),
          };
        },
        close: async () => {
          isOpen = false;
        },
      };
    };
    const open = openCluster({ ...cluster, nodes }, { environment: {}, openSsh });
    const at = Date.now();
    const gathered = await gatherCluster(open, at);
    const judged = { ...open, stateDirectory: scene.of("second") };
    const { findings } = await resultOfCluster(judged, gathered, { at, withinMs: 0 });
    expect(ofRuns(findings)).toMatchObject([{ code: "run-unfinished", params: { run } }]);
  });

  it("is nothing any more once a colleague ended it, although the first machine has not heard of it", async () => {
    expect(ofRuns(await findingsAt(scene, "first"))).toMatchObject([{ params: { run } }]);
    const resumed = await runCli(["resume", "-f", scene.file, "--state-dir", scene.of("second")]);
    expect([resumed.code, resumed.err]).toEqual([0, ""]);
    expect(ofRuns(await findingsAt(scene, "first"))).toEqual([]);
    expect(ofRuns(await findingsAt(scene, "second"))).toEqual([]);
  });
});

describe("a cluster's run of which no node has a copy", () => {
  it("is known on the machine that began it, and on no other", async () => {
    const scene = setUp();
    await cutOff(scene, "run.after-started");
    expect(ofRuns(await findingsAt(scene, "first"))).toMatchObject([
      { code: "run-unfinished", node: "", address: { node: "", path: scene.of("first") } },
    ]);
    expect(ofRuns(await findingsAt(scene, "second"))).toEqual([]);
  }, 900_000);
});
