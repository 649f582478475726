// `--process`: the operator's own commands for a process, from the command line into the plan, and from a saved plan to a real process.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Plan } from "../../src/core/model/plan.ts";
import { runCli } from "../support/cli.ts";
import { freshFolder } from "../support/fixtures.ts";
import { expiredMaster } from "../support/operator.ts";
import { snapshotTree } from "../support/tree.ts";

/** Where nothing listens yet. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Stands for a kubelet of no supervisor: a real process that serves a certificate, known to these commands alone. */
interface Scene {
  readonly root: string;
  readonly pid: string;
  readonly words: readonly string[];
}

let scene: Scene;

/** A node of which only the kubelet is left to look at: no port of this machine but its own is dialled. */
beforeEach(async () => {
  const root = expiredMaster();
  rmSync(join(root, "etc/kubernetes/manifests"), { recursive: true });
  mkdirSync(join(root, "etc/kubernetes/manifests"));
  mkdirSync(join(root, "proc"));
  symlinkSync("/proc/stat", join(root, "proc/stat"));
  const port = await freePort();
  const config = join(root, "var/lib/kubelet/config.yaml");
  const kept = existsSync(config)
    ? readFileSync(config, "utf8").replace(/^(?:port|healthz\w+):.*\n/gm, "")
    : "";
  mkdirSync(join(root, "var/lib/kubelet"), { recursive: true });
  const base = kept === "" ? "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n" : kept;
  writeFileSync(
    config,
    `${base}address: 127.0.0.1\nport: ${port}\nhealthzPort: 0\n`.replace(/^address: 0.*\n/m, ""),
  );
  const folder = freshFolder();
  const [certificate, key, pid] = ["c.crt", "c.key", "pid"].map((name) => join(folder, name));
  const subject = ["-subj", "/CN=m1", "-days", "30", "-keyout", key ?? "", "-out", certificate ?? ""];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", ...subject],
    {
      stdio: "ignore",
    },
  );
  const alive = `grep -q '^State:.[^ZX]' "/proc/$(cat '${pid}' 2>/dev/null)/status" 2>/dev/null`;
  const start = `openssl s_server -quiet -accept 127.0.0.1:${port} -cert '${certificate}' -key '${key}' & echo $! >'${pid}'`;
  const words = [
    "--process",
    `kubelet.start=${start}`,
    "--process",
    `kubelet.stop=kill "$(cat '${pid}')"; while ${alive}; do sleep 0.05; done`,
    "--process",
    `kubelet.status=if ${alive}; then cat '${pid}'; else exit 3; fi`,
  ];
  scene = { root, pid: pid ?? "", words };
});

afterEach(() => {
  if (!existsSync(scene.pid)) return;
  try {
    process.kill(Number(readFileSync(scene.pid, "utf8")), "SIGKILL");
  } catch {
    // gone as it should be
  }
});

const on = (...words: readonly string[]) => runCli([...words, "--root", scene.root, "--probe"]);

describe("a kubelet that no unit starts and that is gone", () => {
  it("is refused before anything is written, with the way on in both languages", async () => {
    const { code, err } = await on("renew", "admin.conf", "--yes");
    expect(code).toBe(4);
    expect(err).toContain("it does not run, no unit starts it, and how it was started is not known");
    expect(err).toContain("--process kubelet.start=COMMAND");
    expect(err).toContain("renew --no-probe");
    const chinese = await runCli(["plan", "--root", scene.root, "--probe"], { lang: "zh" });
    expect([chinese.code, chinese.err]).toEqual([4, expect.stringContaining("--process kubelet.start=命令")]);
    expect(existsSync(join(scene.root, "var/lib/perennial/runs"))).toBe(false);
  });

  it("is started by the saved plan's own commands, and again by its rollback", async () => {
    const file = join(freshFolder(), "p.json");
    const names = ["admin.conf", "--key-algorithm", "ECDSA-P256"];
    const planned = await on("plan", ...names, ...scene.words, "--out", file);
    expect([planned.code, planned.err.includes("error")]).toEqual([0, false]);
    expect(planned.out).toContain("    started with: openssl s_server");
    expect(planned.out).toContain("    stopped with: kill");
    expect(planned.out).toContain("    looked at with: if grep");
    const plan = JSON.parse(readFileSync(file, "utf8")) as Plan;
    expect(existsSync(scene.pid)).toBe(false);
    const applied = await on("apply", file, "--approved", plan.digest, "--yes");
    expect([applied.code, applied.err]).toEqual([0, ""]);
    const first = readFileSync(scene.pid, "utf8");
    const undone = await on("rollback", "--yes");
    expect([undone.code, undone.err]).toEqual([0, ""]);
    expect(readFileSync(scene.pid, "utf8")).not.toBe(first);
    // Another command is another plan.
    const longer = scene.words.map((word) => word.replace("-quiet", "-quiet -brief"));
    await on("plan", ...names, ...longer, "--out", file);
    expect((JSON.parse(readFileSync(file, "utf8")) as Plan).digest).not.toBe(plan.digest);
  });

  it("is started from the record of an earlier run, which the plan shows; without it a saved plan is refused too", async () => {
    const folder = join(scene.root, "var/lib/perennial/processes");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const record = join(folder, "launch-kubelet.json");
    const launch = {
      executable: "/bin/true",
      argv: ["kubelet", "--config=/etc/k.yaml"],
      cwd: "/",
      environment: {},
    };
    writeFileSync(record, JSON.stringify({ ...launch, uid: 0, gid: 0, stdout: null, stderr: null }), {
      mode: 0o600,
    });
    const file = join(freshFolder(), "p.json");
    const planned = await on("plan", "admin.conf", "--out", file);
    expect(planned.code).toBe(0);
    expect(planned.out).toMatch(
      /kubelet does not run; it is started as it was seen to run on .*: kubelet --config=\/etc\/k\.yaml/,
    );
    rmSync(record);
    const before = snapshotTree(scene.root);
    const applied = await on("apply", file, "--yes");
    expect([applied.code, applied.err]).toEqual([
      4,
      expect.stringContaining("--process kubelet.start=COMMAND"),
    ]);
    expect(snapshotTree(scene.root)).toEqual(before);
  });

  it("has the operator's commands in the runbook, and no script", async () => {
    const { out } = await on("plan", ...scene.words, "--runbook");
    expect(out).toContain("sh -c 'openssl s_server -quiet");
    expect(out).not.toContain("systemctl");
    expect((await on("plan", ...scene.words, "--script")).err).toMatch(
      /a script cannot do these steps: \S+\/bounce\/kubelet/,
    );
  });
});

describe("--process", () => {
  it("that is not NAME.stop|start|status=COMMAND, or comes twice, is a mistake that is named", async () => {
    for (const words of [
      ["kubelet=true"],
      ["kubelet.restart=true"],
      ["kubelet.stop="],
      ["kubelet.stop=a\nb"],
      ["kubelet.stop=a", "kubelet.stop=b"],
      ["__proto__.stop=a"],
    ]) {
      const { code, err } = await on("plan", ...words.flatMap((word) => ["--process", word]));
      expect([code, err], words.join()).toEqual([2, expect.stringContaining("NAME.start=COMMAND")]);
    }
  });

  it("names a process of this node, and needs one that runs", async () => {
    const stranger = await on("plan", "--process", "kublet.stop=true");
    expect([stranger.code, stranger.err]).toEqual([
      2,
      expect.stringContaining("a process of this node: kubelet"),
    ]);
    const files = await runCli(["plan", "--root", scene.root, "--process", "kubelet.stop=true"]);
    expect([files.code, files.err]).toEqual([2, expect.stringContaining("--process needs the running node")]);
  });
});
