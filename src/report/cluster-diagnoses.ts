// `diagnose -f`: node after node, then the nodes that could not be reached.
import type { DiagnoseResult } from "../core/model/diagnosis.ts";
import type { AnyFinding } from "../core/model/finding.ts";
import { painter, severityStyles } from "./color.ts";
import { type DiagnoseJsonOptions, diagnosesToJson } from "./diagnose-json.ts";
import { type DiagnoseTextOptions, renderDiagnoses } from "./diagnose-text.ts";
import { renderFinding, renderFindingGroups } from "./finding-text.ts";
import { messagesFor } from "./messages.ts";
import { formatInstant } from "./time.ts";

interface ClusterDiagnoses {
  readonly at: number;
  readonly cluster: string;
  readonly nodes: readonly DiagnoseResult[];
  readonly failed: readonly AnyFinding[];
}

export function renderClusterDiagnoses(found: ClusterDiagnoses, options: DiagnoseTextOptions): string {
  const { lang, hasColor } = options;
  const words = messagesFor(lang).check.severities;
  const failed = renderFindingGroups(found.failed, contextOf(found, options.again), lang).map(
    ({ severity, sentence, next }) =>
      [
        `${painter(hasColor)(severityStyles[severity], words[severity])} ${sentence}`,
        ...next.map((step) => `    -> ${step}`),
        "",
      ].join("\n"),
  );
  return [...found.nodes.map((node) => renderDiagnoses(node, options)), ...failed].join("\n");
}

function contextOf({ at, nodes, failed }: ClusterDiagnoses, again: readonly string[] = []) {
  const names = [...nodes.flatMap(({ node }) => node ?? []), ...failed.map(({ node }) => node)];
  return { at, nodes: names, root: "/", again };
}

/** Documented in docs/json.md. */
export function clusterDiagnosesToJson(found: ClusterDiagnoses, options: DiagnoseJsonOptions): unknown {
  const { version, exitCode, again } = options;
  const context = contextOf(found, again);
  return {
    kind: "ClusterDiagnoses",
    perennial: { version, at: formatInstant(found.at), cluster: found.cluster, exitCode },
    nodes: found.nodes.map((node) => diagnosesToJson(node, options)),
    unreachable: found.failed.map((finding) => {
      const { code, severity, node, params } = finding;
      const { sentence, next } = renderFinding(finding, context, "en");
      return { code, severity, node, params, message: sentence, next };
    }),
  };
}
