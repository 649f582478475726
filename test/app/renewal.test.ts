// Whole renewals in this process, on real trees: what is kept byte for byte, what follows, and that nothing critical is left.
import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { applyPlan, planRenewal } from "../../src/app/renewal.ts";
import { isAppError } from "../../src/core/model/errors.ts";
import type { Plan, RenewRequest } from "../../src/core/model/plan.ts";
import { digestOfPlan } from "../../src/core/plan/digest.ts";
import { verifySet } from "../../src/core/plan/verify-set.ts";
import type { Certificate } from "../../src/core/pki/certificate.ts";
import { encodeExtension, extensionOids, subjectAltNames } from "../../src/core/pki/extensions.ts";
import { publicKeyFingerprint } from "../../src/core/pki/fingerprints.ts";
import { formatKeySpec, keySpecOfSpki, readPrivateKey } from "../../src/core/pki/keys.ts";
import { parsePem } from "../../src/core/pki/pem.ts";
import { certificatePem, makeAuthority, makeLeaf } from "../../src/lab/lab-issuer.ts";
import {
  apiserverLeaf,
  authorityIn,
  certificateIn,
  certificatesIn,
  choice,
  controlPlane,
  day,
  edit,
  findingsOf,
  issuedAt,
  keyIn,
  nodeAt,
  pki,
  replacePair,
} from "../support/control-plane.ts";
import { renewRequest } from "../support/renew-request.ts";
import { fixture } from "../support/fixtures.ts";
import { snapshotTree } from "../support/tree.ts";

async function renew(root: string, changes: Partial<RenewRequest> = {}): Promise<Plan> {
  const plan = await planRenewal(nodeAt(root), choice, { ...renewRequest, ...changes }, Date.now());
  expect(plan.refusals).toEqual([]);
  const result = await applyPlan(nodeAt(root), plan, {});
  expect(result.outcome).toBe("succeeded");
  return plan;
}

async function criticalOf(root: string): Promise<readonly string[]> {
  const found = await findingsOf(root, Date.now());
  return found.filter(({ severity }) => severity === "critical").map(({ code, name }) => `${code} ${name}`);
}

function actionsOf(plan: Plan, action: "renew" | "follow" | "keep"): readonly string[] {
  return plan.decisions.filter((decision) => decision.action === action).map(({ slot }) => slot);
}

const pemFiles = [
  "apiserver",
  "apiserver-etcd-client",
  "apiserver-kubelet-client",
  "etcd/healthcheck-client",
  "etcd/peer",
  "etcd/server",
  "front-proxy-client",
].map((name) => `etc/kubernetes/pki/${name}.crt`);
const kubeconfigs = ["admin", "controller-manager", "scheduler"].map((name) => `etc/kubernetes/${name}.conf`);
const keyPathOf = (path: string): string => path.replace(/\.crt$/, ".key");

/** Everything that must not change: subject and every extension but the two that name keys. */
function identityOf(certificate: Certificate): unknown {
  const hex = (der: Uint8Array): string => Buffer.from(der).toString("hex");
  return {
    subject: hex(certificate.subjectDer),
    version: certificate.version,
    extensions: certificate.extensions.map(({ oid, der }) =>
      oid === extensionOids.subjectKeyId || oid === extensionOids.authorityKeyId ? oid : hex(der),
    ),
  };
}

const kubeletLink = "var/lib/kubelet/pki/kubelet-client-current.pem";
const kubeletTarget = "var/lib/kubelet/pki/kubelet-client-2024-11-01-00-00-00.pem";

/** Everything in the tree that is not in `written`, nor behind the kubelet's link: links stay links. */
function untouched(root: string, written: ReadonlySet<string>): Record<string, string> {
  const all = snapshotTree(root);
  const own = [...written].filter((path) => !path.endsWith(kubeletLink)).map((path) => relative(root, path));
  const isLinked = written.has(join(root, kubeletLink));
  const left = new Set([...own, ...(isLinked ? [kubeletTarget] : []), "var/lib"]);
  return Object.fromEntries(Object.entries(all).filter(([path]) => !left.has(path)));
}

function expectSameIdentity(path: string, old: Certificate): void {
  const renewed = certificateIn(path);
  expect(identityOf(renewed)).toEqual(identityOf(old));
  expect(renewed.serialHex).not.toBe(old.serialHex);
  expect(formatKeySpec(keySpecOfSpki(renewed.spkiDer))).toBe(formatKeySpec(keySpecOfSpki(old.spkiDer)));
  const spki = publicKeyFingerprint(renewed.spkiDer);
  expect(spki).not.toBe(publicKeyFingerprint(old.spkiDer));
  expect(publicKeyFingerprint(readPrivateKey(keyIn(keyPathOf(path))).spkiDer)).toBe(spki);
}

describe("a renewal of everything that expired", () => {
  it.each(["ha-expired/m1", "ha-expired/m2", "ha-expired/m3", "ecdsa-expired/m1"])(
    "leaves nothing critical on kubeadm-%s, keeps every identity byte for byte and touches nothing else",
    async (name) => {
      const root = fixture(`kubeadm-${name}`);
      expect(await criticalOf(root)).toHaveLength(12);
      const kubelet = name.endsWith("m1") ? "etc/kubernetes/kubelet.conf" : kubeletLink;
      const paths = [...pemFiles, ...kubeconfigs, kubelet].map((path) => join(root, path));
      const before = paths.map((path) => certificateIn(path));
      const written = new Set([...paths, ...paths.map(keyPathOf), join(root, "root/.kube/config")]);
      const tree = untouched(root, written);
      await renew(root);
      expect(await criticalOf(root)).toEqual([]);
      expect(untouched(root, written)).toEqual(tree);
      for (const [index, path] of paths.entries()) expectSameIdentity(path, before[index]!);
      expect((await planRenewal(nodeAt(root), choice, renewRequest, Date.now())).phases).toEqual([]);
    },
  );

  it("leaves nothing critical on a valid node either, when everything is renewed", async () => {
    const root = fixture("kubeadm-valid/m1");
    const plan = await renew(root, { all: true });
    expect(actionsOf(plan, "renew")).toHaveLength(10);
    expect(actionsOf(plan, "follow")).toEqual(["m1/root/.kube/config"]);
    expect(actionsOf(plan, "keep")).toEqual(["m1/kubelet.conf"]);
    expect(await criticalOf(root)).toEqual([]);
  });

  it("stays with ECDSA and with the EC PARAMETERS before a key, and openssl agrees", async () => {
    const root = await controlPlane();
    const parameters = execFileSync("openssl", ["ecparam", "-name", "prime256v1"], { encoding: "utf8" });
    const key = pki(root, "apiserver.key");
    writeFileSync(key, parameters + readFileSync(key, "utf8"));
    await renew(root, { names: ["apiserver"] });
    expect(parsePem(readFileSync(key)).blocks.map(({ label }) => label)).toEqual([
      "EC PARAMETERS",
      "EC PRIVATE KEY",
    ]);
    expect(readFileSync(key, "utf8").startsWith(parameters)).toBe(true);
    execFileSync("openssl", [
      "verify",
      "-no_check_time",
      "-CAfile",
      pki(root, "ca.crt"),
      pki(root, "apiserver.crt"),
    ]);
    const spki = execFileSync("openssl", ["pkey", "-in", key, "-pubout", "-outform", "DER"]);
    expect(new Uint8Array(spki)).toEqual(certificateIn(pki(root, "apiserver.crt")).spkiDer);
  });

  it("renews below the authorities whose keys are here and leaves the rest with its reason", async () => {
    const root = fixture("kubeadm-external-ca-expired/m1");
    const plan = await renew(root);
    expect(actionsOf(plan, "renew").toSorted()).toEqual([
      "m1/apiserver-etcd-client",
      "m1/etcd-healthcheck-client",
      "m1/etcd-peer",
      "m1/etcd-server",
      "m1/front-proxy-client",
    ]);
    expect(plan.decisions.find(({ slot }) => slot === "m1/apiserver")).toEqual({
      slot: "m1/apiserver",
      action: "keep",
      reasons: [{ code: "externally-managed", authority: "ca" }],
    });
  });
});

describe("a leaf with things that kubeadm does not know", () => {
  it("keeps odd extensions, their order, a chain and text around it", async () => {
    const root = await controlPlane();
    const odd = [
      encodeExtension("1.2.3.4.5.6", true, Uint8Array.of(0x04, 0x02, 0xca, 0xfe)),
      encodeExtension(
        "2.5.29.32",
        false,
        Uint8Array.of(0x30, 0x08, 0x30, 0x06, 0x06, 0x04, 0x2a, 0x03, 0x04, 0x05),
      ),
    ];
    const authority = authorityIn(root, "ca");
    await replacePair(root, "apiserver", { ...apiserverLeaf, moreExtensions: odd, authority });
    const path = pki(root, "apiserver.crt");
    const chain = certificatePem(authority);
    writeFileSync(
      path,
      Buffer.concat([Buffer.from("# ours\r\n"), readFileSync(path), Buffer.from("# its CA\n"), chain]),
    );
    const old = certificatesIn(path);
    await renew(root, { names: ["apiserver"] });
    const renewed = certificatesIn(path);
    expect(identityOf(renewed[0]!)).toEqual(identityOf(old[0]!));
    expect(renewed[0]!.extensions.map(({ oid }) => oid).slice(-2)).toEqual(["1.2.3.4.5.6", "2.5.29.32"]);
    expect(renewed[1]!.der).toEqual(old[1]!.der);
    const text = readFileSync(path, "utf8");
    expect(text.startsWith("# ours\r\n")).toBe(true);
    expect(text.endsWith(`# its CA\n${Buffer.from(chain).toString()}`)).toBe(true);
  });

  it("gets the names asked for, after its own", async () => {
    const root = await controlPlane();
    const path = pki(root, "apiserver.crt");
    const old = subjectAltNames(certificateIn(path)).map(({ value }) => value);
    const plan = await renew(root, {
      addSans: [
        { slot: null, kind: "dns", value: "new.example" },
        { slot: "etcd-server", kind: "ip", value: "192.0.2.77" },
      ],
    });
    expect(actionsOf(plan, "renew")).toEqual(["m1/apiserver", "m1/etcd-server"]);
    expect(subjectAltNames(certificateIn(path)).map(({ value }) => value)).toEqual([...old, "new.example"]);
    expect(subjectAltNames(certificateIn(pki(root, "etcd/server.crt"))).at(-1)?.value).toBe("192.0.2.77");
  });
});

describe("kubeconfigs", () => {
  it("keep comments, order, other users and a CA bundle", async () => {
    const root = await controlPlane();
    const conf = join(root, "etc/kubernetes/admin.conf");
    const ca = readFileSync(pki(root, "ca.crt"));
    const bundle = Buffer.concat([
      certificatePem(
        await makeAuthority("second", "ECDSA-P256", { notBefore: issuedAt, notAfter: issuedAt + day }),
      ),
      ca,
    ]);
    edit(root, "etc/kubernetes/admin.conf", ca.toString("base64"), bundle.toString("base64"));
    edit(
      root,
      "etc/kubernetes/admin.conf",
      "users:\n",
      "users: # people\n- name: robot\n  user: {token: abc} # keep\n",
    );
    const [certificate, key] = ["client-certificate-data", "client-key-data"].map(
      (field) => new RegExp(`${field}: (.*)`),
    );
    const before = readFileSync(conf, "utf8");
    await renew(root, { names: ["admin.conf"] });
    const after = readFileSync(conf, "utf8");
    const [newCertificate, newKey] = [certificate!.exec(after)![1]!, key!.exec(after)![1]!];
    expect(newCertificate).not.toBe(certificate!.exec(before)![1]);
    const expected = before
      .replace(certificate!, `client-certificate-data: ${newCertificate}`)
      .replace(key!, `client-key-data: ${newKey}`);
    expect(after).toBe(expected);
  });
});

/** An older sibling of admin.conf's identity with another key, as last year's copy in a home. */
async function oldCopy(root: string, commonName = "kubernetes-admin"): Promise<string> {
  const ca = authorityIn(root, "ca");
  const leaf = await makeLeaf(ca, "ECDSA-P256", {
    commonName,
    organizations: ["kubeadm:cluster-admins"],
    usages: ["clientAuth"],
    notBefore: issuedAt - 400 * day,
    notAfter: issuedAt - 35 * day,
  });
  const admin = readFileSync(join(root, "etc/kubernetes/admin.conf"), "utf8");
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  const path = join(root, "root/.kube/config");
  writeFileSync(
    path,
    admin
      .replace(
        /client-certificate-data: .*/,
        `client-certificate-data: ${base64(certificatePem(leaf))} # mine`,
      )
      .replace(
        /client-key-data: .*/,
        `client-key-data: ${base64(Buffer.from(leaf.key.keyObject.export({ type: "sec1", format: "pem" })))}`,
      ),
  );
  return path;
}

describe("copies", () => {
  const live = { issuedAt: Date.now() - day };

  it("that are stale take the certificate and key of a valid original, which stays as it is", async () => {
    const root = await controlPlane(live);
    const path = await oldCopy(root);
    const conf = join(root, "etc/kubernetes/admin.conf");
    const original = readFileSync(conf, "utf8");
    const plan = await renew(root);
    expect(
      plan.phases.find(({ id }) => id === "issue")?.nodes[0]?.steps.map(({ id, kind }) => `${kind} ${id}`),
    ).toEqual(["take m1/take/admin.conf"]);
    expect(plan.decisions.find(({ slot }) => slot === "m1/root/.kube/config")).toEqual({
      slot: "m1/root/.kube/config",
      action: "follow",
      reasons: [{ code: "follows", original: "m1/admin.conf", because: "same-identity" }],
    });
    expect(readFileSync(conf, "utf8")).toBe(original);
    expect(certificateIn(path).der).toEqual(certificateIn(conf).der);
    expect(keyIn(path)).toEqual(keyIn(conf));
    expect(readFileSync(path, "utf8")).toContain(" # mine\n");
    expect(await findingsOf(root, Date.now())).toHaveLength(1);
  });

  it("get the original's kept key when they hold an older one", async () => {
    const root = await controlPlane(live);
    const path = await oldCopy(root);
    const conf = join(root, "etc/kubernetes/admin.conf");
    const key = keyIn(conf);
    await renew(root, { names: ["admin.conf"], keepKey: true });
    expect(keyIn(conf)).toEqual(key);
    expect(certificateIn(path).der).toEqual(certificateIn(conf).der);
    expect(publicKeyFingerprint(readPrivateKey(keyIn(path)).spkiDer)).toBe(
      publicKeyFingerprint(readPrivateKey(key).spkiDer),
    );
  });

  it("in other homes follow with the original in one run", async () => {
    const root = await controlPlane(live);
    const home = join(root, "home/ops/.kube/config");
    mkdirSync(join(root, "home/ops/.kube"), { recursive: true });
    writeFileSync(home, readFileSync(join(root, "etc/kubernetes/super-admin.conf")), { mode: 0o600 });
    const plan = await renew(root, { names: ["admin.conf", "super-admin.conf"] });
    expect(actionsOf(plan, "follow")).toEqual(["m1/root/.kube/config", "m1/home/ops/.kube/config"]);
    expect(certificateIn(home).der).toEqual(certificateIn(join(root, "etc/kubernetes/super-admin.conf")).der);
  });

  it.each(["drop", "change"])(
    "are not written by a plan with the guard of their original %sd",
    async (how) => {
      const root = await controlPlane(live);
      const path = await oldCopy(root);
      const before = readFileSync(path, "utf8");
      const plan = await planRenewal(nodeAt(root), choice, renewRequest, Date.now());
      const original = "file:m1:/etc/kubernetes/admin.conf";
      expect(plan.guards.find(({ address }) => address === original)?.use).toBe("read");
      if (how === "drop") {
        const changed = { ...plan, guards: plan.guards.filter(({ address }) => address !== original) };
        const attempt = applyPlan(nodeAt(root), { ...changed, digest: digestOfPlan(changed) }, {});
        await expect(attempt).rejects.toMatchObject({ code: "plan-invalid", params: { path: original } });
      } else {
        writeFileSync(
          join(root, "etc/kubernetes/admin.conf"),
          `${readFileSync(join(root, "etc/kubernetes/admin.conf"), "utf8")}# touched\n`,
        );
        await expect(applyPlan(nodeAt(root), plan, {})).rejects.toSatisfy((error) =>
          isAppError(error, "plan-stale"),
        );
      }
      expect(readFileSync(path, "utf8")).toBe(before);
    },
  );

  it("named alone bring their expired original with them", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    const plan = await renew(root, { names: ["root/.kube/config"] });
    expect(actionsOf(plan, "renew")).toEqual(["m1/admin.conf"]);
    expect(certificateIn(join(root, "root/.kube/config")).der).toEqual(
      certificateIn(join(root, "etc/kubernetes/admin.conf")).der,
    );
  });
});

describe("the set that is verified", () => {
  const parts = async (): Promise<{
    plan: Plan;
    admin: string;
    stale: string;
    objects: (copy: string) => Map<string, Uint8Array>;
  }> => {
    const root = await controlPlane({ issuedAt: Date.now() - day });
    const stale = readFileSync(await oldCopy(root), "utf8");
    const plan = await planRenewal(nodeAt(root), choice, renewRequest, Date.now());
    const admin = readFileSync(join(root, "etc/kubernetes/admin.conf"), "utf8");
    const objects = (copy: string): Map<string, Uint8Array> =>
      new Map([
        ["file:m1:/etc/kubernetes/admin.conf", Buffer.from(admin)],
        ["file:m1:/root/.kube/config", Buffer.from(copy)],
      ]);
    return { plan, admin, stale, objects };
  };
  const verify = (plan: Plan, objects: Map<string, Uint8Array>) => () =>
    verifySet({ plan, objects, issued: new Map() });
  const failed = (reason: string): unknown =>
    expect.objectContaining({ code: "proof-failed", params: { slot: "m1/admin.conf", reason } });

  it("passes a copy with its original's certificate and key", async () => {
    const { plan, admin, objects } = await parts();
    expect(verify(plan, objects(admin))).not.toThrow();
  });

  it("fails a copy that still holds the old certificate, and one that got the certificate without the key", async () => {
    const { plan, admin, stale, objects } = await parts();
    expect(verify(plan, objects(stale))).toThrow(
      failed("a copy does not hold the certificate of its original"),
    );
    const oldKey = /client-key-data: .*/.exec(stale)![0];
    const half = admin.replace(/client-key-data: .*/, oldKey);
    expect(verify(plan, objects(half))).toThrow(failed("the key of a copy does not match the certificate"));
  });

  it("fails when another original lies there than was planned", async () => {
    const { plan, stale, objects } = await parts();
    const swapped = objects(stale).set("file:m1:/etc/kubernetes/admin.conf", Buffer.from(stale));
    expect(verify(plan, swapped)).toThrow(failed("the original is not the one that was planned"));
  });
});

describe("damaged and shared keys", () => {
  it("a key that was cut off is written anew with its certificate", async () => {
    const root = await controlPlane();
    writeFileSync(pki(root, "apiserver.key"), "-----BEGIN EC PRIVATE KEY-----\nMHc");
    await renew(root, { names: ["apiserver"] });
    const key = readPrivateKey(readFileSync(pki(root, "apiserver.key")));
    expect(publicKeyFingerprint(key.spkiDer)).toBe(
      publicKeyFingerprint(certificateIn(pki(root, "apiserver.crt")).spkiDer),
    );
    expect(lstatSync(pki(root, "apiserver.key")).mode & 0o777).toBe(0o600);
  });

  it("a key that is gone is made anew, 0600, and the pair fits", async () => {
    const root = await controlPlane({ issuedAt: Date.now() - day });
    rmSync(pki(root, "apiserver.key"));
    const plan = await renew(root);
    expect(plan.decisions.find(({ slot }) => slot === "m1/apiserver")).toMatchObject({ action: "renew" });
    expect(statSync(pki(root, "apiserver.key")).mode & 0o777).toBe(0o600);
    const certificate = new X509Certificate(readFileSync(pki(root, "apiserver.crt")));
    expect(certificate.checkPrivateKey(createPrivateKey(readFileSync(pki(root, "apiserver.key"))))).toBe(
      true,
    );
  });

  it("etcd that serves clients and peers with one pair gets one new pair", async () => {
    const root = await controlPlane({ issuedAt: Date.now() - day });
    edit(root, "etc/kubernetes/manifests/etcd.yaml", "/etcd/peer.", "/etcd/server.");
    const plan = await renew(root, { all: true });
    expect(plan.decisions.filter(({ slot }) => /etcd-(peer|server)/.test(slot))).toEqual([
      { slot: "m1/etcd-peer", action: "renew", reasons: [{ code: "requested" }] },
      {
        slot: "m1/etcd-server",
        action: "follow",
        reasons: [{ code: "follows", original: "m1/etcd-peer", because: "same-key" }],
      },
    ]);
    expect(await criticalOf(root)).toEqual([]);
  });
});
