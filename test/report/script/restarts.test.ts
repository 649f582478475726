// Restarts by the script, with a crictl that knows one container and a listener that has to present the new certificate.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { BounceStep } from "../../../src/core/model/live-step.ts";
import type { Plan } from "../../../src/core/model/plan.ts";
import { renderScript } from "../../../src/report/script/render-script.ts";
import { fixture } from "../../support/fixtures.ts";
import { planFor, withRestart } from "../../support/script-plan.ts";
import { killedAfter, runScript, type ScriptOptions, withText, workOf } from "../../support/script-run.ts";
import { type FakeRuntime, startFakeRuntime } from "../../support/script-runtime.ts";
import { snapshotTree } from "../../support/tree.ts";

const runtimes: FakeRuntime[] = [];
afterEach(() => {
  for (const runtime of runtimes.splice(0)) runtime.close();
});

interface Node {
  readonly root: string;
  readonly runtime: FakeRuntime;
  readonly plan: Plan;
  readonly options: ScriptOptions;
}

async function node(): Promise<Node> {
  const root = fixture("kubeadm-ecdsa-expired/m1");
  const runtime = await startFakeRuntime(root);
  runtimes.push(runtime);
  const plan = withRestart(await planFor(root, { names: ["apiserver"] }), runtime.port);
  const path = `${runtime.folder}:${process.env["PATH"] ?? ""}`;
  return { root, runtime, plan, options: { path, environment: runtime.environment } };
}

/** The plan with the kubelet before the other one, as a node with expired certificates needs it. */
function kubeletFirst(plan: Plan): Plan {
  const kubelet: BounceStep = {
    kind: "bounce",
    id: "m1/bounce/kubelet",
    consumer: "kubelet",
    when: "always",
    graceSeconds: 30,
    reloadSeconds: 0,
    timeoutSeconds: 10,
    health: { form: "none" },
    demands: [],
    access: null,
  };
  const phases = plan.phases.map((phase) =>
    phase.id === "restart"
      ? {
          ...phase,
          nodes: phase.nodes.map((each) => ({ ...each, steps: [kubelet, ...each.steps] })),
        }
      : phase,
  );
  return { ...plan, phases };
}

/** systemctl that writes into crictl's list of calls; this text decides about `restart`. */
function writeSystemctl({ root, runtime }: Node, onRestart = ""): void {
  mkdirSync(join(root, "run/systemd/system"), { recursive: true });
  writeFileSync(
    join(runtime.folder, "systemctl"),
    `#!/bin/sh\necho "systemctl $*" >>"$FAKE/calls"\n[ "$1" != restart ] || {\n:\n${onRestart}\n}\n`,
    { mode: 0o755 },
  );
}

const effects = (calls: readonly string[]): readonly string[] =>
  calls.filter((call) => /^(stop|stopp|rm|rmp|systemctl restart) /.test(call));

describe("restarts by the script", () => {
  it(
    "stops, removes, waits for another container and for the new certificate from the listener",
    { timeout: 900_000 },
    async () => {
      const { runtime, plan, options } = await node();
      const script = renderScript(plan, { lang: "en" });
      const dying = killedAfter(script, "done m1/bounce/kube-apiserver");
      expect(await runScript(dying, ["apply", "--yes"], options)).toMatchObject({ signal: "SIGKILL" });
      expect(await runScript(script, ["apply", "--yes"], options)).toMatchObject({ code: 0 });
      expect(effects(runtime.calls())).toEqual(["stop -t 7 old-1", "stopp pod-1", "rm old-1", "rmp pod-1"]);
      const object = `/api/v1/namespaces/kube-system/configmaps`;
      const name = `perennial-by-hand-${/^D12=(.*)$/m.exec(script)?.[1]}`;
      expect(runtime.asked[0]).toBe("GET /livez");
      expect(runtime.asked.slice(-2)).toEqual([`POST ${object}`, `DELETE ${object}/${name}`]);
      expect(await runScript(script, ["undo", "--yes"], options)).toMatchObject({ code: 0 });
      expect(runtime.calls()).toContain("stop -t 30 after-old-1");
    },
  );

  it("restarts the kubelet first and takes that back last", { timeout: 900_000 }, async () => {
    const one = await node();
    writeSystemctl(one);
    const script = renderScript(kubeletFirst(one.plan), { lang: "en" });
    const applied = await runScript(script, ["apply", "--yes"], one.options);
    expect(applied, applied.text).toMatchObject({ code: 0 });
    const there = effects(one.runtime.calls());
    expect(there.slice(0, 2)).toEqual(["systemctl restart kubelet", "stop -t 7 old-1"]);
    expect(await runScript(script, ["undo", "--yes"], one.options)).toMatchObject({ code: 0 });
    const back = effects(one.runtime.calls()).slice(there.length);
    expect([back[0], back.at(-1)]).toEqual(["stop -t 30 after-old-1", "systemctl restart kubelet"]);
  });

  it("puts every file back though a process does not return, and tries that one again", async () => {
    const one = await node();
    writeSystemctl(one, `[ ! -e "$FAKE/broken" ]`);
    const before = snapshotTree(one.root);
    const script = renderScript(kubeletFirst(one.plan), { lang: "en" });
    expect(await runScript(script, ["apply", "--yes"], one.options)).toMatchObject({ code: 0 });
    const done = one.runtime.calls().length;
    writeFileSync(join(one.runtime.folder, "broken"), "");
    const undone = await runScript(script, ["undo", "--yes"], one.options);
    expect(undone).toMatchObject({ code: 6 });
    expect(undone.text).toContain("these have not come back: kubelet");
    expect(snapshotTree(one.root)).toEqual(before);
    const first = effects(one.runtime.calls().slice(done));
    expect(first).toContain("stop -t 30 after-old-1");
    writeFileSync(join(one.runtime.folder, "systemctl"), `#!/bin/sh\necho "systemctl $*" >>"$FAKE/calls"\n`);
    expect(await runScript(script, ["undo", "--yes"], one.options)).toMatchObject({ code: 0 });
    expect(effects(one.runtime.calls().slice(done)).slice(first.length)).toEqual([
      "systemctl restart kubelet",
    ]);
  });

  it("goes on with an undo that was begun, and forward no more", { timeout: 900_000 }, async () => {
    const { root, runtime, plan, options } = await node();
    const before = snapshotTree(root);
    const script = renderScript(plan, { lang: "en" });
    expect(await runScript(script, ["apply", "--yes"], options)).toMatchObject({ code: 0 });
    const dying = killedAfter(script, "rebounced kube-apiserver");
    expect(await runScript(dying, ["undo", "--yes"], options)).toMatchObject({ signal: "SIGKILL" });
    const calls = runtime.calls();
    const forward = await runScript(script, ["apply", "--yes"], options);
    expect(forward).toMatchObject({ code: 6 });
    expect(forward.text).toContain("an undo was begun and is not through");
    expect((await runScript(script, ["status"], options)).text).toContain("an undo was begun");
    expect(await runScript(script, ["undo", "--yes"], options)).toMatchObject({ code: 0 });
    expect(effects(runtime.calls())).toEqual(effects(calls));
    expect(snapshotTree(root)).toEqual(before);
  });

  it("puts a manifest back that it was killed over", { timeout: 900_000 }, async () => {
    const { root, plan, options } = await node();
    const script = renderScript(plan, { lang: "en" });
    const place = `  wait_for 60 is_gone\n`;
    const dying = withText(
      withText(script, "wait_for 60 successor ||", "false ||"),
      place,
      "  kill -KILL $$\n",
    );
    const manifests = join(root, "etc/kubernetes/manifests");
    const before = readFileSync(join(manifests, "kube-apiserver.yaml"), "utf8");
    expect(await runScript(dying, ["apply", "--yes"], options)).toMatchObject({ signal: "SIGKILL" });
    expect(existsSync(join(manifests, "kube-apiserver.yaml"))).toBe(false);
    expect(existsSync(workOf(root))).toBe(true);
    expect(await runScript(script, ["apply", "--yes"], options)).toMatchObject({ code: 0 });
    expect(readFileSync(join(manifests, "kube-apiserver.yaml"), "utf8")).toBe(before);
    expect(existsSync(join(manifests, ".perennial-held-kube-apiserver.yaml"))).toBe(false);
  });
});
