// Missing certificates, kubeconfigs and authorities are made again: after old ones, from flags, by explicit word; and undone.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { applyPlan, planRenewal } from "../../src/app/renewal.ts";
import type { Decision } from "../../src/core/model/decision.ts";
import type { Plan, RenewRequest } from "../../src/core/model/plan.ts";
import { digestOfPlan } from "../../src/core/plan/digest.ts";
import { issueSteps, stageSteps } from "../../src/core/plan/steps.ts";
import { extendedKeyUsages, subjectAltNames } from "../../src/core/pki/extensions.ts";
import { commonName, formatName, organizations, parseName } from "../../src/core/pki/names.ts";
import { parseKubeconfig } from "../../src/core/kubeconfig/kubeconfig.ts";
import { certificatePem, keyPem, type LabPair, makeAuthority, makeLeaf } from "../../src/lab/lab-issuer.ts";
import { runCli } from "../support/cli.ts";
import {
  authorityIn,
  certificateIn,
  controlPlane,
  day,
  edit,
  issuedAt,
  nodeAt,
  pki,
  today,
} from "../support/control-plane.ts";
import { fixture } from "../support/fixtures.ts";
import { renewRequest } from "../support/renew-request.ts";
import { snapshotTree } from "../support/tree.ts";

/** Quicker than RSA; the first test makes keys like the old ones. */
const request: RenewRequest = { ...renewRequest, keyAlgorithm: "ECDSA-P256" };

const kubernetes = "etc/kubernetes";
const below: Readonly<Record<string, readonly string[]>> = {
  ca: ["apiserver", "apiserver-kubelet-client"],
  "etcd/ca": ["apiserver-etcd-client", "etcd/server", "etcd/peer", "etcd/healthcheck-client"],
  "front-proxy-ca": ["front-proxy-client"],
};
const kubeconfigs = ["admin.conf", "controller-manager.conf", "scheduler.conf", "kubelet.conf"];

function planAt(root: string, changes: Partial<RenewRequest> = {}, at = Date.now()): Promise<Plan> {
  return planRenewal(nodeAt(root), { id: null, params: {} }, { ...request, ...changes }, at);
}

async function renew(root: string, changes: Partial<RenewRequest> = {}): Promise<Plan> {
  const plan = await planAt(root, changes);
  expect(plan.refusals).toEqual([]);
  const result = await applyPlan(nodeAt(root), plan, {});
  expect(result.outcome).toBe("succeeded");
  return plan;
}

/** The kubelet's client pair, signed by an authority of the same name that is not the cluster's. */
async function strangersKubelet(notAfter: number): Promise<LabPair> {
  const stranger = await makeAuthority("kubernetes", "ECDSA-P256", {
    notBefore: issuedAt,
    notAfter: issuedAt + 3650 * day,
  });
  return makeLeaf(stranger, "ECDSA-P256", {
    commonName: "system:node:m1",
    organizations: ["system:nodes"],
    usages: ["clientAuth"],
    notBefore: issuedAt,
    notAfter,
  });
}

function openssl(...words: readonly string[]): string {
  return execFileSync("openssl", words, { encoding: "utf8" }).trim();
}

/** Every chain and every pair, as openssl sees them; throws when one is wrong. */
function verifyAll(root: string, authorities: readonly string[] = Object.keys(below)): void {
  for (const authority of authorities) {
    for (const name of below[authority] ?? []) {
      openssl("verify", "-CAfile", pki(root, `${authority}.crt`), pki(root, `${name}.crt`));
      expect(openssl("x509", "-in", pki(root, `${name}.crt`), "-noout", "-pubkey")).toBe(
        openssl("pkey", "-in", pki(root, `${name}.key`), "-pubout"),
      );
      expect(lstatSync(pki(root, `${name}.crt`)).mode & 0o777).toBe(0o644);
      expect(lstatSync(pki(root, `${name}.key`)).mode & 0o777).toBe(0o600);
    }
  }
  for (const name of kubeconfigs) verifyKubeconfig(root, join(root, kubernetes, name));
}

function verifyKubeconfig(root: string, path: string): void {
  const { users } = parseKubeconfig(readFileSync(path));
  const [certificate, key] = [users[0]?.certificate, users[0]?.key];
  if (certificate?.form !== "embedded" || key?.form !== "embedded")
    throw new TypeError(`${path} embeds nothing`);
  const verified = execFileSync("openssl", ["verify", "-CAfile", pki(root, "ca.crt")], {
    input: certificate.pem,
  });
  expect(verified.toString()).toContain("OK");
  const halves = [
    execFileSync("openssl", ["x509", "-noout", "-pubkey"], { input: certificate.pem }),
    execFileSync("openssl", ["pkey", "-pubout"], { input: key.pem }),
  ].map(String);
  expect(halves[0]).toBe(halves[1]);
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
}

async function undo(root: string): Promise<void> {
  const { code } = await runCli(["rollback", "--yes", "--root", root]);
  expect(code).toBe(0);
}

function decisionOf(plan: Plan, slot: string): Decision | undefined {
  return plan.decisions.find((decision) => decision.slot === slot);
}

function namesIn(path: string): readonly string[] {
  return subjectAltNames(certificateIn(path))
    .map(({ kind, value }) => `${kind}:${value}`)
    .toSorted();
}

const withoutBackups = ["etc/kubernetes/pki.bak", "etc/kubernetes/conf_bak", "root/.kube"];

/** The half-done node with nothing left that an old certificate could be read from. */
function bareNode(): string {
  const root = fixture("kubeadm-half-done/m1");
  for (const path of withoutBackups) rmSync(join(root, path), { recursive: true });
  return root;
}

describe("a runbook half done (kubeadm-half-done)", () => {
  it("is made whole with the old certificates as templates; the front-proxy CA is left out without the word", async () => {
    const root = fixture("kubeadm-half-done/m1");
    const before = snapshotTree(root);
    const { code, err, out } = await runCli(["renew", "--yes", "--root", root]);
    expect(code).toBe(3);
    expect(err).toContain(
      "left out, not renewed: m1/front-proxy-client: missing, and so is its CA front-proxy-ca",
    );
    expect(err).toContain("/etc/kubernetes/pki.bak/front-proxy-ca.crt");
    expect(out).toContain("10 certificates renewed and proved");
    verifyAll(root, ["ca", "etcd/ca"]);
    expect(existsSync(pki(root, "front-proxy-ca.crt"))).toBe(false);
    expect(existsSync(pki(root, "front-proxy-client.crt"))).toBe(false);
    verifyKubeconfig(root, join(root, "root/.kube/config"));
    await undo(root);
    expect(snapshotTree(root)).toEqual(before);
  });

  it("gets the old front-proxy CA back, byte for byte, with the word", async () => {
    const root = fixture("kubeadm-half-done/m1");
    const before = snapshotTree(root);
    const words = [
      "renew",
      "--yes",
      "--recreate-authority",
      "front-proxy-ca",
      "--key-algorithm",
      "ECDSA-P256",
    ];
    const { code, out } = await runCli([...words, "--root", root]);
    expect(code).toBe(0);
    expect(out).toContain("CA front-proxy-ca is put back from /etc/kubernetes/pki.bak/front-proxy-ca.crt");
    verifyAll(root);
    for (const half of ["crt", "key"])
      expect(readFileSync(pki(root, `front-proxy-ca.${half}`))).toEqual(
        readFileSync(join(root, `etc/kubernetes/pki.bak/front-proxy-ca.${half}`)),
      );
    await undo(root);
    expect(snapshotTree(root)).toEqual(before);
  });

  it("gets a new front-proxy CA only when a new one is asked for, or no old one is found", async () => {
    for (const anew of [true, false]) {
      const root = fixture("kubeadm-half-done/m1");
      const before = snapshotTree(root);
      if (!anew) rmSync(join(root, "etc/kubernetes/pki.bak/front-proxy-ca.crt"));
      const left = anew ? before : snapshotTree(root);
      const plan = await renew(root, { recreateAuthorities: [{ name: "front-proxy-ca", anew }] });
      expect(plan.notices).toContainEqual({ code: "authority-made-anew", authority: "front-proxy-ca" });
      verifyAll(root);
      const made = certificateIn(pki(root, "front-proxy-ca.crt"));
      expect(formatName(parseName(made.subjectDer))).toBe("CN=front-proxy-ca");
      expect(Math.round((made.notAfter - Date.now()) / day)).toBe(3650);
      openssl("verify", "-CAfile", pki(root, "front-proxy-ca.crt"), pki(root, "front-proxy-ca.crt"));
      expect(lstatSync(pki(root, "front-proxy-ca.key")).mode & 0o777).toBe(0o600);
      await undo(root);
      expect(snapshotTree(root)).toEqual(left);
    }
  });

  it("keeps every byte of an old kubeconfig but certificate and key", async () => {
    const root = fixture("kubeadm-half-done/m1");
    edit(root, "etc/kubernetes/conf_bak/scheduler.conf", "apiVersion: v1\n", "# ours\napiVersion: v1\n");
    await renew(root);
    const strip = (path: string): string =>
      readFileSync(join(root, kubernetes, path), "utf8").replace(/(client-[a-z]+-data:).*/g, "$1");
    expect(strip("scheduler.conf")).toBe(strip("conf_bak/scheduler.conf"));
    expect(strip("scheduler.conf")).toContain("# ours\n");
  });

  it("names where every name comes from, and the digest covers the names", async () => {
    const plan = await planAt(fixture("kubeadm-half-done/m1"));
    const step = issueSteps(plan).find(({ name }) => name === "apiserver");
    expect(step?.recreates?.names).toContainEqual({
      kind: "ip",
      value: "192.0.2.11",
      sources: [
        "/etc/kubernetes/pki.bak/apiserver.crt",
        "--advertise-address of /etc/kubernetes/manifests/kube-apiserver.yaml",
      ],
    });
    expect(step?.recreates?.names).toContainEqual({
      kind: "ip",
      value: "10.0.0.100",
      sources: ["/etc/kubernetes/pki.bak/apiserver.crt"],
    });
    const text = JSON.stringify(plan).replaceAll("10.0.0.100", "10.0.0.101");
    expect(digestOfPlan(JSON.parse(text) as Plan)).not.toBe(plan.digest);
    expect(plan.notices.map(({ code }) => code)).not.toContain("reconstructed");
  });

  it("adds a name that today's flags ask for and the old certificate lacks", async () => {
    const root = fixture("kubeadm-half-done/m1");
    edit(
      root,
      "etc/kubernetes/manifests/kube-apiserver.yaml",
      "advertise-address=192.0.2.11",
      "advertise-address=192.0.2.99",
    );
    await renew(root);
    expect(namesIn(pki(root, "apiserver.crt"))).toEqual(
      [...namesIn(join(root, "etc/kubernetes/pki.bak/apiserver.crt")), "ip:192.0.2.99"].toSorted(),
    );
  });

  it("takes no old certificate of another CA as a template, whatever its name says", async () => {
    const root = fixture("kubeadm-half-done/m1");
    const stranger = await makeAuthority("kubernetes", "ECDSA-P256", {
      notBefore: issuedAt,
      notAfter: issuedAt + 3650 * day,
    });
    const leaf = await makeLeaf(stranger, "ECDSA-P256", {
      commonName: "kube-apiserver",
      usages: ["serverAuth"],
      notBefore: issuedAt,
      notAfter: issuedAt + 999 * day,
      sans: [{ kind: "dns", value: "stranger.example" }],
    });
    writeFileSync(join(root, "etc/kubernetes/pki.bak/apiserver.crt"), certificatePem(leaf));
    const plan = await renew(root);
    expect(plan.notices).toContainEqual({ code: "reconstructed", slots: ["m1/apiserver"] });
    expect(namesIn(pki(root, "apiserver.crt"))).not.toContain("dns:stranger.example");
    verifyAll(root, ["ca", "etcd/ca"]);
  });
});

describe("without any old certificate", () => {
  it("everything is put together from flags, and rolled back", async () => {
    const root = bareNode();
    const before = snapshotTree(root);
    const plan = await renew(root, { recreateAuthorities: [{ name: "front-proxy-ca", anew: false }] });
    const notice = plan.notices.find(({ code }) => code === "reconstructed");
    expect(notice?.code === "reconstructed" && notice.slots.length).toBe(11);
    verifyAll(root);
    expect(namesIn(pki(root, "apiserver.crt"))).toEqual(
      [
        "dns:kubernetes",
        "dns:kubernetes.default",
        "dns:kubernetes.default.svc",
        "dns:kubernetes.default.svc.cluster.local",
        "dns:m1",
        "ip:10.96.0.1",
        "ip:192.0.2.11",
      ].toSorted(),
    );
    expect(namesIn(pki(root, "etcd/peer.crt"))).toEqual(
      ["dns:localhost", "dns:m1", "ip:127.0.0.1", "ip:192.0.2.11", "ip:::1"].toSorted(),
    );
    const peer = certificateIn(pki(root, "etcd/peer.crt"));
    expect(extendedKeyUsages(peer)?.usages).toEqual(["serverAuth", "clientAuth"]);
    expect(commonName(parseName(peer.subjectDer))).toBe("m1");
    const healthcheck = parseName(certificateIn(pki(root, "etcd/healthcheck-client.crt")).subjectDer);
    expect(organizations(healthcheck)).toEqual(["system:masters"]);
    const kubelet = readFileSync(join(root, kubernetes, "kubelet.conf"), "utf8");
    expect(kubelet).toContain("server: https://192.0.2.11:6443");
    expect(kubelet).toContain("current-context: system:node:m1@kubernetes");
    const node = parseName(certificateIn(join(root, kubernetes, "kubelet.conf")).subjectDer);
    expect(formatName(node)).toBe("CN=system:node:m1, O=system:nodes");
    await undo(root);
    expect(snapshotTree(root)).toEqual(before);
  });

  it("a person is asked about what was put together, and nothing is written without a yes", async () => {
    const root = bareNode();
    const before = snapshotTree(root);
    const { code, err } = await runCli(["renew", "--root", root], { answer: "no" });
    expect(code).toBe(4);
    expect(err).toContain("No old certificate was found for apiserver, ");
    expect(err).not.toContain("Only 'yes' will be accepted to go on");
    expect(snapshotTree(root)).toEqual(before);
    const agreed = await runCli(["renew", "--key-algorithm", "ECDSA-P256", "--root", root], {
      answer: "yes",
      lang: "zh",
    });
    expect(agreed.code).toBe(3);
    expect(agreed.err).toContain("没有找到 apiserver、");
  });

  it("an apiserver of 1.29 and later gets the organizations of its kubeadm", async () => {
    const root = bareNode();
    edit(
      root,
      "etc/kubernetes/manifests/kube-apiserver.yaml",
      "kube-apiserver:v1.20.2",
      "kube-apiserver:v1.30.1",
    );
    await renew(root);
    const sets = ["apiserver-kubelet-client", "etcd/healthcheck-client", "apiserver-etcd-client"].map(
      (name) => organizations(parseName(certificateIn(pki(root, `${name}.crt`)).subjectDer)),
    );
    expect(sets).toEqual([["kubeadm:cluster-admins"], [], []]);
  });

  it("what no manifest uses and what nothing names is left out", async () => {
    const root = bareNode();
    rmSync(join(root, "etc/kubernetes/manifests/kube-apiserver.yaml"));
    const plan = await planAt(root);
    expect(decisionOf(plan, "m1/apiserver")).toEqual({
      slot: "m1/apiserver",
      action: "keep",
      reasons: [{ code: "identity-unknown", lacking: "not-used-here" }],
    });
    expect(decisionOf(plan, "m1/etcd-server")?.action).toBe("renew");
    expect(decisionOf(plan, "m1/scheduler.conf")).toEqual({
      slot: "m1/scheduler.conf",
      action: "keep",
      reasons: [{ code: "identity-unknown", lacking: "server" }],
    });
  });
});

describe("authorities and the service account pair", () => {
  it("a missing CA refuses, and says where an old one lies", async () => {
    const root = fixture("kubeadm-half-done/m1");
    rmSync(pki(root, "ca.crt"));
    const plan = await planAt(root);
    expect(plan.refusals).toEqual([
      {
        code: "authority-missing",
        slot: "m1/ca",
        address: "file:m1:/etc/kubernetes/pki/ca.crt",
        detail: "/etc/kubernetes/pki.bak/ca.crt",
      },
    ]);
    const { code, err } = await runCli(["renew", "--yes", "--root", root]);
    expect(code).toBe(4);
    expect(err).toContain("cp -p /etc/kubernetes/pki.bak/ca.crt /etc/kubernetes/pki/ca.crt");
  });

  it.each(["ca", "etcd-ca"])("%s is never made again", async (name) => {
    const root = fixture("kubeadm-half-done/m1");
    const plan = await planAt(root, { recreateAuthorities: [{ name, anew: true }] });
    expect(plan.refusals).toMatchObject([
      { code: "authority-not-recreatable", slot: `m1/${name}`, detail: "not-allowed" },
    ]);
    expect(plan.phases).toEqual([]);
  });

  it("a CA that is there is not made again, and a lone key is not overwritten", async () => {
    const recreateAuthorities = [{ name: "front-proxy-ca", anew: false }];
    const there = await controlPlane();
    expect((await planAt(there, { recreateAuthorities }, today)).refusals).toMatchObject([
      { code: "authority-not-recreatable", detail: "there" },
    ]);
    rmSync(pki(there, "front-proxy-ca.crt"));
    expect((await planAt(there, { recreateAuthorities }, today)).refusals).toMatchObject([
      { code: "authority-not-recreatable", detail: "key-there" },
    ]);
  });

  it("a client whose CA was made anew is signed again, although it is valid by itself", async () => {
    const root = await controlPlane();
    for (const half of ["crt", "key"]) rmSync(pki(root, `front-proxy-ca.${half}`));
    const plan = await planAt(
      root,
      { recreateAuthorities: [{ name: "front-proxy-ca", anew: false }] },
      today,
    );
    expect(plan.refusals).toEqual([]);
    expect(decisionOf(plan, "m1/front-proxy-client")).toMatchObject({
      action: "renew",
      reasons: [{ code: "wrong-issuer", authority: "front-proxy-ca" }],
    });
    expect(stageSteps(plan).map(({ object }) => object.replace(/^.*pki\//, ""))).toEqual([
      "front-proxy-ca.key",
      "front-proxy-ca.crt",
      "front-proxy-client.key",
      "front-proxy-client.crt",
    ]);
  });

  it("a missing sa pair is told with the way back and never made", async () => {
    const root = fixture("kubeadm-half-done/m1");
    rmSync(pki(root, "sa.key"));
    const plan = await renew(root);
    expect(plan.notices).toContainEqual({
      code: "key-pair-missing",
      name: "sa",
      path: "/etc/kubernetes/pki/sa.key",
      found: "/etc/kubernetes/pki.bak/sa.key",
    });
    expect(existsSync(pki(root, "sa.key"))).toBe(false);
  });
});

describe("the kubelet", () => {
  const current = "var/lib/kubelet/pki/kubelet-client-current.pem";

  it("gets the file again that kubelet.conf names, behind the link that leads nowhere", async () => {
    const root = fixture("kubeadm-valid/m1");
    const target = join(root, "var/lib/kubelet/pki", readlinkSync(join(root, current)));
    rmSync(target);
    const before = snapshotTree(root);
    const plan = await renew(root, { names: ["kubelet.conf"] });
    expect(readlinkSync(join(root, current))).toBe("kubelet-client-2024-11-01-00-00-00.pem");
    expect(formatName(parseName(certificateIn(target).subjectDer))).toBe("CN=system:node:m1, O=system:nodes");
    openssl("verify", "-CAfile", pki(root, "ca.crt"), target);
    expect(lstatSync(target).mode & 0o777).toBe(0o600);
    expect(plan.notices.map(({ code }) => code)).toContain("bootstrap-not-needed");
    await undo(root);
    expect(snapshotTree(root)).toEqual(before);
  });

  it("gets a valid kubelet.conf with its certificate in it when that is missing", async () => {
    const root = fixture("kubeadm-valid/m1");
    rmSync(join(root, kubernetes, "kubelet.conf"));
    const plan = await planAt(root);
    expect(decisionOf(plan, "m1/kubelet.conf")).toMatchObject({
      reasons: [
        { code: "missing", from: "file:m1:/var/lib/kubelet/pki/kubelet-client-2024-11-01-00-00-00.pem" },
      ],
    });
    await renew(root);
    verifyKubeconfig(root, join(root, kubernetes, "kubelet.conf"));
    expect(readFileSync(join(root, kubernetes, "kubelet.conf"), "utf8")).toContain(
      "server: https://lb.example.internal:6443",
    );
  });

  it("is rid of one that lies beside a kubelet.conf with its own certificate, too", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    const leaf = await strangersKubelet(issuedAt + 3000 * day);
    mkdirSync(join(root, "var/lib/kubelet/pki"), { recursive: true });
    writeFileSync(join(root, current), Buffer.concat([certificatePem(leaf), keyPem(leaf)]), { mode: 0o600 });
    const plan = await planAt(root);
    expect(decisionOf(plan, "m1/kubelet-client")).toMatchObject({
      action: "renew",
      reasons: [{ code: "wrong-issuer", authority: "ca" }],
    });
  });

  it("is rid of a left-over certificate of another CA, which would win over kubelet.conf", async () => {
    const root = await controlPlane();
    const leaf = await strangersKubelet(issuedAt + 365 * day);
    mkdirSync(join(root, "var/lib/kubelet/pki"), { recursive: true });
    const path = join(root, current);
    if (existsSync(path)) unlinkSync(path);
    writeFileSync(
      join(root, "var/lib/kubelet/pki/old.pem"),
      Buffer.concat([certificatePem(leaf), keyPem(leaf)]),
      { mode: 0o600 },
    );
    symlinkSync("old.pem", path);
    const plan = await planAt(root, {}, today);
    const due = plan.decisions.filter(({ action }) => action === "renew");
    expect(due).toEqual([expect.objectContaining({ reasons: [{ code: "wrong-issuer", authority: "ca" }] })]);
    expect(due[0]?.slot).toMatch(/^m1\/kubelet/);
  });

  it("keeps its self-signed serving certificate to itself", async () => {
    const root = await controlPlane();
    const serving = "var/lib/kubelet/pki/kubelet.crt";
    const own = await makeLeaf(authorityIn(root, "ca"), "ECDSA-P256", {
      commonName: "m1@1700000000",
      usages: ["serverAuth"],
      notBefore: issuedAt - 400 * day,
      notAfter: issuedAt - 35 * day,
    });
    mkdirSync(join(root, "var/lib/kubelet/pki"), { recursive: true });
    writeFileSync(join(root, serving), certificatePem(own));
    writeFileSync(join(root, "var/lib/kubelet/pki/kubelet.key"), keyPem(own), { mode: 0o600 });
    const plan = await planAt(root, {}, today);
    expect(plan.notices).toContainEqual({
      code: "kubelet-serving-left",
      path: `/${serving}`,
      isRotated: false,
    });
    expect(plan.phases).toEqual([]);
  });
});

describe("a pair of which one half is left", () => {
  it("gets a new key in the place of the old one", async () => {
    const root = await controlPlane();
    const old = readFileSync(pki(root, "apiserver.key"), "utf8");
    rmSync(pki(root, "apiserver.crt"));
    const before = snapshotTree(root);
    await renew(root, { names: ["apiserver"] });
    expect(readFileSync(pki(root, "apiserver.key"), "utf8")).not.toBe(old);
    openssl("verify", "-CAfile", pki(root, "ca.crt"), pki(root, "apiserver.crt"));
    await undo(root);
    expect(snapshotTree(root)).toEqual(before);
  });
});
