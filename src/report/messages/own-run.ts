// Whose run an answer speaks of decides what is typed, and where: a node's own run is not reached by `-f`, a cluster's not without.
import type { FindingParams } from "../../core/model/finding.ts";
import { rootArguments, toolCommand } from "../tool-command.ts";
import type { Tool } from "./types.ts";

type Whose = Pick<FindingParams["run-unfinished"], "own" | "cluster" | "needsProbe">;

/** The tool's command line where the run is; that of this call for a run of what the call is about. */
export function toolForRun({ own, cluster, needsProbe }: Whose, ofCall: Tool): Tool {
  const probe = needsProbe === true ? ["--probe"] : [];
  if (cluster !== undefined) return toolCommand(["-f", "FILE", ...probe]);
  if (own !== undefined)
    return toolCommand([...(own.reach === "root" ? rootArguments(own.where) : []), ...probe]);
  if (needsProbe !== true) return ofCall;
  return (args) => ofCall(/^(?:resume|rollback)/.test(args) ? `${args} --probe` : args);
}
