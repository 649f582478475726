// The script that takes a manifest out and in, under dash and busybox, killed at each of its points. The runtime is a fake crictl.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  bounceManifest,
  heldManifest,
  restoreManifest,
  type BounceOptions,
} from "../../../src/drivers/process/manifest-bounce.ts";
import { manifestBounceScript } from "../../../src/drivers/process/manifest-bounce-script.ts";
import { processAt } from "../../../src/drivers/process/proc-files.ts";
import type { PodRuntime } from "../../../src/drivers/process/pod-runtime.ts";
import { findProgram } from "../../../src/drivers/process/run-command.ts";

const shells = [["/bin/dash"], ["/bin/busybox", "sh"]].filter(([program = ""]) => existsSync(program));
const nobody = (): Promise<never> => Promise.reject(new TypeError("only the script acts"));

describe.each(shells.map((shell) => ({ shell, name: shell.join(" ") })))("under $name", ({ shell }) => {
  let folder: string;
  let manifest: string;
  let options: BounceOptions;
  let target: ReturnType<typeof heldManifest>;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "perennial bounce' "));
    mkdirSync(join(folder, "manifests"));
    manifest = join(folder, "manifests", "etcd.yaml");
    writeFileSync(manifest, "kind: Pod\n");
    chmodSync(manifest, 0o640);
    utimesSync(manifest, 1000, 2000);
    // As a kubelet would: the pod is up while its manifest is there; `deaf` keeps it up until crictl stops it.
    const crictl = join(folder, "crictl");
    writeFileSync(
      crictl,
      `#!/bin/sh
cd "$(dirname "$0")" || exit 1
echo "$*" >>calls
case " $* " in
*" ps "*) [ ! -e hang ] || exec sleep 30; [ ! -e broken ] || exit 1; [ -e down ] || if [ -e manifests/etcd.yaml ] || [ -e deaf ]; then echo c1; fi ;;
*" pods "*) [ -e down ] || if [ -e manifests/etcd.yaml ] || [ -e deaf ]; then echo s1; fi ;;
*" stop "*) rm -f deaf ;;
esac
`,
      { mode: 0o755 },
    );
    const runtime: PodRuntime = {
      name: "crictl",
      through: "crictl",
      socket: "/nowhere.sock",
      removes: true,
      list: nobody,
      stop: nobody,
      remove: nobody,
      stopSandboxes: nobody,
      removeSandboxes: nobody,
    };
    options = {
      consumer: "etcd",
      manifest,
      workFolder: join(folder, "work"),
      container: "etcd",
      pod: "etcd-m1",
      runtime,
      marks: [],
      patienceSeconds: 1,
      graceSeconds: 3,
      timeoutSeconds: 20,
      pollMs: 20,
      shell,
      find: () => crictl,
    };
    target = heldManifest(options);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const word = (): string =>
    existsSync(target.status) ? (readFileSync(target.status, "utf8").split(" ")[0] ?? "") : "";
  const attributes = () => {
    const { ino, mode, uid, mtimeMs } = statSync(manifest);
    return { ino, mode, uid, mtimeMs };
  };
  async function until(holds: () => boolean): Promise<void> {
    for (const since = performance.now(); !holds(); await sleep(10)) {
      if (performance.now() - since > 15_000) throw new Error(`still not, at "${word()}"`);
    }
  }

  /** Started by hand, so that the test can kill it; in a group of its own, as in the field. */
  function start(values: { readonly patience?: number; readonly limit?: number } = {}): ChildProcess {
    mkdirSync(options.workFolder, { recursive: true, mode: 0o700 });
    mkdirSync(join(target.held, ".."), { recursive: true });
    const script = target.status.replace(/status$/, "sh");
    const { container, pod, graceSeconds: grace } = options;
    const fake = { runtime: "crictl", program: join(folder, "crictl"), socket: "/nowhere.sock" };
    writeFileSync(
      script,
      manifestBounceScript({
        ...target,
        ...fake,
        container,
        pod,
        marks: "",
        patience: 5,
        grace,
        limit: 20,
        ...values,
      }),
    );
    const [program = "", ...args] = shell;
    return spawn(program, [...args, script], { detached: true, stdio: "ignore" });
  }

  it("takes the manifest out until the kubelet has ended the pod, and puts the very same file back", async () => {
    const before = attributes();
    await bounceManifest(options);
    expect(attributes()).toEqual(before);
    expect([word(), existsSync(target.held)]).toEqual(["done", false]);
    expect(statSync(join(target.held, "..")).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(folder, "calls"), "utf8")).not.toContain("stop");
  });

  it("stops the pod itself, politely and with its sandbox, when the kubelet does not (kubernetes#88402)", async () => {
    writeFileSync(join(folder, "deaf"), "");
    await bounceManifest(options);
    expect(word()).toBe("done");
    const calls = readFileSync(join(folder, "calls"), "utf8").split("\n");
    const of = "-r unix:///nowhere.sock -t 20s";
    expect(calls.filter((call) => / (stop|stopp|rmp|rm) /.test(call))).toEqual([
      `${of} stop -t 3 c1`,
      `${of} stopp s1`,
      `${of} rmp s1`,
    ]);
  });

  it("without any command line looks at the pod's own processes alone, and stops none", async () => {
    const name = `perennial-b${process.pid}`;
    copyFileSync("/bin/sh", join(folder, name));
    const launch = (): ChildProcess =>
      spawn(join(folder, name), ["-c", "while :; do sleep 0.1; done"], { stdio: "ignore" });
    const [ours, other] = [launch(), launch()];
    try {
      const life = processAt("/proc", ours.pid ?? 0);
      const marks = [`pid=${life?.pid}@${life?.startTicks}`, "0123456789abcdef-of-nobody"];
      const bare = {
        ...options,
        container: name,
        find: () => null,
        marks,
        runtime: { ...options.runtime, name: "cri" },
      };
      await expect(bounceManifest({ ...bare, timeoutSeconds: 3 } as BounceOptions)).rejects.toMatchObject({
        code: "process-not-revived",
      });
      expect([word(), existsSync(manifest)]).toEqual(["back", true]);
      expect([ours.exitCode, ours.signalCode, other.exitCode, other.signalCode]).toEqual([
        null,
        null,
        null,
        null,
      ]);
      // As the kubelet would, once it has noticed. Another cluster's process of the same name is nobody who is waited for.
      const kubelet = until(() => !existsSync(manifest)).then(() => ours.kill("SIGKILL"));
      const since = performance.now();
      await bounceManifest({ ...bare, patienceSeconds: 15 } as BounceOptions);
      await kubelet;
      expect([word(), performance.now() - since < 14_000, other.signalCode]).toEqual(["done", true, null]);
    } finally {
      for (const child of [ours, other]) child.kill("SIGKILL");
    }
  });

  it("knows a successor by its control group, where the pod's uid or the container's id stands", () => {
    const text = manifestBounceScript({
      ...target,
      runtime: "proc",
      program: "",
      socket: "",
      container: "etcd",
      pod: "etcd-m1",
      marks: "pid=7@99 uid0123456789",
      patience: 1,
      grace: 1,
      limit: 1,
    });
    const proc = mkdtempSync(join(tmpdir(), "perennial-proc-"));
    const stat = (pid: number, ticks: number): string =>
      `${pid} (etcd (x)) S ${Array.from({ length: 18 }, (_, index) => index).join(" ")} ${ticks} 0\n`;
    const make = (pid: number, argv0: string, ticks: number, group: string): void => {
      mkdirSync(join(proc, String(pid)), { recursive: true });
      writeFileSync(join(proc, `${pid}/cmdline`), `${argv0}\0--name\0m1\0`);
      writeFileSync(join(proc, `${pid}/stat`), stat(pid, ticks));
      writeFileSync(join(proc, `${pid}/cgroup`), `0::/${group}\n`);
    };
    make(7, "etcd", 99, "");
    make(8, "/usr/local/bin/etcd", 5, "kubepods/burstable/poduid0123456789/abc");
    make(9, "etcd", 5, "docker/of-another-cluster");
    make(70, "etcd", 99, "");
    make(10, "etcdctl", 5, "kubepods/burstable/poduid0123456789/abd");
    const functions = text.slice(0, text.indexOf("# The terminal may go")).replaceAll("/proc/", `$fake/`);
    const ask = (): readonly string[] => {
      const [program = "", ...args] = shell;
      const { stdout, stderr } = spawnSync(program, args, {
        input: `fake='${proc}'\n${functions}\ncontainers\n`,
        encoding: "utf8",
      });
      expect(stderr).toBe("");
      return stdout
        .split("\n")
        .filter((line) => line !== "")
        .sort();
    };
    try {
      expect(ask()).toEqual(["7", "8"]);
      // The number of a process that has ended may be another's by now.
      make(7, "etcd", 100, "");
      expect(ask()).toEqual(["8"]);
    } finally {
      rmSync(proc, { recursive: true });
    }
  });

  it("gives the kubelet its time when nothing was up that could show that it has noticed", async () => {
    writeFileSync(join(folder, "down"), "");
    const since = performance.now();
    await bounceManifest(options);
    expect(performance.now() - since).toBeGreaterThan(1000);
    expect([word(), existsSync(manifest)]).toEqual(["done", true]);
  });

  it("puts the manifest back and says so when the runtime cannot tell", async () => {
    writeFileSync(join(folder, "broken"), "");
    await expect(bounceManifest({ ...options, timeoutSeconds: 2 })).rejects.toMatchObject({
      code: "process-not-revived",
      params: { consumer: "etcd", through: "crictl", reason: `the time was over; ${manifest} is back` },
    });
    expect(existsSync(manifest)).toBe(true);
  });

  it("leaves a manifest alone that somebody puts there meanwhile, and keeps the old one", async () => {
    writeFileSync(join(folder, "deaf"), "");
    const script = start();
    await until(() => word() === "out");
    writeFileSync(manifest, "theirs\n");
    await until(() => word() === "conflict" || script.exitCode !== null);
    expect([word(), readFileSync(manifest, "utf8"), readFileSync(target.held, "utf8")]).toEqual([
      "conflict",
      "theirs\n",
      "kind: Pod\n",
    ]);
    expect(readFileSync(join(folder, "calls"), "utf8")).not.toContain("stop");
    expect(() => restoreManifest("etcd", target)).toThrow(
      expect.objectContaining({ code: "process-not-revived" }),
    );
  });

  it.each(["SIGTERM", "SIGINT"] as const)("puts it back when told to end by %s", async (signal) => {
    writeFileSync(join(folder, "deaf"), "");
    const before = attributes();
    const script = start();
    await until(() => word() === "out");
    script.kill(signal);
    await until(() => word() === "back");
    expect(attributes()).toEqual(before);
  });

  it("does not mind a terminal that goes", async () => {
    const script = start();
    await until(() => word() !== "");
    if (script.pid !== undefined && script.exitCode === null) process.kill(-script.pid, "SIGHUP");
    await until(() => word() === "done");
    expect(existsSync(manifest)).toBe(true);
  });

  it("has a guard that puts it back when the script alone is killed", async () => {
    writeFileSync(join(folder, "deaf"), "");
    const before = attributes();
    const script = start();
    await until(() => word() === "out");
    script.kill("SIGKILL");
    await until(() => word() === "back");
    expect(attributes()).toEqual(before);
  });

  it("puts it back at its limit though the runtime hangs", async () => {
    writeFileSync(join(folder, "deaf"), "");
    const script = start({ limit: 2 });
    await until(() => word() === "out");
    writeFileSync(join(folder, "hang"), "");
    await until(() => word() === "back");
    expect(existsSync(manifest)).toBe(true);
    if (script.pid !== undefined) process.kill(-script.pid, "SIGKILL");
  });

  it.each(["begun", "out", "stopping"])("is made good when all of it is killed at %s", async (point) => {
    writeFileSync(join(folder, "deaf"), "");
    const before = attributes();
    // The fake kubelet's stop hangs, so that the script stays there.
    const crictl = readFileSync(join(folder, "crictl"), "utf8");
    const slow = point === "stopping" ? crictl.replace("rm -f deaf", "exec sleep 5") : crictl;
    writeFileSync(join(folder, "crictl"), slow);
    const script = start({ patience: point === "stopping" ? 1 : 5 });
    await until(() => word() === point || (point === "begun" && word() !== ""));
    const ended = once(script, "exit");
    if (script.pid !== undefined) process.kill(-script.pid, "SIGKILL");
    await ended;
    if (point !== "begun") expect([existsSync(manifest), existsSync(target.held)]).toEqual([false, true]);
    restoreManifest("etcd", target);
    expect(attributes()).toEqual(before);
    writeFileSync(join(folder, "crictl"), crictl);
    rmSync(join(folder, "deaf"), { force: true });
    await bounceManifest(options);
    expect([word(), attributes()]).toEqual(["done", before]);
  });

  it("waits for a script that is at work already, and does not start another", async () => {
    writeFileSync(join(folder, "deaf"), "");
    start();
    await until(() => word() === "out");
    expect(restoreManifest("etcd", target)).toBe(false);
    rmSync(join(folder, "deaf"));
    await bounceManifest({ ...options, shell: ["/nowhere/sh"] });
    expect([word(), existsSync(manifest)]).toEqual(["done", true]);
  });
});

it("is text that every shell here can read", () => {
  const text = manifestBounceScript({
    manifest: "/m",
    held: "/h",
    status: "/s",
    runtime: "proc",
    program: "",
    socket: "",
    container: "etcd",
    pod: "",
    marks: "pid=1@2 0123456789abcdef",
    patience: 1,
    grace: 1,
    limit: 1,
  });
  for (const [program = "", ...args] of shells) {
    expect(spawnSync(program, [...args, "-n"], { input: text, encoding: "utf8" })).toMatchObject({
      status: 0,
      stderr: "",
    });
  }
  expect(findProgram("no-such-program")).toBeNull();
});
