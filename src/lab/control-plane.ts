// Makes the files of a kubeadm control-plane node from scratch, with the dates somebody wants to see: for trials and tests.
//
// OUTPUTS  etc/kubernetes/{pki,manifests,*.conf}, root/.kube/config, var/lib/kubelet, etc/hostname
import { createPublicKey } from "node:crypto";
import { isIP } from "node:net";
import {
  certificatePem,
  keyPem,
  type LabPair,
  type LeafRequest,
  makeAuthority,
  makeKey,
  makeLeaf,
  type Validity,
} from "./lab-issuer.ts";
import type { SanInput } from "../core/pki/extensions.ts";
import {
  inUrl,
  type LabMember,
  type LabNode,
  type LabPorts,
  type LabRuntime,
  usualPorts,
} from "./lab-node.ts";
import { kubeconfigText } from "./kubeconfig-text.ts";
import { kubeletConfigText, kubeletFlagsText, manifestTexts } from "./lab-texts.ts";
import { type TreeWriter, treeWriter } from "./tree-writer.ts";

/** What all nodes of one cluster share. */
export interface LabAuthorities {
  readonly ca: LabPair;
  readonly etcdCa: LabPair;
  readonly frontProxyCa: LabPair;
  readonly serviceAccount: LabPair["key"];
}

export interface ControlPlaneOptions {
  /** The node's file system; made when it is not there, files in it are overwritten. */
  readonly directory: string;
  /** Default `m1`. */
  readonly node?: string;
  /** Default `192.0.2.11` (RFC 5737). */
  readonly address?: string;
  /** Host of the control plane's endpoint; default `lb.example.internal`. */
  readonly endpoint?: string;
  /** As kubeadm spells it; default `RSA-2048`. */
  readonly keySpec?: string;
  /** notBefore of the leafs, ms since the epoch. */
  readonly issuedAt: number;
  /** Default 365 days. */
  readonly validitySeconds?: number;
  /** notBefore of the authorities; default `issuedAt`. */
  readonly caIssuedAt?: number;
  /** Default 3650 days. */
  readonly caValiditySeconds?: number;
  /** Default `1.20.2`; from 1.29 on super-admin.conf and the organizations differ. */
  readonly kubernetesVersion?: string;
  /** Default `linked`: kubelet.conf names kubelet-client-current.pem; `embedded` as kubeadm up to 1.16 left it. */
  readonly kubelet?: "linked" | "embedded";
  /** Default `/etc/kubernetes/pki`. */
  readonly pkiDir?: string;
  /** Of another node of the same cluster. */
  readonly authorities?: LabAuthorities;
  /** For a node that is to run: kubeadm's ports when not given, and then no files of the kubelet's that name them. */
  readonly ports?: LabPorts;
  /** Tag of etcd's image; default `3.4.13-0`. */
  readonly etcdVersion?: string;
  /** Every member of etcd's cluster; default is the node alone. */
  readonly members?: readonly LabMember[];
  /** Of a node that is to run; default `cri`. */
  readonly runtime?: LabRuntime;
}

interface Leaf {
  /** Path on the node without `.crt`, or of the kubeconfig. */
  readonly path: string;
  readonly authority: LabPair;
  readonly request: Omit<LeafRequest, keyof Validity>;
}

const day = 86_400;

/** Writes the tree. Modes are kubeadm's: keys and kubeconfigs 0600, certificates 0644. */
export async function makeControlPlane(options: ControlPlaneOptions): Promise<void> {
  const authorities = options.authorities ?? (await makeAuthorities(options));
  const lab = labNode(options);
  const tree = treeWriter(options.directory);
  writeAuthorities(tree, lab, authorities);
  for (const [name, text] of Object.entries(manifestTexts(lab)))
    tree.secret(`/etc/kubernetes/manifests/${name}`, text);
  tree.open("/etc/hostname", `${lab.node}\n`);
  if (options.ports !== undefined) {
    tree.open("/var/lib/kubelet/config.yaml", kubeletConfigText(lab));
    tree.open("/var/lib/kubelet/kubeadm-flags.env", kubeletFlagsText(options.runtime ?? "cri"));
  }
  await Promise.all([
    ...pemLeafs(lab, authorities).map((leaf) => writePair(tree, options, leaf)),
    ...kubeconfigLeafs(lab, authorities).map((leaf) => writeKubeconfig(tree, options, leaf)),
    writeKubelet(tree, options, authorities),
  ]);
}

/** A worker's tree: the kubelet's files and the cluster's authority. */
export async function makeWorker(
  options: ControlPlaneOptions & { readonly authorities: LabAuthorities },
): Promise<void> {
  const lab = labNode(options);
  const tree = treeWriter(options.directory);
  tree.open(`${lab.pkiDir}/ca.crt`, certificatePem(options.authorities.ca));
  tree.open("/etc/hostname", `${lab.node}\n`);
  tree.open("/var/lib/kubelet/config.yaml", kubeletConfigText(lab));
  tree.open("/var/lib/kubelet/kubeadm-flags.env", kubeletFlagsText(options.runtime ?? "cri"));
  await writeKubelet(tree, options, options.authorities);
}

/** Three authorities and the service-account key, to be given to every node of a cluster. */
export async function makeAuthorities(
  options: Pick<ControlPlaneOptions, "keySpec" | "issuedAt" | "caIssuedAt" | "caValiditySeconds">,
): Promise<LabAuthorities> {
  const { keySpec = "RSA-2048", issuedAt, caIssuedAt = issuedAt, caValiditySeconds = 3650 * day } = options;
  const validity = validityOf(caIssuedAt, caValiditySeconds);
  const [ca, etcdCa, frontProxyCa, serviceAccount] = await Promise.all([
    makeAuthority("kubernetes", keySpec, validity),
    makeAuthority("etcd-ca", keySpec, validity),
    makeAuthority("front-proxy-ca", keySpec, validity),
    makeKey(keySpec),
  ]);
  return { ca, etcdCa, frontProxyCa, serviceAccount };
}

function validityOf(notBefore: number, seconds: number): Validity {
  const start = Math.floor(notBefore / 1000) * 1000;
  return { notBefore: start, notAfter: start + seconds * 1000 };
}

function labNode(options: ControlPlaneOptions): LabNode {
  const { node = "m1", address = "192.0.2.11", endpoint = "lb.example.internal" } = options;
  const { kubernetesVersion = "1.20.2", pkiDir = "/etc/kubernetes/pki", ports = usualPorts } = options;
  const { etcdVersion = "3.4.13-0", members = [{ node, address, peerPort: ports.etcdPeer }] } = options;
  return { node, address, endpoint, kubernetesVersion, pkiDir, ports, etcdVersion, members };
}

function leafValidity({ issuedAt, validitySeconds = 365 * day }: ControlPlaneOptions): Validity {
  return validityOf(issuedAt, validitySeconds);
}

function pemLeafs(lab: LabNode, { ca, etcdCa, frontProxyCa }: LabAuthorities): readonly Leaf[] {
  const { node, address, endpoint, pkiDir } = lab;
  const client = (path: string, authority: LabPair, commonName: string, groups: readonly string[]): Leaf => ({
    path: `${pkiDir}/${path}`,
    authority,
    request: { commonName, organizations: groups, usages: ["clientAuth"] },
  });
  const member = (path: string): Leaf => ({
    path: `${pkiDir}/etcd/${path}`,
    authority: etcdCa,
    request: {
      commonName: node,
      usages: ["serverAuth", "clientAuth"],
      sans: sansOf(["localhost", node, address, "127.0.0.1", "::1"]),
    },
  });
  const service = "kubernetes.default.svc";
  const names = ["kubernetes", "kubernetes.default", service, `${service}.cluster.local`, endpoint, node];
  return [
    {
      path: `${pkiDir}/apiserver`,
      authority: ca,
      request: {
        commonName: "kube-apiserver",
        usages: ["serverAuth"],
        sans: sansOf([...names, "10.96.0.1", address]),
      },
    },
    client("apiserver-etcd-client", etcdCa, "kube-apiserver-etcd-client", etcdGroups(lab)),
    client("apiserver-kubelet-client", ca, "kube-apiserver-kubelet-client", adminGroups(lab)),
    client("etcd/healthcheck-client", etcdCa, "kube-etcd-healthcheck-client", etcdGroups(lab)),
    client("front-proxy-client", frontProxyCa, "front-proxy-client", []),
    member("peer"),
    member("server"),
  ];
}

function kubeconfigLeafs(lab: LabNode, { ca }: LabAuthorities): readonly Leaf[] {
  const conf = (name: string, commonName: string, organizations: readonly string[]): Leaf => ({
    path: `/etc/kubernetes/${name}.conf`,
    authority: ca,
    request: { commonName, organizations, usages: ["clientAuth"] },
  });
  return [
    conf("admin", "kubernetes-admin", adminGroups(lab)),
    ...(isFrom129(lab) ? [conf("super-admin", "kubernetes-super-admin", ["system:masters"])] : []),
    conf("controller-manager", "system:kube-controller-manager", []),
    conf("scheduler", "system:kube-scheduler", []),
  ];
}

function isFrom129({ kubernetesVersion }: LabNode): boolean {
  const [major = 1, minor = 0] = kubernetesVersion.split(".").map(Number);
  return major > 1 || minor >= 29;
}

function adminGroups(lab: LabNode): readonly string[] {
  return isFrom129(lab) ? ["kubeadm:cluster-admins"] : ["system:masters"];
}

function etcdGroups(lab: LabNode): readonly string[] {
  return isFrom129(lab) ? [] : ["system:masters"];
}

function sansOf(values: readonly string[]): readonly SanInput[] {
  return [...new Set(values)].map((value) => ({ kind: isIP(value) > 0 ? "ip" : "dns", value }));
}

function writeAuthorities(tree: TreeWriter, { pkiDir }: LabNode, authorities: LabAuthorities): void {
  const { ca, etcdCa, frontProxyCa, serviceAccount } = authorities;
  const all = { ca, "etcd/ca": etcdCa, "front-proxy-ca": frontProxyCa };
  for (const [name, pair] of Object.entries(all)) {
    tree.open(`${pkiDir}/${name}.crt`, certificatePem(pair));
    tree.secret(`${pkiDir}/${name}.key`, keyPem(pair));
  }
  const publicKey = createPublicKey(serviceAccount.keyObject).export({ type: "spki", format: "pem" });
  tree.secret(`${pkiDir}/sa.pub`, publicKey.toString());
  tree.secret(`${pkiDir}/sa.key`, keyPem({ key: serviceAccount }));
}

async function issue(options: ControlPlaneOptions, { authority, request }: Leaf): Promise<LabPair> {
  return makeLeaf(authority, options.keySpec ?? "RSA-2048", { ...request, ...leafValidity(options) });
}

async function writePair(tree: TreeWriter, options: ControlPlaneOptions, leaf: Leaf): Promise<void> {
  const pair = await issue(options, leaf);
  tree.secret(`${leaf.path}.key`, keyPem(pair));
  tree.open(`${leaf.path}.crt`, certificatePem(pair));
}

/** root/.kube/config is the copy that everybody makes with `cp`. */
async function writeKubeconfig(tree: TreeWriter, options: ControlPlaneOptions, leaf: Leaf): Promise<void> {
  const pair = await issue(options, leaf);
  const text = kubeconfigText({
    user: leaf.request.commonName,
    server: serverOf(options, leaf.path),
    authorityPem: certificatePem(leaf.authority),
    credential: { certificatePem: certificatePem(pair), keyPem: keyPem(pair) },
  });
  tree.secret(leaf.path, text);
  if (leaf.path.endsWith("/admin.conf")) tree.secret("/root/.kube/config", text);
}

/** From 1.20 on controller manager and scheduler talk to their own node. */
function serverOf(options: ControlPlaneOptions, path: string): string {
  const { address, endpoint, ports } = labNode(options);
  const isLocal = /controller-manager|scheduler/.test(path);
  return `https://${inUrl(isLocal ? address : endpoint)}:${ports.apiServer}`;
}

async function writeKubelet(
  tree: TreeWriter,
  options: ControlPlaneOptions,
  { ca }: LabAuthorities,
): Promise<void> {
  const user = `system:node:${labNode(options).node}`;
  const pair = await issue(options, {
    path: "",
    authority: ca,
    request: { commonName: user, organizations: ["system:nodes"], usages: ["clientAuth"] },
  });
  const current = "/var/lib/kubelet/pki/kubelet-client-current.pem";
  const isLinked = options.kubelet !== "embedded";
  if (isLinked) {
    const name = `kubelet-client-${stamp(options.issuedAt)}.pem`;
    tree.secret(`/var/lib/kubelet/pki/${name}`, Buffer.concat([certificatePem(pair), keyPem(pair)]));
    tree.link(current, name);
  }
  const credential = isLinked
    ? { path: current }
    : { certificatePem: certificatePem(pair), keyPem: keyPem(pair) };
  const server = serverOf(options, "kubelet");
  tree.secret(
    "/etc/kubernetes/kubelet.conf",
    kubeconfigText({ user, server, authorityPem: certificatePem(ca), credential }),
  );
}

/** As client-go's certificate store names its files: `2026-11-22-15-35-37`. */
function stamp(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace(/[T:]/g, "-");
}
