// Nodes of TKEStack's clusters: what is recognised, said, left alone, and left to people.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Plan } from "../../src/core/model/plan.ts";
import { manualCommands } from "../../src/report/manual-steps.ts";
import { runCli } from "../support/cli.ts";
import { fixture, freshFolder } from "../support/fixtures.ts";
import { layTkestackOver, type TkestackOptions } from "../support/tkestack.ts";

const now = Date.parse("2026-11-22T18:00:00Z");

function node(options: TkestackOptions = { cluster: "global" }): string {
  const root = fixture("kubeadm-ha-expired/m1");
  layTkestackOver(root, options);
  return root;
}

async function planOf(root: string, ...words: readonly string[]): Promise<Plan> {
  const { out } = await runCli(["plan", "--root", root, "-o", "json", ...words], { now });
  return JSON.parse(out) as Plan;
}

async function findingsOf(root: string, ...words: readonly string[]) {
  const { out } = await runCli(["check", "--root", root, "-o", "json", ...words], { now });
  return JSON.parse(out) as {
    readonly perennial: { readonly profile: string };
    readonly findings: readonly { readonly code: string; readonly params: object; readonly path?: string }[];
  };
}

describe("a master of TKEStack", () => {
  it("is recognised, and so is which of the platform's clusters it belongs to", async () => {
    const { perennial, findings } = await findingsOf(node());
    expect(perennial.profile).toBe("tkestack");
    expect(findings.find(({ code }) => code === "platform-recognised")?.params).toEqual({
      platform: "tkestack",
      role: "global",
      cluster: { name: "global", source: "/etc/kubernetes/admin.conf" },
    });
    const standalone = await findingsOf(node({ cluster: "cls-7x2k9" }));
    expect(standalone.findings.find(({ code }) => code === "platform-recognised")?.params).toMatchObject({
      role: "standalone",
      cluster: { name: "cls-7x2k9" },
    });
  });

  it("keeps the platform's kubeconfig by token as it is, and says so once", async () => {
    const root = node();
    const { findings } = await findingsOf(root);
    expect(findings.filter(({ code }) => code === "token-kubeconfig-left")).toMatchObject([
      { params: { path: "/root/.kube/config" } },
    ]);
    expect(findings.filter(({ code }) => code === "credential-without-certificate")).toEqual([]);
    const before = readFileSync(join(root, "root/.kube/config"));
    const { out } = await runCli(["renew", "--root", root, "--yes", "--key-algorithm", "ECDSA-P256"]);
    expect(out).toContain("/root/.kube/config: TKEStack's kubeconfig by token, left alone");
    expect(readFileSync(join(root, "root/.kube/config"))).toEqual(before);
  });

  it("is warned of the platform's own renewal", async () => {
    const { notices } = await planOf(node());
    expect(notices).toContainEqual({
      code: "platform-renews",
      platform: "tkestack",
      role: "global",
      cluster: "global",
    });
    const words = await runCli(["plan", "--root", node()], { now });
    expect(words.out).toContain("EnsureRenewCerts");
  });

  it("is no TKEStack's when nothing of it is there: kubeadm's profile fits, and --profile tkestack is refused", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    expect((await findingsOf(root)).perennial.profile).toBe("kubeadm");
    const { findings } = await findingsOf(root, "--profile", "tkestack");
    expect(findings.map(({ code }) => code)).toContain("platform-left-alone");
    const { code, err } = await runCli(["plan", "--root", root, "--profile", "tkestack"], { now });
    expect(code).toBe(4);
    expect(err).toContain("the cluster was imported, or is another one");
    expect(err).toContain(`perennial plan --profile kubeadm --root ${root}`);
  });

  it("is left alone when the platform is older than 1.2.5, by its own file or the operator's word", async () => {
    const old = node({ cluster: "global", isOld: true });
    const { code, err } = await runCli(["plan", "--root", old], { now });
    expect(code).toBe(4);
    expect(err).toContain("/etc/kubernetes/kubeadm-config.yaml was written by TKEStack before 1.2.5");
    expect(
      (await findingsOf(old)).findings.find((one) => one.code === "platform-left-alone")?.params,
    ).toEqual({
      platform: "tkestack",
      why: { code: "too-old", version: null, path: "/etc/kubernetes/kubeadm-config.yaml" },
    });
    expect((await planOf(old, "--set", "tkeVersion=1.3.0")).refusals).toEqual([]);
    expect((await planOf(node(), "--set", "tkeVersion=v1.2.4")).refusals).toMatchObject([
      { code: "platform-too-old", detail: "v1.2.4" },
    ]);
    expect((await planOf(old, "--profile", "kubeadm")).refusals).toEqual([]);
  });
});

describe("copies that only the API of TKEStack holds", () => {
  it("are steps for people, in order, when their original is renewed, and no others", async () => {
    const root = node();
    const { manual = [], digest } = await planOf(root);
    expect(manual).toEqual([
      {
        kind: "manual",
        id: "m1/manual/tke-certs",
        node: "m1",
        name: "tke-certs",
        source: "m1/apiserver-etcd-client",
        store: "config-map",
        namespace: "tke",
        object: "certs",
        certificate: "etcd.crt",
        key: "etcd.key",
        files: {
          certificate: "/etc/kubernetes/pki/apiserver-etcd-client.crt",
          key: "/etc/kubernetes/pki/apiserver-etcd-client.key",
        },
        oldSerialHex: serialOf(join(root, "etc/kubernetes/pki/apiserver-etcd-client.crt")),
        role: "global",
        cluster: "global",
      },
      expect.objectContaining({
        id: "m1/manual/cluster-credential",
        store: "cluster-credential",
        certificate: "etcdAPIClientCert",
        key: "etcdAPIClientKey",
      }),
    ]);
    expect((await planOf(root, "apiserver")).manual).toBeUndefined();
    const elsewhere = await planOf(node({ cluster: "cls-7x2k9" }));
    expect(elsewhere.manual?.map(({ name }) => name)).toEqual(["cluster-credential"]);
    // What people do is part of what is approved.
    const { manual: _, ...without } = await planOf(root);
    const { digestOfPlan } = await import("../../src/core/plan/digest.ts");
    expect(digestOfPlan(without)).not.toBe(digest);
  });

  it("are in the plan, the runbook, the script and the closing lines, in both languages", async () => {
    const root = node();
    for (const words of [[], ["--runbook"], ["--script"]]) {
      const { out } = await runCli(["plan", "--root", root, ...words], { now });
      expect(out).toContain("kubectl get -n tke cm certs -o yaml > certs.bak.yaml");
      expect(out.indexOf("certs.bak.yaml")).toBeLessThan(out.indexOf("kubectl replace -f new.json"));
      expect(out).toContain("clustercredentials.platform.tkestack.io");
    }
    const chinese = await runCli(["plan", "--root", root], { now, lang: "zh" });
    expect(chinese.out).toContain(
      "ConfigMap tke/certs 的 etcd.crt 与 etcd.key：m1/apiserver-etcd-client 的副本",
    );
    const renewed = await runCli(["renew", "--root", root, "--yes", "--key-algorithm", "ECDSA-P256"]);
    expect(renewed.code).toBe(0);
    expect(renewed.out).toContain(
      "Copies that still hold the old certificate: ConfigMap tke/certs (etcd.crt, etcd.key), ClusterCredential (global) (etcdAPIClientCert, etcdAPIClientKey)",
    );
    const report = await runCli(["runs", "report", "last", "--root", root]);
    expect(report.out).toContain("kubectl get -n tke cm certs -o yaml > certs.bak.yaml");
  });

  it("are brought up to date by the commands, neighbours and all else kept", async () => {
    const root = node();
    const { manual = [] } = await planOf(root);
    const old = join(root, "etc/kubernetes/pki");
    const scene = await kubectlScene(old);
    const renewed = await runCli(["renew", "--root", root, "--yes", "--key-algorithm", "ECDSA-P256"]);
    expect(renewed.code).toBe(0);
    for (const step of manual) {
      const files = {
        certificate: join(root, step.files.certificate),
        key: join(root, step.files.key),
      };
      scene.run(manualCommands({ ...step, files }));
    }
    const pem = (name: string): string => readFileSync(join(old, `apiserver-etcd-client.${name}`), "utf8");
    expect(scene.object("certs")).toEqual({
      ...scene.before.certs,
      data: { ...scene.before.certs.data, "etcd.crt": pem("crt"), "etcd.key": pem("key") },
    });
    expect(scene.object("cc-1")).toEqual({
      ...scene.before.credential,
      etcdAPIClientCert: Buffer.from(pem("crt")).toString("base64"),
      etcdAPIClientKey: Buffer.from(pem("key")).toString("base64"),
    });
    // APIs first; what does not mount it is left running.
    expect(scene.restarted()).toEqual(["deployment/tke-platform-api", "daemonset/tke-gateway"]);
  });
});

function serialOf(path: string): string {
  return execFileSync("openssl", ["x509", "-in", path, "-noout", "-serial"], { encoding: "utf8" })
    .trim()
    .replace("serial=", "")
    .toLowerCase();
}

/** Stands for kubectl: two objects as files, as `kubectl get -o json` prints them; everything else is written down. */
async function kubectlScene(pki: string) {
  const folder = freshFolder();
  const work = join(folder, "work");
  mkdirSync(work, { mode: 0o700 });
  const crt = readFileSync(join(pki, "apiserver-etcd-client.crt"), "utf8");
  const key = readFileSync(join(pki, "apiserver-etcd-client.key"), "utf8");
  const certs = {
    apiVersion: "v1",
    data: { "admin.crt": "kept\n", "etcd-ca.crt": "kept too\n", "etcd.crt": crt, "etcd.key": key },
    kind: "ConfigMap",
    metadata: { name: "certs", namespace: "tke", resourceVersion: "7" },
  };
  const credential = {
    apiVersion: "platform.tkestack.io/v1",
    caCert: "a2VwdA==",
    clusterName: "global",
    etcdAPIClientCert: Buffer.from(crt).toString("base64"),
    etcdAPIClientKey: Buffer.from(key).toString("base64"),
    kind: "ClusterCredential",
    metadata: { name: "cc-1", resourceVersion: "9" },
    token: "kept",
  };
  const write = (name: string, value: object): void =>
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(value, null, 4)}\n`);
  write("certs", certs);
  write("cc-1", credential);
  writeFileSync(
    join(folder, "kubectl"),
    `#!/bin/sh
case "$*" in
  *custom-columns=K:*) printf '%s\\n' 'DaemonSet tke-gateway tke-gateway,certs' 'Deployment tke-platform-api certs' 'Deployment other <none>' 'Deployment nearly certs-old' ;;
  *custom-columns=NAME*) echo 'cc-1 global' ;;
  *'.items['*) printf cc-1 ;;
  *"-o jsonpath={.data.etcd\\\\.crt}"*) node -e 'process.stdout.write(require("${folder}/certs.json").data["etcd.crt"])' ;;
  *jsonpath*etcdAPIClientCert*) node -e 'process.stdout.write(require("${folder}/cc-1.json").etcdAPIClientCert)' ;;
  *' cm certs -o json') cat ${folder}/certs.json ;;
  *'cc-1 -o json') cat ${folder}/cc-1.json ;;
  *'-o yaml') echo backup ;;
  'replace -f new.json') name=$(node -p 'require("./new.json").metadata.name') && cp new.json ${folder}/$name.json ;;
  'rollout restart'*) for last; do :; done; echo "$last" >> ${folder}/restarted ;;
  'rollout status'*) : ;;
  *) echo "unexpected: $*" >&2; exit 9 ;;
esac
`,
  );
  chmodSync(join(folder, "kubectl"), 0o755);
  return {
    before: { certs, credential },
    run: (lines: readonly string[]): void => {
      execFileSync("sh", ["-e", "-c", lines.join("\n")], {
        cwd: work,
        env: { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}` },
        stdio: ["ignore", "pipe", "pipe"],
      });
    },
    object: (name: string): unknown => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")),
    restarted: (): readonly string[] => {
      const lines = readFileSync(join(folder, "restarted"), "utf8").trim().split("\n");
      rmSync(folder, { recursive: true });
      return lines;
    },
  };
}
