// The script of `plan --script` on a control plane that really runs: an outage ended by three shells in turn, killed between stop
// and start and between key and certificate, and taken back until every file is what it was.
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readLab } from "../../src/lab/places.ts";
import { labStatus } from "../../src/lab/status.ts";
import { builtCli, type ProcessResult, spawnCli, startCli, finished } from "../support/cli.ts";
import { hasEtcd } from "../support/etcd-server.ts";
import {
  keysLeft,
  killedAfter,
  runScript,
  type ScriptOptions,
  type ScriptResult,
  withText,
} from "../support/script-run.ts";
import { snapshotTree } from "../support/tree.ts";

const base = mkdtempSync(join(tmpdir(), "sc-"));
const dir = join(base, "l");
const root = join(dir, "m1");
const long = { timeout: 900_000 };
const pki = join(root, "etc/kubernetes/pki");
const systemd = join(root, "run/systemd/system");
const path = `${join(base, "bin")}:${join(dir, "bin")}:${process.env["PATH"] ?? ""}`;

const lab = (...words: readonly string[]): Promise<ProcessResult> =>
  spawnCli(["lab", ...words, "--dir", dir]);
const perennial = (...words: readonly string[]): Promise<ProcessResult> =>
  finished(startCli([...words, "--root", root, "--probe"], { PATH: path }));
const run = (script: string, words: readonly string[], options: ScriptOptions = {}): Promise<ScriptResult> =>
  runScript(script, words, { path, ...options });

/** What the script may write: certificates, keys, kubeconfigs, manifests. */
function files(): Readonly<Record<string, string>> {
  const kept = Object.entries(snapshotTree(root)).filter(([name]) =>
    /^(etc|root|var\/lib\/kubelet)\//.test(name),
  );
  return Object.fromEntries(kept);
}

async function ailing(): Promise<readonly string[]> {
  const [host] = await labStatus(readLab(dir));
  return (host?.parts ?? []).filter(({ ailment }) => ailment !== null).map(({ name }) => name);
}

/** Serial of what a listener presents; null where nobody listens. */
function servedBy(name: "etcd" | "apiServer"): Promise<string | null> {
  const port = readLab(dir).hosts[0]?.ports[name] ?? 0;
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? null);
      socket.destroy();
    });
    socket.once("error", () => resolve(null));
  });
}

function serialStored(name: string): string {
  return new X509Certificate(readFileSync(join(pki, name))).serialNumber;
}

async function expectWell(): Promise<void> {
  expect(await ailing()).toEqual([]);
  expect(await lab("status")).toMatchObject({ code: 0 });
  const verified = await perennial("verify");
  expect(verified, verified.out).toMatchObject({ code: 0 });
  expect({ etcd: await servedBy("etcd"), apiServer: await servedBy("apiServer") }).toEqual({
    etcd: serialStored("etcd/server.crt"),
    apiServer: serialStored("apiserver.crt"),
  });
}

function changedSince(before: Readonly<Record<string, string>>): readonly string[] {
  const now = files();
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].filter((name) => before[name] !== now[name] && !name.includes(".perennial-by-hand-"));
}

async function scriptFor(...names: readonly string[]): Promise<string> {
  const file = join(base, "plan.sh");
  const words = ["plan", ...names, "--key-algorithm", "ECDSA-P256", "--script", "--out", file];
  expect(await perennial(...words)).toMatchObject({ code: 0 });
  return readFileSync(file, "utf8");
}

const callsOfSystemctl = (): readonly string[] =>
  readFileSync(join(base, "systemctl.calls"), "utf8").trimEnd().split("\n");

/** systemd of a host whose kubelet is one process below its root: what the script and the tool ask of it. */
function writeSystemctl(): void {
  const { id } = readLab(dir);
  const kubelet = [process.execPath, builtCli(), "lab", "run", "kubelet", "--dir", dir, "--host", "m1"];
  mkdirSync(join(base, "bin"));
  writeFileSync(
    join(base, "bin/systemctl"),
    `#!/bin/bash
pid=$(cd ${root}/proc && echo [0-9]*)
echo "$*" >>${base}/systemctl.calls
case $1 in
show)
  ticks=$(sed 's/^.*) //' "/proc/$pid/stat" | cut -d ' ' -f 20)
  printf 'LoadState=loaded\\nActiveState=active\\nMainPID=%s\\nExecMainStartTimestampMonotonic=%s0000\\n' "$pid" "$ticks" ;;
is-active) kill -0 "$pid" ;;
restart)
  kill "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  PERENNIAL_LAB=${id} PERENNIAL_LAB_HOST=m1 setsid bash -c 'exec -a kubelet "$@"' kubelet ${kubelet.join(" ")} </dev/null >/dev/null 2>&1 &
  until [ -e "${root}/proc/$!" ]; do sleep 0.1; done ;;
esac
`,
    { mode: 0o755 },
  );
}

describe.skipIf(!hasEtcd).sequential("plan --script for a control plane that runs", () => {
  let script = "";
  let expired: Readonly<Record<string, string>> = {};

  beforeAll(async () => {
    expect(await lab("up", "--pace", "0.05", "--key-algorithm", "ECDSA-P256")).toMatchObject({ code: 0 });
    expect(await lab("expire")).toMatchObject({ code: 0 });
    writeSystemctl();
    mkdirSync(systemd, { recursive: true });
    expired = files();
    script = await scriptFor();
  });

  afterAll(async () => {
    if (existsSync(join(dir, "lab.json"))) await lab("down");
  });

  it("ends an outage under dash: all is well, and what is served is what is stored", long, async () => {
    expect(await ailing()).toContain("kube-apiserver");
    const applied = await run(script, ["apply", "--yes"]);
    expect(applied, applied.text).toMatchObject({ code: 0, signal: null });
    expect(applied.text).not.toContain("PRIVATE KEY");
    await expectWell();
    expect(keysLeft(root)).toEqual([]);
    expect(callsOfSystemctl()).toContain("restart kubelet");
    expect(await run(script, ["apply", "--yes"])).toMatchObject({ code: 0 });
  });

  it("goes back to what had expired under busybox: every byte, mode and owner", long, async () => {
    const undone = await run(script, ["undo", "--yes"], { shell: "busybox" });
    expect(undone, undone.text).toMatchObject({ code: 0, signal: null });
    expect(files()).toEqual(expired);
    expect(await ailing()).toContain("kubelet");
    await expect.poll(() => servedBy("etcd"), { timeout: 180_000 }).toBe(serialStored("etcd/server.crt"));
  });

  it(
    "goes on under busybox after it was killed between stop and start, though there is no systemd",
    long,
    async () => {
      const killed = await run(killedOnStopping("kube-apiserver"), ["apply", "--yes"], { shell: "busybox" });
      expect(killed, killed.text).toMatchObject({ signal: "SIGKILL" });
      expect(killed.text).toContain("kube-apiserver: stopping");
      expect(await perennial("renew", "--yes")).toMatchObject({ code: 5 });
      rmSync(systemd, { recursive: true });
      const calls = callsOfSystemctl().length;
      const leftovers = [
        "etc/kubernetes/pki/etcd/.perennial-snapshot.key",
        "var/lib/etcd/.perennial-snapshot.db",
      ];
      for (const name of leftovers)
        writeFileSync(join(root, name), "of a run that was killed while it saved etcd");
      const restarts: string[] = [];
      const onText = (text: string): void => {
        if (restarts.length > 0 || !text.includes("restart it in your own way")) return;
        restarts.push("kubelet");
        spawn(join(base, "bin/systemctl"), ["restart", "kubelet"], { stdio: "ignore" });
      };
      const applied = await run(script, ["apply", "--yes"], { shell: "busybox", onText });
      expect(applied, applied.text).toMatchObject({ code: 0, signal: null });
      expect(restarts).toEqual(["kubelet"]);
      // The test's own call, as an operator: the script has made none.
      expect(callsOfSystemctl().slice(calls)).toEqual(["restart kubelet"]);
      expect(leftovers.filter((name) => existsSync(join(root, name)))).toEqual([]);
      mkdirSync(systemd);
      await expectWell();
      expect(keysLeft(root)).toEqual([]);
    },
  );

  it("is taken back under bash after it was killed between a key and its certificate", long, async () => {
    const before = files();
    script = await scriptFor("etcd-server", "apiserver", "scheduler.conf");
    const dying = killedAfter(script, "done m1/swap/etc/kubernetes/pki/apiserver.key");
    const killed = await run(dying, ["apply", "--yes"], { shell: "bash" });
    expect(killed, killed.text).toMatchObject({ signal: "SIGKILL" });
    expect(changedSince(before)).toEqual(["etc/kubernetes/pki/apiserver.key"]);
    expect(await run(script, ["undo", "--yes"], { shell: "bash" })).toMatchObject({ code: 0 });
    expect(files()).toEqual(before);
  });

  it("renews under bash what had not expired, and serves the old ones again after undo", long, async () => {
    const before = files();
    const old = { etcd: await servedBy("etcd"), apiServer: await servedBy("apiServer") };
    const applied = await run(script, ["apply", "--yes"], { shell: "bash" });
    expect(applied, applied.text).toMatchObject({ code: 0, signal: null });
    await expectWell();
    expect(await servedBy("apiServer")).not.toBe(old.apiServer);
    const undone = await run(script, ["undo", "--yes"], { shell: "bash" });
    expect(undone, undone.text).toMatchObject({ code: 0, signal: null });
    expect(files()).toEqual(before);
    await expect.poll(ailing, { timeout: 180_000 }).toEqual([]);
    // An API server that was not restarted looks at its files once a minute of the lab's.
    const served = async () => ({ etcd: await servedBy("etcd"), apiServer: await servedBy("apiServer") });
    await expect.poll(served, { timeout: 180_000, interval: 500 }).toEqual(old);
  });

  /** Its runtime has stopped the container; nothing was removed and nothing waited for. */
  function killedOnStopping(process: string): string {
    const place = `    remove_remains "$exited" "$pods"\n`;
    return withText(script, place, `    [ "$process" != ${process} ] || kill -KILL $$\n${place}`);
  }
});
