// The pods behind APIServices: extensions of the API that read the front-proxy CA, and make a certificate of their own, when they start.
import type { SweptBackend } from "../../core/model/verification.ts";
import { arrayOf, listObjects, objectOf, textOf } from "./api-objects.ts";
import { type AskApi, complaint } from "./api-server.ts";

const apiServices = "/apis/apiregistration.k8s.io/v1/apiservices";
const answerLimit = 2 ** 20;

export interface BackendPod {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly runsSince: number | null;
}

/** Pods that run, by the endpoints of each Service that an APIService names. @throws Error with what the API refuses */
export async function backendsOf(ask: AskApi, pods: readonly BackendPod[]): Promise<readonly SweptBackend[]> {
  const byPod = new Map<string, string[]>();
  for (const [service, names] of await servicesOf(ask)) {
    for (const pod of await podsBehind(ask, service)) byPod.set(pod, [...(byPod.get(pod) ?? []), ...names]);
  }
  return pods.flatMap(({ namespace, name, node, runsSince }): readonly SweptBackend[] => {
    const pod = `${namespace}/${name}`;
    const names = byPod.get(pod);
    return names === undefined || runsSince === null
      ? []
      : [{ pod, node, runsSince, apiServices: names.toSorted() }];
  });
}

/** `NAMESPACE/NAME` of each Service, with the APIServices that it stands for. An API server without aggregation has none. */
async function servicesOf(ask: AskApi): Promise<ReadonlyMap<string, readonly string[]>> {
  const probe = await ask("GET", `${apiServices}?limit=1`, undefined, answerLimit);
  if (probe.status === 404) return new Map();
  const services = new Map<string, string[]>();
  for (const item of await listObjects(ask, apiServices)) {
    const { namespace, name } = objectOf(objectOf(item["spec"])["service"]);
    if (textOf(name) === "") continue;
    const service = `${textOf(namespace)}/${textOf(name)}`;
    const own = textOf(objectOf(item["metadata"])["name"]);
    services.set(service, [...(services.get(service) ?? []), own]);
  }
  return services;
}

/** Ready or not: one that is not may be so because of its age. */
async function podsBehind(ask: AskApi, service: string): Promise<readonly string[]> {
  const [namespace = "", name = ""] = service.split("/");
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/endpoints/${encodeURIComponent(name)}`;
  const answer = await ask("GET", path, undefined, answerLimit);
  if (answer.status === 404) return [];
  if (answer.status !== 200) throw new Error(complaint(`GET ${path}`, answer));
  const subsets = arrayOf(objectOf(JSON.parse(answer.body))["subsets"]).map(objectOf);
  const targets = subsets
    .flatMap((subset) => [...arrayOf(subset["addresses"]), ...arrayOf(subset["notReadyAddresses"])])
    .map((address) => objectOf(objectOf(address)["targetRef"]))
    .filter(({ kind }) => kind === "Pod");
  return [
    ...new Set(
      targets.map((target) => `${textOf(target["namespace"]) || namespace}/${textOf(target["name"])}`),
    ),
  ];
}
