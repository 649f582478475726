// Three masters as trees with runs that were cut off, and what `check` and `verify` say of runs then.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { resultOfCluster } from "../../src/app/check-cluster.ts";
import { type NodeOpener, gatherCluster, openCluster } from "../../src/app/cluster.ts";
import { readClusterFile } from "../../src/app/cluster-files.ts";
import { localNode } from "../../src/app/local-node.ts";
import { closeSession, openSession } from "../../src/app/open-session.ts";
import { verifyCluster } from "../../src/app/verify-cluster.ts";
import type { AnyFinding } from "../../src/core/model/finding.ts";
import { openStateDirectory } from "../../src/drivers/shared/state-directory.ts";
import { renderFinding } from "../../src/report/finding-text.ts";
import { runCli, spawnCli } from "./cli.ts";
import { fixture } from "./fixtures.ts";

export const names = ["m1", "m2", "m3"] as const;
export type Name = (typeof names)[number];

export interface Scene {
  readonly file: string;
  readonly roots: Readonly<Record<Name, string>>;
  /** `--state-dir` of an operator. */
  readonly of: (operator: string) => string;
}

export function setUp(): Scene {
  const folder = mkdtempSync(join(tmpdir(), "run-findings-"));
  const rootOf = (name: Name): string => fixture(`kubeadm-ha-expired/${name}`);
  const roots = { m1: rootOf("m1"), m2: rootOf("m2"), m3: rootOf("m3") };
  const file = join(folder, "prod.yaml");
  const nodes = names.map((name) => `- {name: ${name}, root: ${roots[name]}}`);
  writeFileSync(
    file,
    ["apiVersion: perennial/v1", "kind: Cluster", "name: prod", "nodes:", ...nodes, ""].join("\n"),
  );
  return { file, roots, of: (operator) => join(folder, operator) };
}

/** A renewal that is killed at the seventh file; its run. */
async function cutOff(words: readonly string[], state: string): Promise<string> {
  const renew = ["renew", "--yes", "--key-algorithm", "ECDSA-P256", ...words];
  const { signal } = await spawnCli(renew, { PERENNIAL_FAILPOINT: "run.after-swap:7" });
  expect(signal).toBe("SIGKILL");
  const [run] = await openStateDirectory(state).list("runs");
  return run ?? "";
}

export function cutOffOwn({ roots }: Scene, name: Name): Promise<string> {
  return cutOff(["--root", roots[name]], stateOf(roots[name]));
}

export function cutOffCluster({ file, of }: Scene): Promise<string> {
  return cutOff(["-f", file, "--state-dir", of("first")], of("first"));
}

export function stateOf(root: string): string {
  return join(root, "var/lib/perennial");
}

interface Answer {
  readonly code: number;
  readonly findings: readonly (AnyFinding & { readonly message: string; readonly next: readonly string[] })[];
  readonly certificates: readonly unknown[];
}

export async function check(...words: readonly string[]): Promise<Answer> {
  const { code, out, err } = await runCli(["check", ...words, "-o", "json"]);
  expect(err).toBe("");
  const { findings, certificates }: Answer = JSON.parse(out);
  return { code, certificates, findings: findings.filter(({ code: one }) => ofRuns.has(one)) };
}

const ofRuns: ReadonlySet<string> = new Set([
  "run-unfinished",
  "run-locked",
  "runs-unreadable",
  "journal-unreadable",
  "left-over-temporary",
]);

/** What `verify -f` says of runs. Nothing runs in the trees: without a way to processes they only have to look like nodes. */
export async function verified({ file, of }: Scene, operator = "second"): Promise<readonly AnyFinding[]> {
  const session = await openSession(await readClusterFile(file), {
    environment: {},
    allowLinksTo: [],
    live: null,
    isProbed: false,
    stateDirectory: of(operator),
  });
  const accesses = session.accesses.map((access) => ({ ...access, isDialled: true }));
  const { signal } = new AbortController();
  const request = { choice: { id: null, params: {} }, at: Date.now(), withinMs: 0, isReadOnly: true, signal };
  const { check: result } = await verifyCluster({ ...session, accesses }, request);
  await closeSession(session);
  return result.findings.filter(({ code }) => ofRuns.has(code));
}

/** The same nodes as `check -f` sees them over SSH: their trees are roots of other machines. */
export async function checkedOverSsh(scene: Scene, change: Partial<Awaited<ReturnType<NodeOpener>>> = {}) {
  const cluster = await readClusterFile(scene.file);
  const reach = { kind: "ssh", user: "ops", port: null, identityFile: null, jump: null } as const;
  const nodes = cluster.nodes.map((node) => ({
    ...node,
    reach: { ...reach, sshConfig: null, sudo: true, host: node.name },
  }));
  const openSsh: NodeOpener = async ({ name }) => {
    const root = scene.roots[name as Name];
    const node = localNode({ root, stateDirectory: null, allowLinksTo: [], environment: {} });
    return {
      root: "/",
      openStore: (as) => node.openStore(as),
      state: (path) => openStateDirectory(join(stateOf(root), path)),
      close: async () => {},
      ...change,
    };
  };
  const open = openCluster({ ...cluster, nodes }, { environment: {}, openSsh });
  const at = Date.now();
  const judged = { ...open, stateDirectory: scene.of("second") };
  const result = await resultOfCluster(judged, await gatherCluster(open, at), { at, withinMs: 0 });
  const told = result.findings.filter(({ code }) => ofRuns.has(code));
  const context = { ...result, again: ["-f", "prod.yaml"] };
  return { result, told, texts: told.map((one) => renderFinding(one, context, "en")) };
}
