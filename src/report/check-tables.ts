// The three tables of `check`: kubeadm's two, byte for byte (kubeadm 1.24 and later), and what kubeadm does not list.
import type { AuthorityRow, CertificateRow, CheckResult } from "../core/model/check.ts";
import type { Origin } from "../core/model/inventory.ts";
import type { Paint } from "./color.ts";
import { safeText } from "./escape.ts";
import type { Messages } from "./messages.ts";
import { formatTable } from "./table.ts";
import { formatResidual } from "./time.ts";

export interface TableContext {
  readonly result: CheckResult;
  readonly messages: Messages;
  readonly wide: boolean;
  readonly paint: Paint;
}

/** Source: cmd/kubeadm/app/cmd/certs.go; in English byte for byte. */
export function certificateTable(context: TableContext): string {
  const rows = context.result.certificates.filter((row) => row.isKubeadm);
  const { headings } = context.messages.check;
  const cells = rows.map((row) => [
    ...timeCells(row, context),
    row.state === "ok" ? safeText(row.authority) : "",
    row.state === "ok" ? yesNo(row.externallyManaged, context) : "",
    ...extraCells(row, context),
  ]);
  const header = [
    headings.certificate,
    headings.expires,
    headings.residual,
    headings.authority,
    headings.external,
  ];
  return table([[...header, ...extraHeader(context)], ...cells], rows, context);
}

export function authorityTable(context: TableContext): string {
  const rows = context.result.authorities;
  const { headings } = context.messages.check;
  const cells = rows.map((row) => [
    ...timeCells(row, context),
    row.state === "ok" ? yesNo(row.externallyManaged, context) : "",
    ...extraCells({ ...row, sans: [], origin: null }, context),
  ]);
  const header = [headings.authority, headings.expires, headings.residual, headings.external];
  return table([[...header, ...extraHeader(context)], ...cells], rows, context);
}

/** Kubelet certificates and copies; empty text when there are none. */
export function otherTable(context: TableContext): string {
  const rows = context.result.certificates.filter((row) => !row.isKubeadm);
  if (rows.length === 0) return "";
  const { headings } = context.messages.check;
  const header = [headings.other, headings.expires, headings.residual, headings.follows];
  const cells = rows.map((row) => {
    const [name = "", expires = "", residual = ""] = timeCells(row, context);
    return [name, expires, residual, followsCell(row, context), ...extraCells(row, context)];
  });
  return table([[...header, ...extraHeader(context)], ...cells], rows, context);
}

/** The slot a copy must equal: the same bytes, else the same subject; null when nothing of that kind exists. */
export function originalOf(row: CertificateRow, result: CheckResult): CertificateRow | null {
  if (row.management !== "copy") return null;
  const originals = result.certificates.filter(
    (other) => other.management !== "copy" && other.node === row.node,
  );
  const told = result.findings.find(
    (finding) => finding.code === "replica-differs" && finding.slot === row.slot,
  );
  return (
    originals.find((other) => told?.code === "replica-differs" && other.slot === told.params.original) ??
    originals.find((other) => row.sha256 !== "" && other.sha256 === row.sha256) ??
    originals.find((other) => row.subject !== "" && other.subject === row.subject) ??
    null
  );
}

function followsCell(row: CertificateRow, { result, messages }: TableContext): string {
  // Nobody rotates a file that is not there.
  if (row.management === "kubelet" && row.state === "missing") return "";
  if (row.management === "kubelet") {
    const isEmbedded = result.findings.some(
      ({ code, slot }) => code === "kubelet-embedded" && slot === row.slot,
    );
    return isEmbedded ? messages.check.kubeletEmbedded : messages.check.kubeletRotates;
  }
  if (row.management === "renew") return messages.check.outsideKubeadm;
  const original = originalOf(row, result);
  return original === null ? messages.check.unmanaged : safeText(original.name);
}

function timeCells(
  row: CertificateRow | AuthorityRow,
  { result, messages }: TableContext,
): readonly string[] {
  const { marks, date, over } = messages.check;
  const name = `${marks[row.state]}${safeText(row.name)}`;
  if (row.state !== "ok" || row.notAfter === null) return [name, "", ""];
  const residual = formatResidual(row.notAfter - result.at);
  return [name, date(row.notAfter), residual === "<invalid>" ? over : residual];
}

/** Go's `%-8v`. */
function yesNo(value: boolean, { messages }: TableContext): string {
  return messages.check[value ? "yes" : "no"].padEnd(8);
}

/** Several nodes need a column that tells them apart, also without `wide`; it comes last so that column one stays the name. */
function extraHeader({ result, messages, wide }: TableContext): readonly string[] {
  const { headings } = messages.check;
  if (wide)
    return [headings.node, headings.serial, headings.path, headings.key, headings.sans, headings.origin];
  return result.nodes.length > 1 ? [headings.node] : [];
}

type ExtraRow = Pick<CertificateRow, "node" | "serialHex" | "path" | "keyAlgorithm" | "sans"> & {
  readonly origin: Origin | null;
};

function extraCells(row: ExtraRow, context: TableContext): readonly string[] {
  if (!context.wide) return context.result.nodes.length > 1 ? [safeText(row.node)] : [];
  const cells = [row.node, row.serialHex, row.path, row.keyAlgorithm, row.sans.join(",")];
  return [...cells.map((cell) => safeText(cell) || "-"), originCell(row.origin, context)];
}

function originCell(origin: Origin | null, { messages }: TableContext): string {
  if (origin === null) return "-";
  const words = messages.check.origins;
  if (origin.kind === "default") return words.default;
  const parts = [origin.kind === "scan" ? words.scan : "", origin.field ?? "", origin.source ?? ""];
  return safeText(parts.filter((part) => part !== "").join(" ")) || origin.kind;
}

function table(
  cells: readonly (readonly string[])[],
  rows: readonly (CertificateRow | AuthorityRow)[],
  { result, paint }: TableContext,
): string {
  return formatTable(cells, {
    paint: (line, index) => {
      if (index === 0) return paint("bold", line);
      const row = rows[index - 1];
      return row === undefined || isWell(row, result.at) ? line : paint("red", line);
    },
  });
}

function isWell(row: CertificateRow | AuthorityRow, at: number): boolean {
  return row.state === "ok" && row.notAfter !== null && row.notAfter >= at;
}
