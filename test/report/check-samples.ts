// Hand-made results of a check: a valid single node as kubeadm 1.20.2 made it, and ways to vary it.
import type { AuthorityRow, CertificateRow, CheckResult } from "../../src/core/model/check.ts";
import type { Finding, FindingCode, FindingParams, Severity } from "../../src/core/model/finding.ts";

export const validAt = Date.UTC(2026, 10, 22, 16, 0, 0);
const leafEnd = Date.UTC(2027, 10, 22, 15, 35, 27);
const authorityEnd = Date.UTC(2036, 10, 19, 15, 35, 20);

export function certificateRow(
  name: string,
  authority: string,
  change: Partial<CertificateRow> = {},
): CertificateRow {
  const base = `/etc/kubernetes/${name.endsWith(".conf") ? name : `pki/${name}.crt`}`;
  return {
    slot: `m1/${name}`,
    node: "m1",
    name,
    isKubeadm: true,
    state: "ok",
    notBefore: validAt - 1_500_000,
    notAfter: leafEnd,
    authority,
    externallyManaged: false,
    management: "renew",
    path: base,
    keyPath: name.endsWith(".conf") ? null : base.replace(/\.crt$/, ".key"),
    origin: { kind: "default" },
    subject: `CN=${name}`,
    issuer: "CN=kubernetes",
    serialHex: "4f1c2d3e4f5a6b7c",
    sha256: `sha-${name}`,
    sans: [],
    usages: ["clientAuth"],
    keyAlgorithm: "RSA-2048",
    ...change,
  };
}

export function authorityRow(name: string, change: Partial<AuthorityRow> = {}): AuthorityRow {
  return {
    slot: `m1/${name}`,
    node: "m1",
    name,
    isKubeadm: true,
    state: "ok",
    notBefore: validAt - 1_500_000,
    notAfter: authorityEnd,
    externallyManaged: false,
    path: `/etc/kubernetes/pki/${name}.crt`,
    keyPath: `/etc/kubernetes/pki/${name}.key`,
    subject: "CN=kubernetes",
    serialHex: "00",
    sha256: `sha-${name}`,
    keyAlgorithm: "RSA-2048",
    ...change,
  };
}

export function finding<C extends FindingCode>(
  code: C,
  params: FindingParams[C],
  more: {
    readonly severity?: Severity;
    readonly name?: string;
    readonly slot?: string | null;
    readonly path?: string;
  } = {},
): Finding<C> {
  const name = more.name ?? "apiserver";
  return {
    code,
    severity: more.severity ?? "critical",
    node: "m1",
    slot: more.slot === undefined ? `m1/${name}` : more.slot,
    name,
    address: { store: "file", node: "m1", path: more.path ?? `/etc/kubernetes/pki/${name}.crt` },
    params,
  };
}

export function validCheck(change: Partial<CheckResult> = {}): CheckResult {
  return {
    at: validAt,
    cluster: "kubernetes",
    profile: "kubeadm",
    nodes: ["m1"],
    root: "/",
    certificates: [
      certificateRow("admin.conf", "ca"),
      certificateRow("apiserver", "ca"),
      certificateRow("apiserver-etcd-client", "etcd-ca"),
      certificateRow("apiserver-kubelet-client", "ca"),
      certificateRow("controller-manager.conf", "ca"),
      certificateRow("etcd-healthcheck-client", "etcd-ca"),
      certificateRow("etcd-peer", "etcd-ca"),
      certificateRow("etcd-server", "etcd-ca"),
      certificateRow("front-proxy-client", "front-proxy-ca"),
      certificateRow("scheduler.conf", "ca"),
    ],
    authorities: [authorityRow("ca"), authorityRow("etcd-ca"), authorityRow("front-proxy-ca")],
    findings: [],
    worst: null,
    ...change,
  };
}
