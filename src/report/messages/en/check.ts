// English: headings and the summary of `check`.
import type { Severity } from "../../../core/model/finding.ts";
import { formatDate } from "../../time.ts";

export interface CheckCounts {
  readonly critical: number;
  readonly warning: number;
  readonly info: number;
}

const severities: Readonly<Record<Severity, string>> = {
  critical: "CRITICAL",
  warning: "WARNING",
  info: "INFO",
};

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

export const check = {
  severities,
  colon: ": ",
  comma: ", ",
  /** kubeadm's own words, where it has them. */
  headings: {
    certificate: "CERTIFICATE",
    authority: "CERTIFICATE AUTHORITY",
    external: "EXTERNALLY MANAGED",
    other: "OTHER CERTIFICATE",
    path: "PATH",
    expires: "EXPIRES",
    residual: "RESIDUAL TIME",
    follows: "FOLLOWS",
    node: "NODE",
    serial: "SERIAL",
    key: "KEY",
    sans: "SANS",
    origin: "ORIGIN",
  },
  /** kubeadm writes `!MISSING! name`; the two other states follow its example. */
  marks: { ok: "", missing: "!MISSING! ", unreadable: "!UNREADABLE! ", broken: "!BROKEN! " },
  date: formatDate,
  /** The residual time of what has ended. */
  over: "<invalid>",
  yes: "yes",
  no: "no",
  /** How a path became known. */
  origins: { default: "default", scan: "found" },
  kubeletRotates: "(the kubelet rotates it)",
  kubeletEmbedded: "(embedded: not rotated)",
  unmanaged: "(nothing)",
  outsideKubeadm: "(renewed; not in kubeadm's list)",
  allWell: (certificates: number, authorities: number, node: string, at: number) =>
    `all well: ${counted(certificates, "certificate")} and ${counted(authorities, "CA")} on ${node} as of ${formatDate(at)}`,
  firstEnd: (name: string, notAfter: number, residual: string) =>
    `; ${name} ends first, on ${formatDate(notAfter)} (${residual})`,
  summary: (counts: CheckCounts, node: string, at: number, hasWritten: boolean) =>
    `${[
      counted(counts.critical, "critical", "critical"),
      counted(counts.warning, "warning"),
      counted(counts.info, "note"),
    ].join(
      ", ",
    )} on ${node} as of ${formatDate(at)}; ${hasWritten ? "nothing was changed but a test object, created and deleted again" : "nothing was changed"}`,
  next: (command: string) => `; next: ${command}`,
  nodes: (names: readonly string[]) =>
    names.length === 1 ? (names[0] ?? "") : counted(names.length, "node"),
};
