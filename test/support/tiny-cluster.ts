// A control plane of one node small enough for thousands of runs: two authorities, pairs, a kept key, a combined file, kubeconfigs.
import { generateKeyPairSync } from "node:crypto";
import { fileAddress, formatAddress } from "../../src/core/model/address.ts";
import type { Guard, Plan, Step, StageStep } from "../../src/core/model/plan.ts";
import type { IssueStep, Template } from "../../src/core/model/making-step.ts";
import { digestOfPlan } from "../../src/core/plan/digest.ts";
import { parseCertificate } from "../../src/core/pki/certificate.ts";
import {
  encodeAuthorityKeyId,
  encodeBasicConstraints,
  encodeExtendedKeyUsages,
  encodeKeyUsage,
  encodeSubjectAltNames,
  encodeSubjectKeyId,
} from "../../src/core/pki/extensions.ts";
import { keyIdOfSpki } from "../../src/core/pki/fingerprints.ts";
import { issueCertificate } from "../../src/core/pki/issue.ts";
import { asPrivateKey, encodePrivateKey, type PrivateKey } from "../../src/core/pki/keys.ts";
import { encodePem } from "../../src/core/pki/pem.ts";
import { encodeSequence, encodeTlv, tags } from "../../src/core/pki/der.ts";
import { encodeOid } from "../../src/core/pki/der-values.ts";
import { sha256, startOfTime, toolVersion, type MemoryFile, type MemoryWorld } from "./memory-world.ts";
import { renewRequest } from "./renew-request.ts";

const dayMs = 86_400_000;
export const pki = "/etc/kubernetes/pki";

interface Authority {
  readonly der: Uint8Array;
  readonly key: PrivateKey;
  readonly subject: Uint8Array;
}

interface Material {
  readonly authorities: Readonly<Record<"ca" | "etcd-ca", Authority>>;
  readonly leafs: Readonly<Record<LeafName, { readonly der: Uint8Array; readonly key: PrivateKey }>>;
}

type LeafName = "apiserver" | "etcd-server" | "kubelet-client" | "admin.conf" | "node";

const cache: { material?: Material } = {};

export function newKey(): PrivateKey {
  return asPrivateKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey, "pkcs1");
}

function nameOf(cn: string): Uint8Array {
  const value = encodeTlv(tags.utf8String, new TextEncoder().encode(cn));
  return encodeSequence(encodeTlv(tags.set, encodeSequence(encodeOid("2.5.4.3"), value)));
}

export function newAuthority(cn: string, serial = 1): Authority {
  const key = newKey();
  const subject = nameOf(cn);
  const der = issueCertificate({
    serial: Uint8Array.of(serial),
    issuerDer: subject,
    subjectDer: subject,
    spkiDer: key.spkiDer,
    issuerKey: key,
    notBefore: startOfTime - 1000 * dayMs,
    notAfter: startOfTime + 2000 * dayMs,
    extensionsDer: [
      encodeKeyUsage(["digitalSignature", "keyCertSign"]),
      encodeBasicConstraints({ isCa: true }),
      encodeSubjectKeyId(keyIdOfSpki(key.spkiDer)),
    ],
  });
  return { der, key, subject };
}

function newLeaf(
  cn: string,
  { key: issuerKey, subject }: Authority,
  serial: number,
): { der: Uint8Array; key: PrivateKey } {
  const key = newKey();
  const der = issueCertificate({
    serial: Uint8Array.of(serial),
    issuerDer: subject,
    subjectDer: nameOf(cn),
    spkiDer: key.spkiDer,
    issuerKey,
    notBefore: startOfTime - 366 * dayMs,
    notAfter: startOfTime - dayMs,
    extensionsDer: [
      encodeKeyUsage(["digitalSignature"]),
      encodeExtendedKeyUsages(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]),
      encodeAuthorityKeyId({ keyId: keyIdOfSpki(issuerKey.spkiDer) }),
      encodeSubjectAltNames([
        { kind: "dns", value: cn },
        { kind: "ip", value: "10.0.0.1" },
      ]),
    ],
  });
  return { der, key };
}

function material(): Material {
  if (cache.material) return cache.material;
  const authorities = { ca: newAuthority("kubernetes"), "etcd-ca": newAuthority("etcd-ca", 2) };
  const leafs = {
    apiserver: newLeaf("kube-apiserver", authorities.ca, 11),
    "etcd-server": newLeaf("m1", authorities["etcd-ca"], 12),
    "kubelet-client": newLeaf("kube-apiserver-kubelet-client", authorities.ca, 13),
    "admin.conf": newLeaf("kubernetes-admin", authorities.ca, 14),
    node: newLeaf("system:node:m1", authorities.ca, 15),
  };
  cache.material = { authorities, leafs };
  return cache.material;
}

function keyPem(key: PrivateKey): Uint8Array {
  return encodePrivateKey(key.keyObject, key.format);
}

function text(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

function kubeconfig(der: Uint8Array, key: PrivateKey): Uint8Array {
  return text(`apiVersion: v1
kind: Config
# kept by hand
clusters: []
contexts:
- context: {cluster: kubernetes, user: kubernetes-admin}
  name: admin
current-context: admin
users:
- name: kubernetes-admin
  user:
    client-certificate-data: ${base64(encodePem("CERTIFICATE", der))}
    client-key-data: ${base64(keyPem(key))}
- name: other
  user: {token: abc}
`);
}

export const paths = {
  ca: `${pki}/ca.crt`,
  caKey: `${pki}/ca.key`,
  etcdCa: `${pki}/etcd/ca.crt`,
  etcdCaKey: `${pki}/etcd/ca.key`,
  apiserver: `${pki}/apiserver.crt`,
  apiserverKey: `${pki}/apiserver.key`,
  etcdServer: `${pki}/etcd/server.crt`,
  etcdServerKey: `${pki}/etcd/server.key`,
  kubeletClient: `${pki}/apiserver-kubelet-client.crt`,
  kubeletClientKey: `${pki}/apiserver-kubelet-client.key`,
  admin: "/etc/kubernetes/admin.conf",
  copy: "/root/.kube/config",
  node: "/var/lib/kubelet/pki/kubelet-client-current.pem",
} as const;

export const address = (path: string): string => formatAddress(fileAddress("m1", path));

const cert = (der: Uint8Array): Uint8Array => encodePem("CERTIFICATE", der);

/** Fills the world with the files of the node. */
export function installTinyCluster(world: MemoryWorld): void {
  const { authorities, leafs } = material();
  const put = (path: string, bytes: Uint8Array, more: Partial<MemoryFile> = {}): void => {
    const index = world.files.size;
    world.put(path, {
      bytes,
      mode: path.endsWith(".crt") ? 0o644 : 0o600,
      uid: 0,
      gid: index % 3,
      mtimeMs: startOfTime - 366 * dayMs + index,
      xattrs: index % 2 === 0 ? { "security.selinux": "Y2VydF90" } : {},
      link: null,
      ...more,
    });
  };
  put(paths.ca, text("# the cluster's own\n", cert(authorities.ca.der)));
  put(paths.caKey, keyPem(authorities.ca.key));
  put(paths.etcdCa, text(cert(authorities.ca.der), cert(authorities["etcd-ca"].der)));
  put(paths.etcdCaKey, keyPem(authorities["etcd-ca"].key));
  put(
    paths.apiserver,
    text("Certificate: text above\n", cert(leafs.apiserver.der), cert(authorities.ca.der), "# tail\n"),
  );
  put(
    paths.apiserverKey,
    text(
      "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
      keyPem(leafs.apiserver.key),
    ),
  );
  put(paths.etcdServer, cert(leafs["etcd-server"].der), { uid: 997, gid: 997 });
  put(paths.etcdServerKey, keyPem(leafs["etcd-server"].key), { uid: 997, gid: 997, mode: 0o640 });
  put(paths.kubeletClient, cert(leafs["kubelet-client"].der));
  put(paths.kubeletClientKey, keyPem(leafs["kubelet-client"].key));
  put(paths.admin, kubeconfig(leafs["admin.conf"].der, leafs["admin.conf"].key));
  put(paths.copy, kubeconfig(leafs["admin.conf"].der, leafs["admin.conf"].key), { uid: 1000, gid: 1000 });
  put(paths.node, text(cert(leafs.node.der), keyPem(leafs.node.key)), {
    link: "/var/lib/kubelet/pki/kubelet-client-2025.pem",
  });
}

/** The private keys the node starts with. */
export function oldKeys(): readonly PrivateKey[] {
  const { authorities, leafs } = material();
  return [...Object.values(authorities), ...Object.values(leafs)].map(({ key }) => key);
}

function issueStep(slot: LeafName, template: Template, mode: "generate" | "keep" = "generate"): IssueStep {
  const etcd = slot === "etcd-server";
  const old = parseCertificate(material().leafs[slot].der);
  return {
    kind: "issue",
    id: `issue/${slot}`,
    slot: `m1/${slot}`,
    name: slot,
    subject: slot,
    authority: etcd ? "etcd-ca" : "ca",
    authorityCertificate: address(etcd ? paths.etcdCa : paths.ca),
    authorityKey: address(etcd ? paths.etcdCaKey : paths.caKey),
    authoritySerialHex: etcd ? "02" : "01",
    authoritySha256: sha256(material().authorities[etcd ? "etcd-ca" : "ca"].der),
    template,
    old: { serialHex: old.serialHex, notBefore: old.notBefore, notAfter: old.notAfter },
    key: { mode, algorithm: "ECDSA-P256" },
    validitySeconds: 365 * 86_400,
    notAfterCap: startOfTime + 2000 * dayMs,
    addSans: slot === "apiserver" ? [{ kind: "dns", value: "lb.example" }] : [],
  };
}

function pem(certificate: string, key: string): Template {
  return { form: "pem", certificate: address(certificate), index: 0, key: address(key) };
}

const step = (path: string, content: StageStep["content"], mode = "0600"): StageStep => {
  return { kind: "stage", id: `stage${path}`, object: address(path), content, mode };
};

function stageStepsOf(): readonly StageStep[] {
  const admin = { form: "kubeconfig", users: [{ user: "kubernetes-admin", slot: "m1/admin.conf" }] } as const;
  return [
    step(paths.apiserverKey, { form: "pem-key", slot: "m1/apiserver" }),
    step(paths.etcdServer, { form: "pem-certificate", slot: "m1/etcd-server", index: 0 }, "0644"),
    step(paths.apiserver, { form: "pem-certificate", slot: "m1/apiserver", index: 0 }, "0644"),
    step(paths.etcdServerKey, { form: "pem-key", slot: "m1/etcd-server" }),
    step(paths.kubeletClient, { form: "pem-certificate", slot: "m1/kubelet-client", index: 0 }, "0644"),
    step(paths.admin, admin),
    step(paths.copy, admin),
    step(paths.node, { form: "pem-combined", slot: "m1/node", index: 0 }),
  ];
}

const phase = (id: Plan["phases"][number]["id"], steps: readonly Step[]): Plan["phases"][number] => ({
  id,
  nodes: [{ node: "m1", steps }],
});

/** A plan that renews everything, made from what the world holds now. */
export function planFor(world: MemoryWorld): Plan {
  const issue = [
    issueStep("apiserver", pem(paths.apiserver, paths.apiserverKey)),
    issueStep("etcd-server", pem(paths.etcdServer, paths.etcdServerKey)),
    issueStep("kubelet-client", pem(paths.kubeletClient, paths.kubeletClientKey), "keep"),
    issueStep("admin.conf", { form: "kubeconfig", file: address(paths.admin), user: "kubernetes-admin" }),
    issueStep("node", pem(paths.node, paths.node)),
  ];
  const stage = stageStepsOf();
  const written = new Set(stage.map(({ object }) => object));
  const guards = [...world.files].map(([path, file]): Guard => ({
    address: address(path),
    presence: "present",
    sha256: sha256(file.bytes),
    mode: file.mode.toString(8).padStart(4, "0"),
    uid: file.uid,
    gid: file.gid,
    link: file.link,
    use: written.has(address(path)) ? "written" : "read",
  }));
  const phases = [
    phase("issue", issue),
    phase(
      "back-up",
      stage.map(({ object }) => ({ kind: "back-up", id: `back-up ${object}`, object })),
    ),
    phase("stage", stage),
    phase(
      "swap",
      stage.map(({ object }) => ({ kind: "swap", id: `swap ${object}`, object })),
    ),
    phase(
      "prove",
      issue.map(({ slot, name }) => ({ kind: "prove", id: `prove ${slot}`, slot, name })),
    ),
  ];
  return sealed({
    format: "perennial/plan/v1",
    toolVersion,
    cluster: "tiny",
    root: "/",
    profile: { id: "kubeadm", digest: "sha256:0" },
    createdAt: "2026-11-22T16:00:00.000Z",
    request: { ...renewRequest, all: true, withinSeconds: 0 },
    decisions: [],
    notices: [],
    refusals: [],
    guards,
    phases,
  });
}

export function sealed(plan: Omit<Plan, "digest">): Plan {
  return { ...plan, digest: digestOfPlan(plan) };
}
