// Where things are: flags, host paths, the kubelet's configuration, defaults; and nodes that are not plain control planes.
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { firstAddress } from "../../../src/drivers/discovery/expected-names.ts";
import type { CheckResult } from "../../../src/core/model/check.ts";
import { certificatePem, makeAuthority } from "../../../src/lab/lab-issuer.ts";
import { checked, controlPlane, day, edit, issuedAt, linesOf, pki } from "../../support/control-plane.ts";

const apiserver = "etc/kubernetes/manifests/kube-apiserver.yaml";

const rowOf = (result: CheckResult, name: string) => result.certificates.find((row) => row.name === name);

describe("paths", () => {
  it("are those of the flags, and the flag is told", async () => {
    const row = rowOf(await checked(await controlPlane()), "apiserver");
    expect(row).toMatchObject({
      path: "/etc/kubernetes/pki/apiserver.crt",
      origin: { kind: "flag", source: `/${apiserver}`, field: "--tls-cert-file" },
    });
  });

  it("of a whole custom certificates folder are found, unnamed files in it too", async () => {
    const root = await controlPlane({ pkiDir: "/data/kube/pki" });
    const result = await checked(root);
    expect(await linesOf(root)).toEqual([]);
    expect(rowOf(result, "etcd-healthcheck-client")?.path).toBe("/data/kube/pki/etcd/healthcheck-client.crt");
    expect(result.authorities.map(({ keyPath }) => keyPath)).toEqual([
      "/data/kube/pki/ca.key",
      "/data/kube/pki/etcd/ca.key",
      "/data/kube/pki/front-proxy-ca.key",
    ]);
  });

  it("inside a container are turned into the node's by its hostPath mounts", async () => {
    const root = await controlPlane();
    mkdirSync(join(root, "srv"));
    renameSync(pki(root, "etcd"), join(root, "srv/etcd-pki"));
    edit(root, "etc/kubernetes/manifests/etcd.yaml", "path: /etc/kubernetes/pki/etcd", "path: /srv/etcd-pki");
    const row = rowOf(await checked(root), "etcd-server");
    expect(row).toMatchObject({
      path: "/srv/etcd-pki/server.crt",
      keyPath: "/srv/etcd-pki/server.key",
      state: "ok",
    });
  });

  it("are the defaults where no manifest speaks", async () => {
    const root = await controlPlane();
    rmSync(join(root, "etc/kubernetes/manifests"), { recursive: true });
    const result = await checked(root);
    expect(result.certificates.filter(({ isKubeadm }) => isKubeadm)).toHaveLength(11);
    expect(rowOf(result, "apiserver")?.origin).toEqual({ kind: "default" });
    expect((await linesOf(root)).filter((line) => !line.startsWith("info"))).toEqual([]);
  });

  it("of the manifests are the kubelet's staticPodPath", async () => {
    const root = await controlPlane();
    renameSync(join(root, "etc/kubernetes/manifests"), join(root, "etc/kubernetes/pods"));
    const config = "kind: KubeletConfiguration\nstaticPodPath: /etc/kubernetes/pods\n";
    writeFileSync(join(root, "var/lib/kubelet/config.yaml"), config);
    expect(rowOf(await checked(root), "apiserver")?.origin).toMatchObject({
      source: "/etc/kubernetes/pods/kube-apiserver.yaml",
    });
  });
});

describe("the kubelet's files", () => {
  it("the serving pair is the one its configuration names", async () => {
    const root = await controlPlane();
    cpSync(pki(root, "apiserver.crt"), join(root, "srv-kubelet.crt"));
    cpSync(pki(root, "apiserver.key"), join(root, "srv-kubelet.key"));
    const config =
      "kind: KubeletConfiguration\ntlsCertFile: /srv-kubelet.crt\ntlsPrivateKeyFile: /srv-kubelet.key\n";
    writeFileSync(join(root, "var/lib/kubelet/config.yaml"), config);
    expect(rowOf(await checked(root), "kubelet-server")).toMatchObject({
      path: "/srv-kubelet.crt",
      keyPath: "/srv-kubelet.key",
      management: "observe",
      origin: { kind: "kubelet-config", source: "/var/lib/kubelet/config.yaml", field: "tlsCertFile" },
    });
  });

  it("in another --cert-dir are found there, and the rotated client pair beside an embedded one is shown", async () => {
    const root = await controlPlane({ kubelet: "embedded" });
    const pair = Buffer.concat([
      readFileSync(pki(root, "apiserver.crt")),
      readFileSync(pki(root, "apiserver.key")),
    ]);
    mkdirSync(join(root, "var/lib/kubelet"), { recursive: true });
    mkdirSync(join(root, "data/kubelet-pki"), { recursive: true });
    for (const name of ["kubelet-server-current.pem", "kubelet-client-current.pem"])
      writeFileSync(join(root, "data/kubelet-pki", name), pair, { mode: 0o600 });
    writeFileSync(
      join(root, "var/lib/kubelet/kubeadm-flags.env"),
      'KUBELET_KUBEADM_ARGS="--cert-dir=/data/kubelet-pki"\n',
    );
    const result = await checked(root);
    expect([rowOf(result, "kubelet-server")?.path, rowOf(result, "kubelet-client")?.path]).toEqual([
      "/data/kubelet-pki/kubelet-server-current.pem",
      "/data/kubelet-pki/kubelet-client-current.pem",
    ]);
  });
});

describe("authorities", () => {
  it("a trust bundle without a key does not hide the CA that signs", async () => {
    const root = await controlPlane();
    const second = await makeAuthority("next", "ECDSA-P256", {
      notBefore: issuedAt,
      notAfter: issuedAt + 900 * day,
    });
    const bundle = Buffer.concat([readFileSync(pki(root, "ca.crt")), Buffer.from(certificatePem(second))]);
    writeFileSync(pki(root, "trusted.crt"), bundle);
    edit(
      root,
      apiserver,
      "client-ca-file=/etc/kubernetes/pki/ca.crt",
      "client-ca-file=/etc/kubernetes/pki/trusted.crt",
    );
    const ca = (await checked(root)).authorities.find(({ name }) => name === "ca");
    expect(ca).toMatchObject({
      path: "/etc/kubernetes/pki/ca.crt",
      keyPath: "/etc/kubernetes/pki/ca.key",
      externallyManaged: false,
    });
    expect((await linesOf(root)).filter((line) => !line.startsWith("info"))).toEqual([]);
  });
});

describe("nodes of another kind", () => {
  it("external etcd: nothing of etcd is expected here, and its source is told", async () => {
    const root = await controlPlane();
    rmSync(join(root, "etc/kubernetes/manifests/etcd.yaml"));
    for (const name of readdirSync(pki(root, "etcd")))
      if (name !== "ca.crt") rmSync(pki(root, `etcd/${name}`));
    edit(root, apiserver, "https://127.0.0.1:2379", "https://etcd.example:2379");
    const result = await checked(root);
    expect(result.findings.find(({ code }) => code === "external-etcd")?.params).toEqual({
      source: "https://etcd.example:2379",
    });
    expect(result.certificates.map(({ name }) => name).filter((name) => name.startsWith("etcd"))).toEqual([]);
    // Signed by others, whose key is not here: no row of kubeadm's, and an outside CA's to renew.
    expect(rowOf(result, "apiserver-etcd-client")).toMatchObject({
      management: "renew",
      isKubeadm: false,
      externallyManaged: true,
    });
    expect(result.authorities.find(({ name }) => name === "etcd-ca")?.isKubeadm).toBe(false);
    expect((await linesOf(root)).filter((line) => !line.startsWith("info"))).toEqual([]);
  });

  it("a worker: only the kubelet's certificate, below a CA whose key is elsewhere", async () => {
    const root = await controlPlane();
    const ca = readFileSync(pki(root, "ca.crt"));
    for (const path of ["etc/kubernetes/manifests", "etc/kubernetes/pki", "root"])
      rmSync(join(root, path), { recursive: true });
    for (const name of ["admin", "super-admin", "controller-manager", "scheduler"])
      rmSync(join(root, `etc/kubernetes/${name}.conf`));
    mkdirSync(join(root, "etc/kubernetes/pki"));
    writeFileSync(pki(root, "ca.crt"), ca);
    const result = await checked(root);
    expect(result.certificates.map(({ name }) => name)).toEqual(["kubelet.conf"]);
    expect(await linesOf(root)).toEqual(["info externally-managed ca"]);
  });

  it("a broken manifest is told, and what it would have said falls back to the defaults", async () => {
    const root = await controlPlane();
    writeFileSync(join(root, apiserver), "kind: Pod\nspec: [\n");
    expect(await linesOf(root)).toEqual([`critical manifest-broken /${apiserver}`]);
  });
});

describe("the first address of a service range", () => {
  it.each([
    ["10.96.0.0/12", "10.96.0.1"],
    ["172.16.5.128/25", "172.16.5.129"],
    ["fd00:1::/108", "fd00:1::1"],
    ["nonsense", undefined],
  ])("of %s is %s", (range, expected) => {
    expect(firstAddress(range)).toBe(expected);
  });
});
