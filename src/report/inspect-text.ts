// `inspect` for people and for programs: everything in one file, in its order.
import { assertNever } from "../core/model/errors.ts";
import type { InspectedItem, InspectResult } from "../core/model/inspect.ts";
import { inWords } from "./details.ts";
import { safeData } from "./escape.ts";
import type { Language } from "./language.ts";
import { messagesFor, type Messages } from "./messages.ts";
import { formatTable } from "./table.ts";
import { formatInstant } from "./time.ts";

type InspectMessages = Messages["inspect"] & { readonly say: (reason: string) => string };
type Rows = readonly (readonly [label: string, value: string])[];
type Certificate = Extract<InspectedItem, { readonly kind: "certificate" }>;

/** Ended by a newline. */
export function renderInspect(original: InspectResult, { lang }: { readonly lang: Language }): string {
  const text = messagesFor(lang).inspect;
  const { colon } = messagesFor(lang).check;
  const result = safeData(original);
  const told = {
    ...text,
    // Nobody looks for a private key in a handshake.
    ...(result.form === "handshake" && { keyElsewhere: "" }),
    say: (reason: string) => inWords(text.words(reason), lang),
  };
  const items = result.items.map((item) => itemText(item, result.at, told));
  const faults = result.faults.map(({ line, fault }) => `${text.fault(line, told.say(fault))}\n`);
  // What is neither PEM nor DER was tried as a kubeconfig.
  const [first] = result.items;
  const isUnknown = result.form === "kubeconfig" && first?.kind === "broken" && first.where === "file";
  const body = [...items, ...faults];
  return `${result.path}${colon.trimEnd()} ${text.forms[isUnknown ? "unknown" : result.form]}\n\n${(body.length === 0 ? [`${text.empty}\n`] : body).join("\n")}`;
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
  return `${text.where(item.where)}  ${text.kinds[kind]}\n${formatTable(rows)}`;
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
      return [[labels.reason, text.coded(text.say(item.reason), item.code)]];
    default:
      return assertNever(item);
  }
}

/** Names of RFC 8017, 5758 and 8410, the identifier behind them. */
const signatureNames: Readonly<Record<string, string>> = {
  "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
  "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
  "1.2.840.113549.1.1.10": "RSASSA-PSS",
  "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
  "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
  "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
  "1.2.840.10045.4.1": "ecdsa-with-SHA1",
  "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
  "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
  "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
  "1.3.101.112": "Ed25519",
};

function signatureName(oid: string): string {
  const name = signatureNames[oid];
  return name === undefined ? oid : `${name} (${oid})`;
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
    [labels.signature, signatureName(item.signatureAlgorithm)],
    [labels.sha256, item.sha256],
    [labels.spki, item.spkiSha256],
    [labels.ski, item.subjectKeyId ?? ""],
    [labels.aki, item.authorityKeyId ?? ""],
    [labels.extensions, extensions.join(", ")],
    [labels.anomalies, item.anomalies.map(text.say).join(text.joiner)],
    [labels.keyAt, item.keyAt ?? text.keyElsewhere],
  ];
  return rows.filter(([, value]) => value !== "");
}
