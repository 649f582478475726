// The script for hosts without Node: run by three shells on real trees, killed, undone, refused.
import { spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import type { AddressInfo } from "node:net";
import { createServer } from "node:https";
import { createSecureContext } from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { localNode } from "../../../src/app/local-node.ts";
import { planRenewal } from "../../../src/app/renewal.ts";
import type { BounceStep, ProveLiveStep } from "../../../src/core/model/live-step.ts";
import type { Plan, RenewRequest } from "../../../src/core/model/plan.ts";
import { allSteps } from "../../../src/core/plan/steps.ts";
import { parseCertificate } from "../../../src/core/pki/certificate.ts";
import { renderScript, scriptStepIds } from "../../../src/report/script/render-script.ts";
import { runCli } from "../../support/cli.ts";
import { fixture } from "../../support/fixtures.ts";
import { snapshotTree } from "../../support/tree.ts";
import { renewRequest } from "../../support/renew-request.ts";
import { fullPlan } from "../plan-samples.ts";
import { hostile } from "../samples.ts";

const work = mkdtempSync(join(tmpdir(), "perennial-script-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const shells = [
  ["/usr/bin/dash", []],
  ["/usr/bin/busybox", ["sh"]],
  ["/usr/bin/bash", ["--posix"]],
] as const;

const request: RenewRequest = { ...renewRequest, keyAlgorithm: "ECDSA-P256" };

function planFor(root: string, wish: Partial<RenewRequest> = {}): Promise<Plan> {
  const local = localNode({ root, stateDirectory: null, allowLinksTo: [], environment: {} });
  return planRenewal(local, { id: null, params: {} }, { ...request, ...wish }, Date.now());
}

interface Result {
  readonly code: number | null;
  readonly signal: string | null;
  readonly text: string;
}

interface RunOptions {
  readonly shell?: (typeof shells)[number];
  readonly path?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

let scripts = 0;

function run(script: string, words: readonly string[], options: RunOptions = {}): Promise<Result> {
  const [program, args] = options.shell ?? shells[0];
  const file = join(work, `script-${scripts++}.sh`);
  writeFileSync(file, script);
  const path = options.path ?? process.env["PATH"] ?? "";
  const child = spawn(program, [...args, file, ...words], {
    env: { PATH: path, HOME: work, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((done) => {
    child.once("close", (code, signal) => done({ code, signal, text: Buffer.concat(chunks).toString() }));
  });
}

/** What is wrong with these certificates; with any, when none is named. */
async function faultsOf(root: string, names: readonly string[] = []): Promise<readonly string[]> {
  const { out } = await runCli(["check", "--root", root, "-o", "json"]);
  const { findings } = JSON.parse(out) as {
    findings: readonly { severity: string; code: string; slot: string }[];
  };
  return findings
    .filter(({ severity }) => severity !== "info")
    .filter(({ slot }) => names.length === 0 || names.some((name) => slot === `m1/${name}`))
    .map(({ code, slot }) => `${slot} ${code}`);
}

/** Dies on reaching a line that the plan's step has in the log. */
function killedAfter(script: string, line: string): string {
  const changed = script.replace(
    /^note\(\) \{.*\}$/m,
    () => `note() { printf '%s\\n' "$*" >>"$W/log"; [ "$*" != '${line}' ] || kill -KILL $$; }`,
  );
  expect(changed).not.toBe(script);
  return changed;
}

function filesOf(root: string): Record<string, string> {
  const shapes = Object.entries(snapshotTree(root)).map(([path, text]) => [
    path,
    text.replace(/ [0-9a-f]{64}$/, ""),
  ]);
  return Object.fromEntries(shapes) as Record<string, string>;
}

function stateOf(root: string): string {
  const state = join(root, "var/lib/perennial");
  const folder = readdirSync(state).find((name) => name.startsWith("by-hand-"));
  return join(state, folder ?? "");
}

function isKeyFree(root: string): boolean {
  return readdirSync(stateOf(root)).every((name) => !/\.key$|^new-\d+$|^read$/.test(name));
}

describe("the script", () => {
  it("holds every step of the plan once, in order, in both languages", async () => {
    const plan = await planFor(fixture("kubeadm-ha-expired/m1"));
    for (const lang of ["en", "zh"] as const) {
      expect(scriptStepIds(renderScript(plan, { lang }))).toEqual(allSteps(plan).map(({ id }) => id));
    }
    expect(allSteps(plan).length).toBe(80);
  });

  it.each(shells)(
    "renews an expired control plane under %s %j as planned, and undoes it",
    { timeout: 120_000 },
    async (program, args) => {
      const shell = [program, args] as (typeof shells)[number];
      const root = fixture("kubeadm-ecdsa-expired/m1");
      const names = ["apiserver", "etcd-server", "admin.conf"];
      const before = snapshotTree(root);
      const shapes = filesOf(root);
      const plan = await planFor(root, {
        names,
        addSans: [{ slot: "apiserver", kind: "ip", value: "fd00::9" }],
      });
      const script = renderScript(plan, { lang: program.endsWith("bash") ? "zh" : "en" });
      expect(await run(script, ["check"], { shell })).toMatchObject({ code: 0 });
      expect(snapshotTree(root)).toEqual(before);
      const apiserver = join(root, "etc/kubernetes/pki/apiserver.crt");
      const old = parsedOf(apiserver);
      const applied = await run(script, ["apply", "--yes"], { shell });
      expect(applied).toMatchObject({ code: 0 });
      expect(applied.text).not.toContain("PRIVATE KEY");
      expect(await faultsOf(root, names)).toEqual([]);
      expect(filesOf(root)).toEqual(shapes);
      expect(isKeyFree(root)).toBe(true);
      const made = parsedOf(apiserver);
      expect(Buffer.from(made.subjectDer)).toEqual(Buffer.from(old.subjectDer));
      expect(made.extensions.map(({ oid }) => oid)).toEqual(old.extensions.map(({ oid }) => oid));
      const same = made.extensions.filter(
        ({ der }, at) => Buffer.compare(der, old.extensions[at]?.der ?? new Uint8Array()) === 0,
      );
      expect(same.length).toBe(made.extensions.length - 1);
      expect(textOf(apiserver)).toContain("IP Address:FD00:0:0:0:0:0:0:9");
      const logged = readFileSync(join(stateOf(root), "log"), "utf8").match(/^done .*$/gm) ?? [];
      expect([...new Set(logged)]).toEqual(allSteps(plan).map(({ id }) => `done ${id}`));
      expect((await run(script, ["apply", "--yes"], { shell })).code).toBe(0);
      expect(await run(script, ["undo", "--yes"], { shell })).toMatchObject({ code: 0 });
      expect(snapshotTree(root)).toEqual(before);
    },
  );

  it.each([
    { at: "stage/etc/kubernetes/admin.conf", changed: false },
    { at: "swap/etc/kubernetes/pki/apiserver.key", changed: true },
  ])(
    "goes on after being killed at $at, and can be undone from there",
    { timeout: 60_000 },
    async ({ at, changed }) => {
      const root = fixture("kubeadm-ecdsa-expired/m1");
      const before = snapshotTree(root);
      const script = renderScript(await planFor(root, { names: ["apiserver", "admin.conf"] }), {
        lang: "en",
      });
      const killed = await run(killedAfter(script, `done m1/${at}`), ["apply", "--yes"]);
      expect(killed.signal).toBe("SIGKILL");
      const locked = await runCli(["renew", "apiserver", "--yes", "--root", root]);
      expect(locked.code).toBe(5);
      if (changed) {
        expect(await run(script, ["undo", "--yes"])).toMatchObject({ code: 0 });
        expect(snapshotTree(root)).toEqual(before);
        await run(killedAfter(script, `done m1/${at}`), ["apply", "--yes"]);
      }
      expect(await run(script, ["apply", "--yes"])).toMatchObject({ code: 0 });
      expect(await run(script, ["status"])).toMatchObject({
        code: 0,
        text: expect.stringContaining("it is done") as string,
      });
      const { out } = await runCli(["check", "--root", root, "-o", "json"]);
      expect(out).not.toContain("key-does-not-match");
      const left = Object.keys(snapshotTree(root)).filter((path) => path.includes("perennial-by-hand"));
      expect(left).toEqual([]);
      expect(isKeyFree(root)).toBe(true);
    },
  );

  it("refuses with 4 and changes nothing when anything is not as planned", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const script = renderScript(await planFor(root, { names: ["apiserver"] }), { lang: "en" });
    const pki = join(root, "etc/kubernetes/pki");
    const faults: readonly (readonly [string, () => void, () => void])[] = [
      [
        "mode/uid/gid was 644",
        () => chmodSync(join(pki, "apiserver.crt"), 0o600),
        () => chmodSync(join(pki, "apiserver.crt"), 0o644),
      ],
      [
        "link was",
        () =>
          execFileSync("sh", ["-c", "mv apiserver.crt other.crt; ln -s other.crt apiserver.crt"], {
            cwd: pki,
          }),
        () => execFileSync("sh", ["-c", "rm apiserver.crt; mv other.crt apiserver.crt"], { cwd: pki }),
      ],
      ["sha256 was", () => appendFileSync(join(pki, "ca.crt"), "\n"), () => {}],
    ];
    for (const [text, spoil, mend] of faults) {
      spoil();
      const before = snapshotTree(root, []);
      for (const command of [["check"], ["apply", "--yes"]]) {
        const result = await run(script, command);
        expect(result).toMatchObject({ code: 4 });
        expect(result.text).toContain(text);
      }
      expect(snapshotTree(root, [])).toEqual(before);
      mend();
    }
  });

  it("asks for yes, and is kept out by the tool's lock", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const script = renderScript(await planFor(root, { names: ["apiserver"] }), { lang: "en" });
    expect(await run(script, ["apply"])).toMatchObject({ code: 2 });
    expect(await run(script, ["aply"])).toMatchObject({ code: 2 });
    const lock = join(root, "var/lib/perennial/lock");
    mkdirSync(lock, { recursive: true });
    writeFileSync(join(lock, "00000001"), '{"token":1,"state":"held","what":"renew"}\n');
    const before = snapshotTree(root);
    expect(await run(script, ["apply", "--yes"])).toMatchObject({ code: 5 });
    expect(snapshotTree(root)).toEqual(before);
  });

  it("stops before any change at a kubeconfig that it cannot read for certain", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const admin = join(root, "etc/kubernetes/admin.conf");
    const text = readFileSync(admin, "utf8");
    writeFileSync(
      admin,
      text.replace(
        /users:\n- name: (.*)\n {2}user:\n {4}(.*)\n {4}(.*)\n/,
        "users: [{name: $1, user: {$2, $3}}]\n",
      ),
    );
    const script = renderScript(await planFor(root, { names: ["admin.conf"] }), { lang: "en" });
    const before = snapshotTree(root, []);
    const result = await run(script, ["apply", "--yes"]);
    expect(result).toMatchObject({ code: 4 });
    expect(result.text).toContain("not in the layout of kubeadm");
    expect(snapshotTree(root, [])).toEqual(before);
  });

  it("leaves everything else of a kubeconfig as it is: comments, quotes, other users, CRLF", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const admin = join(root, "etc/kubernetes/admin.conf");
    const text = readFileSync(admin, "utf8");
    const odd = text
      .replace(/client-key-data: (.*)/, 'client-key-data:   "$1"  ')
      .replace("users:\n", "users:\n# ours\n- name: other\n  user:\n    token: abc\n")
      .replaceAll("\n", "\r\n");
    writeFileSync(admin, odd);
    const script = renderScript(await planFor(root, { names: ["admin.conf"] }), { lang: "en" });
    expect(await run(script, ["apply", "--yes"])).toMatchObject({ code: 0 });
    const masked = (value: string): string => value.replace(/(client-\S+-data: +"?)[A-Za-z0-9+/=]+/g, "$1X");
    const now = readFileSync(admin, "utf8");
    expect(masked(now)).toBe(masked(odd));
    expect(now).not.toBe(odd);
  });

  it("undoes by itself when it fails after the first write and the old certificates are still valid", async () => {
    const root = fixture("kubeadm-valid/m1");
    const before = snapshotTree(root);
    const plan = await planFor(root, { names: ["apiserver", "admin.conf"] });
    const script = renderScript(plan, { lang: "en" }).replace(/^prove\(\) .*$/m, "prove() { return 1; }");
    expect(OLD_END(script)).toBeGreaterThan(Date.now() / 1000);
    const result = await run(script, ["apply", "--yes"]);
    expect(result).toMatchObject({ code: 1 });
    expect(result.text).toContain("undone");
    expect(snapshotTree(root)).toEqual(before);
  });

  it("stays midway with 6 when the old certificates have expired", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const script = renderScript(await planFor(root, { names: ["apiserver"] }), { lang: "en" });
    const broken = script.replace(/^prove\(\) .*$/m, "prove() { return 1; }");
    const result = await run(broken, ["apply", "--yes"]);
    expect(result).toMatchObject({ code: 6 });
    expect(result.text).toContain("stopped midway");
    expect(await run(script, ["apply", "--yes"])).toMatchObject({ code: 0 });
  });

  it("needs nothing newer than CentOS 7 or busybox", { timeout: 60_000 }, async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    const shapes = filesOf(root);
    const bin = join(work, "old");
    mkdirSync(bin);
    const applets =
      "awk sed sha256sum base64 stat od readlink cmp sort tail head ls grep mkdir id date tr cut cat cp mv rm ln chmod sleep diff printf";
    for (const applet of applets.split(" ")) symlinkSync("/usr/bin/busybox", join(bin, applet));
    symlinkSync(
      execFileSync("sh", ["-c", "command -v openssl"], { encoding: "utf8" }).trim(),
      join(bin, "openssl"),
    );
    writeFileSync(
      join(bin, "sync"),
      '#!/bin/busybox sh\n[ $# -eq 0 ] || { echo "sync: ignoring" >&2; exit 1; }\n',
      { mode: 0o755 },
    );
    for (const absent of ["mktemp", "realpath"])
      writeFileSync(join(bin, absent), "#!/bin/busybox sh\nexit 99\n", { mode: 0o755 });
    // As the plan's PATH would find newer ones behind it.
    const names = ["apiserver-etcd-client", "scheduler.conf"];
    const script = renderScript(await planFor(root, { names }), { lang: "en" }).replace(
      /^export PATH=.*$/m,
      "",
    );
    const result = await run(script, ["apply", "--yes"], { shell: ["/usr/bin/busybox", ["sh"]], path: bin });
    expect(result).toMatchObject({ code: 0 });
    expect(await faultsOf(root, names)).toEqual([]);
    expect(filesOf(root)).toEqual(shapes);
  });

  it("names the steps that only the tool can do", async () => {
    const root = fixture("kubeadm-half-done/m1");
    const plan = await planFor(root);
    expect(() => renderScript(plan, { lang: "en" })).toThrow(/script-unsupported/);
    const { code, err } = await runCli(["plan", "--script", "--root", root]);
    expect(code).toBe(4);
    expect(err).toMatch(/^error: a script cannot do these steps: m1\//);
  });

  it("quotes whatever a plan holds", () => {
    const plan = fullPlan(hostile);
    const script = renderScript({ ...plan, refusals: [] }, { lang: "en" });
    expect(script).not.toMatch(/[\u001b\u202e\u200b]/);
    execFileSync("dash", ["-n"], { input: script });
  });

  it("is written by plan --script --out, for its owner to run", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const file = join(work, "out.sh");
    const { code, out, err } = await runCli(["plan", "--script", "--out", file, "--root", root]);
    expect({ code, out }).toEqual({ code: 0, out: "" });
    expect(err).toContain(`sh ${file} check`);
    expect(execFileSync("stat", ["-c", "%a", file], { encoding: "utf8" })).toBe("700\n");
  });
});

function OLD_END(script: string): number {
  return Number(/^OLD_END=(\d+)$/m.exec(script)?.[1]);
}

function textOf(path: string): string {
  return execFileSync("openssl", ["x509", "-in", path, "-noout", "-text"], { encoding: "utf8" });
}

function parsedOf(path: string): ReturnType<typeof parseCertificate> {
  return parseCertificate(new Uint8Array(execFileSync("openssl", ["x509", "-in", path, "-outform", "DER"])));
}

/** The plan with a restart of the scheduler's kind and a listener that has to present the new certificate. */
function withRestart(plan: Plan, port: number): Plan {
  const demand = {
    id: "m1/kube-apiserver:6443",
    endpoint: { scheme: "https", host: "127.0.0.1", port, serverName: "m1" },
    slot: "m1/apiserver",
    sha256: null,
  } as const;
  const bounce: BounceStep = {
    kind: "bounce",
    id: "m1/bounce/kube-apiserver",
    consumer: "kube-apiserver",
    when: "always",
    graceSeconds: 7,
    reloadSeconds: 0,
    timeoutSeconds: 10,
    health: { form: "http", endpoint: demand.endpoint, path: "/livez" },
    demands: [demand],
    access: null,
  };
  const prove: ProveLiveStep = {
    kind: "prove-live",
    id: "m1/prove-live",
    demands: [demand],
    access: null,
    health: [],
    api: {
      kubeconfig: "file:m1:/etc/kubernetes/admin.conf",
      user: "kubernetes-admin",
      endpoint: demand.endpoint,
    },
  };
  const phase = (id: "restart" | "prove-live", step: BounceStep | ProveLiveStep): Plan["phases"][number] => ({
    id,
    nodes: [{ node: "m1", steps: [step] }],
  });
  return { ...plan, phases: [...plan.phases, phase("restart", bounce), phase("prove-live", prove)] };
}

const fakeCrictl = `#!/bin/sh
echo "$*" >>"$FAKE/calls"
case $1 in
ps) cat "$FAKE/id" ;;
pods) echo pod-1 ;;
stop) echo "after-$4" >"$FAKE/id"; : >"$FAKE/restarted" ;;
esac
`;

describe("restarts by the script", () => {
  it(
    "stops, removes, waits for another container and for the new certificate from the listener",
    { timeout: 60_000 },
    async () => {
      const root = fixture("kubeadm-ecdsa-expired/m1");
      const fake = join(work, "runtime");
      mkdirSync(fake);
      writeFileSync(join(fake, "crictl"), fakeCrictl, { mode: 0o755 });
      writeFileSync(join(fake, "id"), "old-1\n");
      const pki = join(root, "etc/kubernetes/pki");
      const pair = (): { cert: Buffer; key: Buffer } => ({
        cert: readFileSync(join(pki, "apiserver.crt")),
        key: readFileSync(join(pki, "apiserver.key")),
      });
      const old = pair();
      const asked: string[] = [];
      const server = createServer({
        ...old,
        SNICallback: (_, done) =>
          done(null, createSecureContext(existsSync(join(fake, "restarted")) ? pair() : old)),
      });
      server.on("request", (incoming, answer) => {
        asked.push(`${incoming.method} ${incoming.url}`);
        answer.statusCode = incoming.method === "POST" ? 201 : 200;
        incoming.resume().on("end", () => answer.end("{}"));
      });
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
      try {
        const { port } = server.address() as AddressInfo;
        const plan = withRestart(await planFor(root, { names: ["apiserver"] }), port);
        const script = renderScript(plan, { lang: "en" });
        const options = { path: `${fake}:${process.env["PATH"] ?? ""}`, environment: { FAKE: fake } };
        const killed = await run(
          killedAfter(script, "done m1/bounce/kube-apiserver"),
          ["apply", "--yes"],
          options,
        );
        expect(killed.signal).toBe("SIGKILL");
        expect(await run(script, ["apply", "--yes"], options)).toMatchObject({ code: 0 });
        const calls = readFileSync(join(fake, "calls"), "utf8").split("\n");
        const effects = calls.filter((call) => /^(stop|stopp|rm|rmp) /.test(call));
        expect(effects).toEqual(["stop -t 7 old-1", "stopp pod-1", "rm old-1", "rmp pod-1"]);
        const object = `/api/v1/namespaces/kube-system/configmaps`;
        const name = `perennial-by-hand-${/^D12=(.*)$/m.exec(script)?.[1]}`;
        expect(asked[0]).toBe("GET /livez");
        expect(asked.slice(-2)).toEqual([`POST ${object}`, `DELETE ${object}/${name}`]);
        const undone = await run(script, ["undo", "--yes"], options);
        expect(undone).toMatchObject({ code: 0 });
        expect(readFileSync(join(fake, "calls"), "utf8")).toContain("stop -t 30 after-old-1");
      } finally {
        server.close();
      }
    },
  );
});
