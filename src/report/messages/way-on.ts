// What to do about a certificate's end: its renewal, or what helps where a renewal would be refused.
import type { Obstacle } from "../../core/model/finding.ts";
import { flags } from "../flags.ts";
import { toolCommand } from "../tool-command.ts";
import { shellQuote } from "../shell.ts";
import type { ObstacleLines } from "./en/obstacles.ts";
import type { Tool } from "./types.ts";

interface Ending {
  readonly params: { readonly obstacle?: Obstacle };
}

/** Lines for one obstacle of any code. */
function obstacleLines(obstacle: Obstacle, lines: ObstacleLines, tool: Tool): readonly string[] {
  const { code } = obstacle;
  // The table's type ties code and value together; the compiler cannot follow that through the union.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const say = lines[code] as (obstacle: Obstacle, tool: Tool) => readonly string[];
  return say(obstacle, tool);
}

/** `renewal` where it works for at least one of them, then each other way once. */
export function waysOn(
  views: readonly Ending[],
  renewal: readonly string[],
  { lines, tool }: { readonly lines: ObstacleLines; readonly tool: Tool },
): readonly string[] {
  const obstacles = views.flatMap(({ params }) => (params.obstacle === undefined ? [] : [params.obstacle]));
  const others = obstacles.flatMap((obstacle) => obstacleLines(obstacle, lines, tool));
  return [...(obstacles.length < views.length ? renewal : []), ...new Set(others)];
}

/** By a reason as it is shown, whatever the language. */
export function isForbidden(reason: string): boolean {
  return /\b(?:EACCES|EPERM)\b/.test(reason);
}

/** Moves what is at `address` (formatAddress, or a path) out of the way; the old bytes stay. */
export function asideCommand(address: string): string {
  const path = address.replace(/^(?:file:)?[^/]*:/, "").replace(/#.*$/, "");
  return `mv ${shellQuote(path)} ${shellQuote(`${path}.damaged`)}`;
}

/** Is this call about the nodes of a cluster file? */
export function isOfCluster(tool: Tool): boolean {
  return / (?:-f|--file) /.test(tool("diagnose"));
}

/** What is typed on a node of a cluster file, whose logs are not read from here; null where this call reads them. */
export function diagnoseThere(tool: Tool): string | null {
  return isOfCluster(tool) && !tool("diagnose").includes(flags.probe) ? toolCommand([])("diagnose") : null;
}

/** Requests are made, and answers installed, on one node at a time: `renew` refuses both with a cluster file, and they are typed on each node. */
export function toolOfOneNode(tool: Tool): Tool {
  return isOfCluster(tool) ? toolCommand([]) : tool;
}

/** Prints the newest log of a component of the control plane, dead or alive. */
export function logCommand(consumer: string): string {
  return consumer === "kubelet"
    ? "journalctl -u kubelet -n 50"
    : `crictl logs $(crictl ps -a -q --name ${shellQuote(consumer)} | head -n 1)`;
}

/** Installs what lies beside the answer at `address` (formatAddress), once it was signed again. */
export function installCommand(address: string, tool: Tool): string {
  const folder = address.replace(/^[a-z-]*:[^:]*:/, "").replace(/\/[^/]*$/, "");
  return toolOfOneNode(tool)(`renew ${flags.signed} ${shellQuote(folder === "" ? "/" : folder)}`);
}
