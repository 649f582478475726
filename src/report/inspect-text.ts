// `inspect` for people and for programs: everything in one file, in its order.
import { assertNever } from "../core/model/errors.ts";
import type { InspectedItem, InspectResult } from "../core/model/inspect.ts";
import { safeData } from "./escape.ts";
import type { Language } from "./language.ts";
import { messagesFor, type Messages } from "./messages.ts";
import { formatTable } from "./table.ts";
import { formatInstant } from "./time.ts";

type InspectMessages = Messages["inspect"];
type Rows = readonly (readonly [label: string, value: string])[];
type Certificate = Extract<InspectedItem, { readonly kind: "certificate" }>;

/** Ended by a newline. */
export function renderInspect(original: InspectResult, { lang }: { readonly lang: Language }): string {
  const text = messagesFor(lang).inspect;
  const { colon } = messagesFor(lang).check;
  const result = safeData(original);
  const items = result.items.map((item) => itemText(item, result.at, text));
  const faults = result.faults.map(({ line, fault }) => `${text.fault(line, fault)}\n`);
  const body = [...items, ...faults];
  return `${result.path}${colon.trimEnd()} ${result.form}\n\n${(body.length === 0 ? [`${text.empty}\n`] : body).join("\n")}`;
}

/** The same as an object; instants as RFC 3339, keys as in the types. */
export function inspectToJson({ at, path, form, items, faults }: InspectResult) {
  return {
    kind: "Inspection",
    apiVersion: "perennial/v1",
    at: formatInstant(at),
    path,
    form,
    items: items.map((item) =>
      item.kind === "certificate"
        ? { ...item, notBefore: formatInstant(item.notBefore), notAfter: formatInstant(item.notAfter) }
        : item,
    ),
    faults,
  };
}

function itemText(item: InspectedItem, at: number, text: InspectMessages): string {
  const kind = item.kind === "certificate" && item.isAuthority ? "authority" : item.kind;
  const rows = rowsOf(item, at, text).map(([label, value]) => [`  ${label}`, value]);
  return `${item.where}  ${text.kinds[kind]}\n${formatTable(rows)}`;
}

function rowsOf(item: InspectedItem, at: number, text: InspectMessages): Rows {
  const { labels } = text;
  switch (item.kind) {
    case "certificate":
      return certificateRows(item, at, text);
    case "private-key":
      return [
        [labels.key, item.keyAlgorithm],
        [labels.format, item.format],
        [labels.spki, item.spkiSha256],
        [labels.matches, item.matches.length === 0 ? text.matchesNothing : item.matches.join(", ")],
      ];
    case "encrypted-key":
      return [[labels.format, item.format]];
    case "public-key":
      return [
        [labels.key, item.keyAlgorithm],
        [labels.spki, item.spkiSha256],
      ];
    case "request":
      return [];
    case "other":
      return [[labels.label, item.label]];
    case "broken":
      return [[labels.reason, `${item.reason} (${item.code})`]];
    default:
      return assertNever(item);
  }
}

function certificateRows(item: Certificate, at: number, text: InspectMessages): Rows {
  const { labels } = text;
  const extensions = item.otherExtensions.map(({ oid, critical }) =>
    critical ? `${oid} (${text.critical})` : oid,
  );
  const rows: Rows = [
    [labels.subject, item.subject],
    [labels.issuer, item.issuer],
    [labels.serial, item.serialHex],
    [labels.validity, text.validity(item.notBefore, item.notAfter, at)],
    [labels.sans, item.sans.join(", ")],
    [labels.usages, [...item.keyUsages, ...item.usages].join(", ")],
    [labels.key, item.keyAlgorithm],
    [labels.signature, item.signatureAlgorithm],
    [labels.sha256, item.sha256],
    [labels.spki, item.spkiSha256],
    [labels.ski, item.subjectKeyId ?? ""],
    [labels.aki, item.authorityKeyId ?? ""],
    [labels.extensions, extensions.join(", ")],
    [labels.anomalies, item.anomalies.join(", ")],
    [labels.keyAt, item.keyAt ?? text.keyElsewhere],
  ];
  return rows.filter(([, value]) => value !== "");
}
