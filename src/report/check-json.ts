// `check` for programs: kubeadm's CertificateExpirationInfo (v1alpha3) with everything more under keys of our own.
import type { AuthorityRow, CertificateRow, CheckResult, StoredState } from "../core/model/check.ts";
import { originalOf } from "./check-tables.ts";
import { renderFinding } from "./finding-text.ts";
import { formatInstant } from "./time.ts";

/** Exactly kubeadm's fields in the order of its Go types (cmd/kubeadm/app/apis/output/v1alpha3/types.go). */
export interface KubeadmCertificate {
  readonly name: string;
  /** RFC 3339; null when there is no readable certificate. */
  readonly expirationDate: string | null;
  /** Whole seconds, rounded down, negative once expired; 0 when there is no readable certificate. */
  readonly residualTime: number;
  readonly externallyManaged: boolean;
  /** Absent when unknown, as Go's `omitempty`. */
  readonly caName?: string;
  readonly missing: boolean;
}

export interface CheckJsonOptions {
  readonly version: string;
  readonly exitCode?: number;
  /** As in {@link FindingContext}. */
  readonly again?: readonly string[];
}

/** The object behind `check -o json` and `-o yaml`; documented in docs/json.md. */
export function checkToJson(result: CheckResult, { version, exitCode, again }: CheckJsonOptions) {
  const { at, cluster, profile, nodes, root, worst } = result;
  return {
    kind: "CertificateExpirationInfo",
    apiVersion: "output.kubeadm.k8s.io/v1alpha3",
    certificates: result.certificates.filter((row) => row.isKubeadm).map((row) => leafToKubeadm(row, at)),
    certificateAuthorities: result.authorities
      .filter((row) => row.isKubeadm)
      .map((row) => toKubeadm(row, at)),
    perennial: {
      version,
      at: formatInstant(at),
      cluster,
      profile,
      nodes,
      root,
      worst,
      ...(exitCode === undefined ? {} : { exitCode }),
    },
    otherCertificates: result.certificates
      .filter((row) => !row.isKubeadm)
      .map((row) => otherToJson(row, result)),
    details: [
      ...result.certificates.map((row) => leafDetails(row, at)),
      ...result.authorities.map((row) => authorityDetails(row, at)),
    ],
    findings: result.findings.map((finding) => {
      const { code, severity, node, slot, name, address, params } = finding;
      const { sentence, next } = renderFinding(finding, again ? { ...result, again } : result, "en");
      return { code, severity, node, slot, name, address, params, message: sentence, next };
    }),
  };
}

function leafToKubeadm(row: CertificateRow, at: number): KubeadmCertificate {
  const { missing, ...start } = toKubeadm(row, at);
  return { ...start, ...(row.authority === "" ? {} : { caName: row.authority }), missing };
}

function toKubeadm(row: CertificateRow | AuthorityRow, at: number): KubeadmCertificate {
  const { expirationDate, residualTime } = expiry(row, at);
  const { name, externallyManaged } = row;
  return { name, expirationDate, residualTime, externallyManaged, missing: row.state === "missing" };
}

function expiry(row: { readonly state: StoredState; readonly notAfter: number | null }, at: number) {
  if (row.state !== "ok" || row.notAfter === null) return { expirationDate: null, residualTime: 0 };
  return {
    expirationDate: formatInstant(row.notAfter),
    residualTime: Math.floor((row.notAfter - at) / 1000),
  };
}

function otherToJson(row: CertificateRow, result: CheckResult) {
  const { name, node, path, state, management } = row;
  return {
    name,
    node,
    path,
    state,
    management,
    ...expiry(row, result.at),
    follows: originalOf(row, result)?.slot ?? null,
  };
}

function leafDetails(row: CertificateRow, at: number) {
  return {
    slot: row.slot,
    kind: "certificate",
    node: row.node,
    name: row.name,
    state: row.state,
    management: row.management,
    authority: row.authority,
    externallyManaged: row.externallyManaged,
    path: row.path,
    keyPath: row.keyPath,
    origin: row.origin,
    ...times(row, at),
    subject: row.subject,
    issuer: row.issuer,
    serialHex: row.serialHex,
    sha256: row.sha256,
    sans: row.sans,
    usages: row.usages,
    keyAlgorithm: row.keyAlgorithm,
  };
}

function authorityDetails(row: AuthorityRow, at: number) {
  return {
    slot: row.slot,
    kind: "authority",
    node: row.node,
    name: row.name,
    state: row.state,
    externallyManaged: row.externallyManaged,
    path: row.path,
    keyPath: row.keyPath,
    ...times(row, at),
    subject: row.subject,
    serialHex: row.serialHex,
    sha256: row.sha256,
    keyAlgorithm: row.keyAlgorithm,
  };
}

function times(row: CertificateRow | AuthorityRow, at: number) {
  const notBefore = row.notBefore === null ? null : formatInstant(row.notBefore);
  const notAfter = row.notAfter === null ? null : formatInstant(row.notAfter);
  return { notBefore, notAfter, residualTime: expiry(row, at).residualTime };
}
