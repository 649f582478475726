// crictl, docker, nerdctl and ctr by what they are asked and in which order; their output as the real ones print it.
import { describe, expect, it } from "vitest";
import {
  commandLineRuntime,
  type CommandLineName,
} from "../../../src/drivers/process/command-line-runtimes.ts";
import {
  plainEnvironment,
  runCommand,
  type CommandResult,
} from "../../../src/drivers/process/run-command.ts";
import { openRuntimeChoice } from "../../../src/drivers/process/runtime-choice.ts";
import { staticPod } from "../../../src/drivers/process/static-pods.ts";

const labels = {
  "io.kubernetes.pod.name": "etcd-m1",
  "io.kubernetes.pod.namespace": "kube-system",
  "io.kubernetes.pod.uid": "u1",
};
const ofContainer = { ...labels, "io.kubernetes.container.name": "etcd" };

/** A fake program: the answer to each call, a non-zero exit for what is not known; every call is recorded. */
function fake(name: CommandLineName, answer: (args: string, calls: readonly string[]) => string | null) {
  const calls: string[] = [];
  const runtime = commandLineRuntime(name, {
    program: `/usr/bin/${name}`,
    socket: "/s",
    pollMs: 1,
    run: (program, args): Promise<CommandResult> => {
      const line = args.join(" ");
      const stdout = answer(line, calls);
      calls.push(line);
      expect(program).toBe(`/usr/bin/${name}`);
      return Promise.resolve({ code: stdout === null ? 1 : 0, stdout: stdout ?? "", stderr: "E: refused\n" });
    },
  });
  const bounce = { consumer: "etcd", manifest: "/m", workFolder: "/w", container: "etcd" };
  const driver = staticPod({
    consumer: "etcd",
    container: "etcd",
    pod: null,
    proc: "/proc",
    runtimes: openRuntimeChoice([runtime]),
    pollMs: 1,
    bounce: { ...bounce, patienceSeconds: 1, graceSeconds: 1, pollMs: 1 },
    insteadOfBounce: null,
  });
  return { calls, runtime, driver };
}
const effects = (calls: readonly string[]): readonly string[] =>
  calls.filter((call) => / (stop|stopp|rm|rmp|kill) /.test(call));

describe("crictl", () => {
  const ps = JSON.stringify({
    containers: [
      {
        id: "c2",
        podSandboxId: "s1",
        metadata: { name: "etcd", attempt: 1 },
        image: { image: "sha256:aa", annotations: {} },
        state: "CONTAINER_RUNNING",
        createdAt: "1795375469799000000",
        labels: ofContainer,
      },
      {
        id: "c1",
        podSandboxId: "s1",
        state: "CONTAINER_EXITED",
        createdAt: "1795375460000000000",
        labels: ofContainer,
      },
      {
        id: "c9",
        podSandboxId: "s9",
        state: "CONTAINER_RUNNING",
        createdAt: "1",
        labels: { ...ofContainer, "io.kubernetes.pod.namespace": "default" },
      },
    ],
  });
  const pods = JSON.stringify({
    items: [
      { id: "s1", state: "SANDBOX_READY", labels, annotations: { "kubernetes.io/config.source": "file" } },
    ],
  });

  it("is asked for JSON, and stops politely before it removes", async () => {
    const { calls, driver } = fake("crictl", (args, before) => {
      const isRemoved = before.some((call) => call.includes(" rmp "));
      if (args.endsWith("ps -a -o json")) return isRemoved ? '{"containers":[]}' : ps;
      if (args.endsWith("pods -o json")) return isRemoved ? '{"items":[]}' : pods;
      return "";
    });
    expect(await driver.look()).toEqual({
      through: "crictl /s",
      instances: [
        { id: "c2", state: "running", startedAt: 1795375469799, image: "sha256:aa", pid: null },
        { id: "c1", state: "exited", startedAt: 1795375460000, image: null, pid: null },
      ],
    });
    expect(await driver.stop({ graceSeconds: 60 })).toEqual(["c2", "c1"]);
    const of = "-r unix:///s -t 20s";
    expect(effects(calls)).toEqual([
      `${of} stop -t 60 c2`,
      `${of} stopp s1`,
      `${of} rm c2`,
      `${of} rm c1`,
      `${of} rmp s1`,
    ]);
  });

  it("is not told to remove by force what it could not stop", async () => {
    const { calls, driver } = fake("crictl", (args) => {
      if (args.endsWith("ps -a -o json")) return ps;
      return args.endsWith("pods -o json") ? pods : null;
    });
    await expect(driver.stop({ graceSeconds: 60 })).rejects.toMatchObject({
      code: "process-not-stopped",
      params: { consumer: "etcd", through: "crictl /s", ids: ["c2"], reason: "E: refused" },
    });
    const asked = "-r unix:///s -t 20s stop -t 60 c2";
    expect(effects(calls)).toEqual([asked, asked]);
  });

  it("complains of a container that ends by itself, and lists it for a moment longer: it is stopped", async () => {
    const exited = ps.replaceAll("CONTAINER_RUNNING", "CONTAINER_EXITED");
    const { calls, driver } = fake("crictl", (args, before) => {
      const isRemoved = before.some((call) => call.includes(" rmp "));
      const since = before.findIndex((call) => call.includes(" stop "));
      const looks = before.slice(since).filter((call) => call.includes(" ps ")).length;
      if (args.includes(" stop ")) return null;
      if (args.endsWith("pods -o json")) return isRemoved ? '{"items":[]}' : pods;
      if (!args.endsWith("ps -a -o json")) return "";
      if (isRemoved) return '{"containers":[]}';
      return since >= 0 && looks > 2 ? exited : ps;
    });
    expect(await driver.stop({ graceSeconds: 60 })).toEqual(["c2", "c1"]);
    expect(effects(calls).filter((call) => call.includes(" stop "))).toHaveLength(1);
  });

  it("that answers something else is not an empty list", async () => {
    const { driver } = fake("crictl", () => "I1122 connecting\n");
    await expect(driver.look()).rejects.toMatchObject({
      code: "process-unknowable",
      params: { consumer: "etcd", tried: ["crictl /s: its output is not JSON"] },
    });
  });
});

describe("nerdctl", () => {
  it("is asked without filters, and stops without removing what the CRI made", async () => {
    const item = (id: string, more: object, running: boolean) => ({
      Id: id,
      Created: "2026-11-22T19:00:00Z",
      Image: "registry.k8s.io/etcd:3.5.0",
      State: { Status: running ? "running" : "exited", Running: running, Pid: running ? 7 : 0 },
      Config: { Labels: { ...labels, ...more } },
    });
    const { calls, driver } = fake("nerdctl", (args, before) => {
      const isUp = !before.some((call) => call.includes(" stop "));
      if (args.endsWith("ps -a -q --no-trunc")) return "c1\ns1\n";
      if (!args.includes(" inspect ")) return "";
      return JSON.stringify([
        item("c1", { "io.kubernetes.container.name": "etcd", "io.cri-containerd.kind": "container" }, isUp),
        item("s1", { "io.cri-containerd.kind": "sandbox" }, isUp),
      ]);
    });
    expect((await driver.look()).instances).toEqual([
      {
        id: "c1",
        state: "running",
        startedAt: Date.parse("2026-11-22T19:00:00Z"),
        image: "registry.k8s.io/etcd:3.5.0",
        pid: 7,
      },
    ]);
    await driver.stop({ graceSeconds: 60 });
    const of = "-a unix:///s -n k8s.io";
    expect(effects(calls)).toEqual([`${of} stop -t 60 c1`, `${of} stop -t 5 s1`]);
  });
});

describe("docker", () => {
  it("may lose a container between its list and its look", async () => {
    const { runtime } = fake("docker", (args) => (args.includes(" inspect ") ? "[]" : "gone\n"));
    expect(await runtime.list()).toEqual({ containers: [], sandboxes: [] });
  });
});

describe("a program of the node", () => {
  it("gets its arguments as they are, in the C locale", async () => {
    const result = await runCommand("/bin/sh", ["-c", 'echo "$1 $LC_ALL"; exit 3', "x", "$(id) *"], {
      timeoutMs: 5000,
    });
    expect(result).toEqual({ code: 3, stdout: "$(id) * C\n", stderr: "" });
  });

  it("is not led to another machine by the operator's environment", () => {
    expect(
      plainEnvironment({
        DOCKER_HOST: "tcp://other",
        DOCKER_CONTEXT: "x",
        CONTAINERD_ADDRESS: "y",
        HOME: "/r",
      }),
    ).toEqual({ HOME: "/r", LC_ALL: "C", SYSTEMD_PAGER: "" });
  });

  it("ends at its deadline, with its children, and at its bound", async () => {
    await expect(runCommand("/bin/sh", ["-c", "sleep 30 & wait"], { timeoutMs: 100 })).rejects.toMatchObject({
      code: "command-failed",
      params: { reason: "no answer within 0.1 s" },
    });
    await expect(
      runCommand("/bin/sh", ["-c", "yes"], { timeoutMs: 5000, limitBytes: 1000 }),
    ).rejects.toMatchObject({ code: "command-failed", params: { reason: "more than 1000 bytes of output" } });
    await expect(runCommand("/nowhere/x", [], { timeoutMs: 100 })).rejects.toMatchObject({
      code: "command-failed",
    });
  });
});
