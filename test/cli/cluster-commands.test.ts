// Commands in answers about several nodes: each is one that works as it is typed, and is about the node that it is said of.
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../src/core/model/errors.ts";
import { formatError } from "../../src/report/error-text.ts";
import { runCli } from "../support/cli.ts";
import { fixture, freshFolder } from "../support/fixtures.ts";

const now = Date.UTC(2026, 10, 22, 16);
const pki = "etc/kubernetes/pki";

/** Three masters, all expired; the words that choose them. */
function cluster(spoil: (root: (name: string) => string) => void): readonly string[] {
  const folder = freshFolder();
  const roots = new Map(["m1", "m2", "m3"].map((name) => [name, fixture(`kubeadm-ha-expired/${name}`)]));
  spoil((name) => roots.get(name) ?? "");
  const nodes = [...roots].map(([name, root]) => `- {name: ${name}, root: ${root}}`);
  const file = join(folder, "prod.yaml");
  writeFileSync(
    file,
    ["apiVersion: perennial/v1", "kind: Cluster", "name: prod", "nodes:", ...nodes, ""].join("\n"),
  );
  return ["-f", file];
}

describe("a CA whose key is elsewhere", () => {
  let words: readonly string[];
  beforeAll(() => {
    words = cluster((root) => {
      for (const name of ["m1", "m2", "m3"]) rmSync(join(root(name), pki, "ca.key"));
    });
  });

  it.each([
    ["en", "on each node: perennial renew"],
    ["zh", "在各节点上：perennial renew"],
  ] as const)("is asked on each node, never with -f, which renew refuses (%s)", async (lang, start) => {
    for (const command of [[], ["check"]]) {
      const { out } = await runCli([...command, ...words], { now, lang });
      expect(out).toContain(`${start} --csr-dir DIR`);
      expect(out).not.toMatch(/--(?:csr-dir|signed) DIR -f/);
    }
    const refused = await runCli(["plan", "apiserver", ...words], { now, lang });
    expect(refused.code).toBe(4);
    expect(refused.err).toContain(`${start} apiserver --csr-dir DIR`);
    expect(refused.err).not.toMatch(/--(?:csr-dir|signed) DIR -f/);
  });
});

describe("a fault of one node", () => {
  let words: readonly string[];
  beforeAll(() => {
    words = cluster((root) => {
      rmSync(join(root("m1"), pki, "apiserver.crt"));
      writeFileSync(join(root("m2"), pki, "sa.pub"), "nothing\n");
      writeFileSync(join(root("m3"), "etc/kubernetes/manifests/etcd.yaml"), "{\n");
      writeFileSync(join(root("m3"), pki, "etcd/peer.crt"), "nothing\n");
    });
  });

  it.each(["en", "zh"] as const)("is mended on that node, not on all of them (%s)", async (lang) => {
    const { out } = await runCli(["check", ...words], { now, lang });
    const again = words.join(" ");
    expect(out).toContain(`perennial renew m1/apiserver ${again}`);
    expect(out).toContain(`perennial renew m3/etcd-peer ${again}`);
    expect(out).not.toMatch(/renew (?:apiserver|etcd-peer) /);
    expect(out).toContain(`m3:/etc/kubernetes/manifests/etcd.yaml${lang === "zh" ? "：" : ": "}`);
  });

  it.each(["en", "zh"] as const)("the service account pair is never to be renewed (%s)", async (lang) => {
    const { out } = await runCli(["check", ...words], { now, lang });
    expect(out).toMatch(/m2\/sa.*sa\.pub/);
    expect(out).not.toMatch(/renew (?:m2\/)?sa /);
  });

  it("diagnose names the node in its plan, too", async () => {
    const spoilt = cluster((root) =>
      copyFileSync(join(root("m2"), pki, "etcd/server.key"), join(root("m2"), pki, "etcd/peer.key")),
    );
    const { out } = await runCli(["diagnose", ...spoilt], { now });
    expect(out).toContain(`perennial plan m2/etcd-peer ${spoilt.join(" ")}`);
  });
});

describe("Chinese", () => {
  it("says the state of a run that is over in words", () => {
    const error = new AppError("run-not-open", { run: "r1", state: "rolled-back" });
    expect(formatError(error, "zh")).toMatch(/^error: 运行 r1 不能继续或回滚：状态为“已回滚”$/m);
  });

  it("says who works by hand, and where", () => {
    const held = { path: "/x/lock", node: "m2", holder: "ann", sinceAt: now, host: "by hand", pid: 0 };
    const error = new AppError("locked", { ...held, what: "runbook", alive: true });
    expect(formatError(error, "zh")).toContain("起正在 m2 上手工操作（runbook）");
  });

  it("has no English among its reasons", async () => {
    const { err } = await runCli(["check", "-f", freshFolder()], { now, lang: "zh" });
    expect(err).toContain("此目录中没有 *.yaml 文件");
  });

  it("gives help whose lines begin with no closing mark", async () => {
    for (const command of ["plan", "renew", "check", "runs report"]) {
      const { out } = await runCli([...command.split(" "), "--help"], { lang: "zh", width: 80 });
      expect(out).not.toMatch(/^\s*[，。；：、）]/mu);
      expect(out).toMatch(/^用法：perennial/);
      expect(out).not.toContain("(default");
    }
  });
});
