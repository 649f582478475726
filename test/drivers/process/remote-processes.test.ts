// The processes of a node behind a host, which is this machine behind a shell: plain ones, systemd by a fake, manifests, users' commands.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { localHost } from "../../../src/drivers/exec/local-host.ts";
import {
  openRemoteProcesses,
  type RemoteProcessesOptions,
} from "../../../src/drivers/process/open-remote-processes.ts";
import { remoteRun } from "../../../src/drivers/process/remote-commands.ts";
import { systemdUnit } from "../../../src/drivers/process/systemd-unit.ts";
import type { Host } from "../../../src/drivers/shared/host.ts";
import type { NodeProcesses } from "../../../src/engine/ports/node-processes.ts";
import { codeOf } from "../../support/failures.ts";

const nowhere = { cri: [], docker: "/nowhere/docker", containerd: "/nowhere/containerd" };

describe.each(["dash", "bash"])("behind %s", (shell) => {
  let folder: string;
  let host: Host;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "perennial remote' "));
    const [program = "", ...words] = shell.split(" ");
    host = localHost({ name: "m2", shell: [program, ...words], env: { PATH: process.env["PATH"] } });
  });
  afterEach(async () => {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(more: Partial<RemoteProcessesOptions> = {}): NodeProcesses {
    return openRemoteProcesses({
      host,
      consumers: [],
      runtimeEndpoint: null,
      workFolder: join(folder, "work"),
      sockets: nowhere,
      pollMs: 20,
      ...more,
    });
  }

  describe("a plain process", () => {
    /** Found by this name alone, so it must be nobody else's. */
    const name = `perennial-r${process.pid}`;
    const pids: number[] = [];
    afterEach(() => {
      for (const pid of pids.splice(0)) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // gone as it should be
        }
      }
    });

    const processes = (): NodeProcesses => open({ consumers: [{ name, manifest: null }] });
    const lines = (): readonly string[] => readFileSync(join(folder, "log"), "utf8").split("\n").slice(0, -1);
    const line =
      'trap "exit 0" TERM; printf "%s|" "$PWD" "$0" "$1" "$2" "$ONLY" "$EMPTY"; echo "${HOME-none}"; while :; do sleep 0.05; done';

    async function launch(text: string): Promise<number> {
      const program = join(folder, name);
      if (!existsSync(program)) copyFileSync("/bin/sh", program);
      mkdirSync(join(folder, "c w'd"), { recursive: true });
      const log = openSync(join(folder, "log"), "a");
      const child = spawn(program, ["-c", text, "a 'b", "--flag=$x\n\\y", ""], {
        cwd: join(folder, "c w'd"),
        env: { PATH: "/usr/bin:/bin", ONLY: "it's\nthis `one` $x", EMPTY: "" },
        stdio: ["ignore", log, log],
        detached: true,
      });
      closeSync(log);
      await once(child, "spawn");
      pids.push(child.pid ?? 0);
      return child.pid ?? 0;
    }

    it("starts again as it was started: words, folder, environment, output", async () => {
      const pid = await launch(line);
      await expect.poll(() => lines().length).toBeGreaterThan(2);
      const said = lines();
      const before = (await processes().look(name)).instances;
      expect(before.map((one) => one.pid)).toEqual([pid]);
      expect(Math.abs((before[0]?.startedAt ?? 0) - Date.now())).toBeLessThan(30_000);
      await processes().revive(name, { timeoutSeconds: 30 });
      await expect.poll(() => lines().length).toBe(said.length * 2);
      const after = (await processes().look(name)).instances;
      pids.push(after[0]?.pid ?? 0);
      expect(after).toHaveLength(1);
      expect(after[0]?.id).not.toBe(before[0]?.id);
      expect(lines().slice(said.length)).toEqual(said);
      expect(said.join("\n")).toBe(
        `${join(folder, "c w'd")}|a 'b|--flag=$x\n\\y||it's\nthis \`one\` $x||none`,
      );
    });

    it("can be revived by another run than the one that stopped it: how is recorded there, for root alone", async () => {
      await launch(line);
      await expect.poll(() => lines().length).toBeGreaterThan(2);
      const [first] = (await processes().look(name)).instances;
      expect(await processes().stop(name, { graceSeconds: 10 })).toEqual([first?.id]);
      expect((await processes().look(name)).instances).toEqual([]);
      expect(statSync(join(folder, "work", `launch-${name}.sh`)).mode & 0o777).toBe(0o700);
      expect(statSync(join(folder, "work")).mode & 0o777).toBe(0o700);
      await processes().revive(name, { timeoutSeconds: 30 });
      const { instances } = await processes().look(name);
      pids.push(instances[0]?.pid ?? 0);
      expect(instances).toHaveLength(1);
    });

    it("is killed only after its grace", async () => {
      await launch('trap "echo asked" TERM; echo up; while :; do sleep 0.05; done');
      await expect.poll(() => lines()[0]).toBe("up");
      await processes().stop(name, { graceSeconds: 0.5 });
      expect(lines()).toEqual(["up", "asked"]);
    });

    it("that never was cannot be stopped or revived, and two are nobody's to choose from", async () => {
      expect(await codeOf(processes().stop(name, { graceSeconds: 1 }))).toBe("process-not-found");
      expect(await codeOf(processes().revive(name, { timeoutSeconds: 1 }))).toBe("process-not-revived");
      await launch(line);
      await launch(line);
      await expect.poll(async () => (await processes().look(name)).instances.length).toBe(2);
      expect(await codeOf(processes().stop(name, { graceSeconds: 1 }))).toBe("process-ambiguous");
    });
  });

  describe("the manifest of a static pod", () => {
    let manifest: string;
    let consumers: RemoteProcessesOptions["consumers"];

    /** As a kubelet would: the pod is up while its manifest is there; `deaf` keeps it up until docker stops it. */
    beforeEach(() => {
      mkdirSync(join(folder, "manifests"));
      manifest = join(folder, "manifests", "etcd.yaml");
      writeFileSync(manifest, "kind: Pod\n", { mode: 0o640 });
      consumers = [{ name: "etcd", manifest }];
    });

    /** Answers as docker does, and notes what it was asked. */
    function fakeDocker(): Partial<RemoteProcessesOptions> {
      mkdirSync(join(folder, "bin"));
      const labels = {
        "io.kubernetes.container.name": "etcd",
        "io.kubernetes.pod.name": "etcd-m2",
        "io.kubernetes.pod.namespace": "kube-system",
        "io.kubernetes.pod.uid": "u1",
      };
      const state = { Running: true, StartedAt: "2026-01-01T00:00:00Z", Pid: 4711 };
      const container = { Id: "c1", Config: { Labels: labels, Image: "etcd:3.5" }, State: state };
      writeFileSync(join(folder, "inspect.json"), JSON.stringify([container]));
      const program = `#!/bin/sh
cd "$(dirname "$0")/.." || exit 1
echo "$*" >>calls
case " $* " in
*" inspect "*) cat inspect.json ;;
*" ps "*) if [ -e manifests/etcd.yaml ] || [ -e stuck ]; then echo c1; fi ;;
esac
`;
      writeFileSync(join(folder, "bin", "docker"), program, { mode: 0o755 });
      const socket = join(folder, "docker.sock");
      listening.push(createServer().listen(socket));
      const [word = "", ...words] = shell.split(" ");
      const path = `${join(folder, "bin")}:${process.env["PATH"]}`;
      const docked = localHost({ name: "m2", shell: [word, ...words], env: { PATH: path } });
      hosts.push(docked);
      return { host: docked, consumers, runtime: "docker", sockets: { ...nowhere, docker: socket } };
    }

    const listening: Server[] = [];
    const hosts: Host[] = [];
    afterEach(async () => {
      for (const server of listening.splice(0)) server.close();
      for (const one of hosts.splice(0)) await one.close();
    });

    it("goes out and in again by a script of the node's own, the very same file", async () => {
      const processes = open({ ...fakeDocker(), fileCheckSeconds: 1 });
      expect(await processes.look("etcd")).toEqual({
        consumer: "etcd",
        through: `docker ${join(folder, "docker.sock")}`,
        instances: [
          { id: "c1", state: "running", startedAt: Date.UTC(2026, 0, 1), image: "etcd:3.5", pid: 4711 },
        ],
      });
      const { ino, mode } = statSync(manifest);
      await processes.revive("etcd", { timeoutSeconds: 20 });
      expect([statSync(manifest).ino, statSync(manifest).mode]).toEqual([ino, mode]);
      expect(existsSync(join(folder, ".perennial-held", "etcd.yaml"))).toBe(false);
      const status = join(folder, "work", "bounce-etcd.status");
      expect(readFileSync(status, "utf8")).toMatch(/^done \d+\n$/);
      expect(statSync(join(folder, "work", "bounce-etcd.sh")).mode & 0o777).toBe(0o700);
      expect(await processes.restore()).toEqual([]);
    });

    it("is back, and it is said so, when the container is not gone in time", async () => {
      const processes = open(fakeDocker());
      await processes.look("etcd");
      writeFileSync(join(folder, "stuck"), "");
      await expect(processes.revive("etcd", { timeoutSeconds: 2 })).rejects.toMatchObject({
        code: "process-not-revived",
        params: { consumer: "etcd", reason: `the time was over; ${manifest} is back` },
      });
      expect(existsSync(manifest)).toBe(true);
    });

    it("that is not there is not taken out", async () => {
      const processes = open(fakeDocker());
      rmSync(manifest);
      await expect(processes.revive("etcd", { timeoutSeconds: 2 })).rejects.toMatchObject({
        code: "process-not-revived",
        params: { reason: `${manifest} does not exist` },
      });
    });

    it("left in its holding place by a run that was killed is put back, another is left alone", async () => {
      mkdirSync(join(folder, ".perennial-held"), { mode: 0o700 });
      const held = join(folder, ".perennial-held", "etcd.yaml");
      expect(await open({ consumers }).restore()).toEqual([]);
      writeFileSync(held, "kind: Pod\n");
      expect(await open({ consumers }).restore()).toEqual([manifest]);
      expect([existsSync(held), readFileSync(manifest, "utf8")]).toEqual([false, "kind: Pod\n"]);
      writeFileSync(held, "kind: Pod\n");
      rmSync(manifest);
      expect(await open({ consumers }).restore()).toEqual([manifest]);
      writeFileSync(held, "theirs\n");
      await expect(open({ consumers }).restore()).rejects.toMatchObject({
        code: "process-not-revived",
        params: { consumer: "etcd", through: "manifest" },
      });
      expect(readFileSync(manifest, "utf8")).toBe("kind: Pod\n");
    });
  });

  describe("programs", () => {
    it("are given their words as they are, and nothing that leads them elsewhere", async () => {
      const hostile = localHost({ name: "m2", env: { ...process.env, DOCKER_HOST: "tcp://elsewhere" } });
      try {
        const words = ["it's", "$(id)", "a\nb", ""];
        const { stdout } = await remoteRun(hostile)("printf", ["<%s>", ...words], { timeoutMs: 5000 });
        expect(stdout).toBe("<it's><$(id)><a\nb><>");
        const env = await remoteRun(hostile)("env", [], { timeoutMs: 5000 });
        expect(env.stdout).not.toContain("elsewhere");
      } finally {
        await hostile.close();
      }
    });

    it("that take too long are named, and the next one runs", async () => {
      const run = remoteRun(host);
      await expect(run("/bin/sleep", ["20"], { timeoutMs: 200 })).rejects.toMatchObject({
        code: "command-failed",
        params: { command: "sleep 20", reason: "no answer within 0.2 s" },
      });
      expect(await run("/bin/false", [], { timeoutMs: 5000 })).toMatchObject({ code: 1 });
    });
  });

  it("asks systemd by its program", async () => {
    const program = join(folder, "systemctl");
    const show = "MainPID=42\nExecMainStartTimestampMonotonic=5000000\nLoadState=loaded\nActiveState=active";
    const text = `#!/bin/sh
cd "$(dirname "$0")" || exit 1
echo "$*" >>calls
case $1 in
show) if [ -e stopped ]; then echo LoadState=loaded; else echo '${show}'; fi ;;
stop) : >stopped ;;
esac
`;
    writeFileSync(program, text, { mode: 0o755 });
    const run = remoteRun(host);
    const unit = systemdUnit({ consumer: "kubelet", unit: "kubelet.service", program, run, bootAt: 1000 });
    expect(await unit.look()).toEqual({
      through: "systemd kubelet.service",
      instances: [{ id: "42@5000000", state: "running", startedAt: 6000, image: null, pid: 42 }],
    });
    expect(await unit.stop({ graceSeconds: 5 })).toEqual(["42@5000000"]);
    await unit.revive({ timeoutSeconds: 5 });
    const calls = readFileSync(join(folder, "calls"), "utf8").split("\n");
    expect(calls.filter((call) => call !== "" && !call.startsWith("show"))).toEqual([
      "stop kubelet.service",
      "reset-failed kubelet.service",
      "restart kubelet.service",
    ]);
  });

  it("runs a user's commands there, and waits for none that they leave in the background", async () => {
    const pidFile = join(folder, "pid");
    const processes = open({
      consumers: [{ name: "etcd", manifest: "/nowhere/etcd.yaml" }],
      commands: {
        etcd: {
          stop: `echo stop >>'${folder.replaceAll("'", String.raw`'\''`)}/said'`,
          start: `sleep 30 & echo $! >"$(dirname "$0")/x" 2>/dev/null; echo no such unit >&2; exit 5`,
        },
      },
    });
    expect(await processes.stop("etcd", { graceSeconds: 1 })).toEqual([]);
    expect(readFileSync(join(folder, "said"), "utf8")).toBe("stop\n");
    const since = performance.now();
    await expect(processes.revive("etcd", { timeoutSeconds: 5 })).rejects.toMatchObject({
      code: "process-not-revived",
      params: { consumer: "etcd", through: "command", reason: "no such unit" },
    });
    expect(performance.now() - since).toBeLessThan(4000);
    expect(existsSync(pidFile)).toBe(false);
  });

  it("does not confuse what is not there with what nobody could say", async () => {
    const processes = open({ consumers: [{ name: "etcd", manifest: "/nowhere/etcd.yaml" }] });
    expect(await codeOf(processes.look("etcd"))).toBe("process-unknowable");
    await expect(processes.look("flanneld")).rejects.toBeInstanceOf(TypeError);
    expect(processes.returnsByItself("etcd")).toBe(true);
  });

  it("does not wait for a static pod to come back that has a command to start it", () => {
    const consumers = [{ name: "etcd", manifest: "/nowhere/etcd.yaml" }];
    expect(open({ consumers, commands: { etcd: { start: "true" } } }).returnsByItself("etcd")).toBe(false);
    expect(open({ consumers, commands: { etcd: { stop: "true" } } }).returnsByItself("etcd")).toBe(true);
  });
});
