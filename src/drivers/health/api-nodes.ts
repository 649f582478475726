// What the API server knows of nodes: the condition Ready, and when each kubelet was heard last.
//
// From 1.14 on a kubelet that is alive renews a lease in kube-node-lease every 10 s and writes its status only when that changes, at the latest
// every 5 minutes; before, it writes its status every 10 s (KEP-589). Both times are taken, as text: who wants to know whether it lives looks twice.
import type { NodeReport } from "../../core/model/readiness.ts";
import type { NodesQuestion } from "../../engine/ports/live.ts";
import type { Dial } from "../shared/dial.ts";
import { type Json, arrayOf, listObjects, objectOf, textOf } from "./api-objects.ts";
import { type AskApi, apiClient, complaint } from "./api-server.ts";
import { failureText } from "./probes.ts";

const nodesPath = "/api/v1/nodes";
const leasesPath = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
const objectLimit = 2 ** 20;

type Answer = { readonly nodes: readonly NodeReport[] } | { readonly failure: string };

/** As `ApiServer.nodeReports`. */
export async function nodeReports(
  { name, ...access }: NodesQuestion & { readonly dial?: Dial | undefined },
  signal?: AbortSignal,
): Promise<Answer> {
  try {
    const ask = apiClient(access, signal);
    const [nodes, leases] = await Promise.all([
      objectsAt(ask, nodesPath, name),
      objectsAt(ask, leasesPath, name),
    ]);
    if (nodes === null)
      return name === null ? { failure: `GET ${nodesPath} is answered with 404` } : { nodes: [] };
    const renewed = new Map(
      (leases ?? []).map((lease) => [nameOf(lease), textOf(objectOf(lease["spec"])["renewTime"])]),
    );
    return { nodes: nodes.map((node) => reportOf(node, renewed)) };
  } catch (error) {
    signal?.throwIfAborted();
    return { failure: failureText(error) };
  }
}

/** null where there is no such thing: before 1.14 no leases, and no group of their kind. @throws Error with what the API refuses */
async function objectsAt(ask: AskApi, path: string, name: string | null): Promise<readonly Json[] | null> {
  const one = name === null ? `${path}?limit=1` : `${path}/${encodeURIComponent(name)}`;
  const answer = await ask("GET", one, undefined, objectLimit);
  if (answer.status === 404) return null;
  if (answer.status !== 200) throw new Error(complaint(`GET ${path}`, answer));
  return name === null ? listObjects(ask, path) : [objectOf(JSON.parse(answer.body))];
}

function nameOf(object: Json): string {
  return textOf(objectOf(object["metadata"])["name"]);
}

function reportOf(node: Json, renewed: ReadonlyMap<string, string>): NodeReport {
  const name = nameOf(node);
  const condition = arrayOf(objectOf(node["status"])["conditions"])
    .map(objectOf)
    .find(({ type }) => type === "Ready");
  return {
    name,
    isReady: condition?.["status"] === "True",
    reason: textOf(condition?.["reason"]),
    heartbeat: `${renewed.get(name) ?? ""} ${textOf(condition?.["lastHeartbeatTime"])}`,
  };
}
