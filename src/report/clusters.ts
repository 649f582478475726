// The answers about several clusters, one after the other: a heading for each, or one object around them all.
import type { AppError } from "../core/model/errors.ts";
import { cliMessages } from "./cli-messages.ts";
import { painter } from "./color.ts";
import { renderError } from "./error-text.ts";
import { safeText } from "./escape.ts";
import type { Language } from "./language.ts";
import { formatInstant } from "./time.ts";

export interface ClusterPart {
  /** The cluster's file. */
  readonly path: string;
  readonly exitCode: number;
  readonly shown: { readonly text: string } | { readonly data: unknown } | { readonly error: AppError };
}

export interface ClustersTextOptions {
  readonly isFolder: boolean;
  readonly lang: Language;
  readonly hasColor: boolean;
}

/** One file is answered without a heading. */
export function renderClusters(
  parts: readonly ClusterPart[],
  { isFolder, lang, hasColor }: ClustersTextOptions,
): string {
  const paint = painter(hasColor);
  const { heading } = cliMessages(lang).clusters;
  return parts
    .map(({ path, shown }) => {
      const body = "error" in shown ? errorLines(shown.error, lang) : "text" in shown ? shown.text : "";
      return isFolder ? `${paint("bold", heading(safeText(path)))}\n${body}` : body;
    })
    .join("\n");
}

function errorLines(error: AppError, lang: Language): string {
  const text = renderError(error, lang);
  return [`error: ${text.error}`, ...text.hint.map((line) => `hint: ${line}`), ""].join("\n");
}

export interface ClustersJsonOptions {
  readonly isFolder: boolean;
  readonly kind: string;
  readonly version: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly exitCode: number;
}

/** Of one file the answer itself; of a folder `clusters[]`, each with its `file`. Documented in docs/json.md. */
export function clustersToJson(parts: readonly ClusterPart[], options: ClustersJsonOptions): unknown {
  const { isFolder, kind, version, at, exitCode } = options;
  const [first] = parts;
  if (!isFolder) return first && "data" in first.shown ? first.shown.data : null;
  return {
    kind,
    perennial: { version, at: formatInstant(at), exitCode },
    clusters: parts.map(({ path, exitCode: own, shown }) => ({
      file: path,
      ...("error" in shown
        ? { error: errorToJson(shown.error), exitCode: own }
        : "data" in shown && typeof shown.data === "object"
          ? shown.data
          : {}),
    })),
  };
}

function errorToJson(error: AppError): unknown {
  const { error: message, hint } = renderError(error, "en");
  return { code: error.code, params: error.params, message, next: hint };
}
