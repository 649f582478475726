// The API server written to: an object of our own is created and deleted, with the administrator's identity.
import { type RequestOptions, request } from "node:https";
import { parseKubeconfig, type Kubeconfig, type KubeconfigSource } from "../../core/kubeconfig/kubeconfig.ts";
import type { ApiServer, WriteProof } from "../../engine/ports/live.ts";
import type { ConnectionOptions } from "node:tls";
import type { Dial } from "../shared/dial.ts";
import { type Answer, exchange, failureText, wayTo } from "./probes.ts";

/** For creating and deleting together. */
const deadlineMs = 10_000;
const namespace = "kube-system";
const collection = `/api/v1/namespaces/${namespace}/configmaps`;

/** `dial`: the way to the server; default from this machine. */
export function openApiServer(dial?: Dial): ApiServer {
  return {
    writeFailure: (proof, signal) => writeFailure({ ...proof, dial }, signal),
    nodeReports: async (question, signal) =>
      (await import("./api-nodes.ts")).nodeReports({ ...question, dial }, signal),
  };
}

/** One request to the server, with the identity of the kubeconfig. `limit`: characters of the answer that are kept. */
export type AskApi = (method: string, path: string, body?: object, limit?: number) => Promise<Answer>;

/** Nothing is dialled yet. @throws Error when the kubeconfig does not embed what it takes */
export function apiClient(
  { kubeconfig, user, endpoint, dial }: Omit<WriteProof, "name"> & { readonly dial?: Dial | undefined },
  caller?: AbortSignal,
): AskApi {
  const tls = { ...identityOf(parseKubeconfig(kubeconfig), user), ...verification };
  const { host, port } = endpoint;
  return async (method, path, body, limit) => {
    const signal = AbortSignal.any([AbortSignal.timeout(deadlineMs), ...(caller ? [caller] : [])]);
    const way = await wayTo(endpoint, { dial, tls, signal });
    const options: RequestOptions = { host, port, signal, ...tls, ...way };
    return exchange(
      request({ ...options, method, path, ...headersOf(body) }),
      body && JSON.stringify(body),
      limit,
    );
  };
}

type Proof = WriteProof & { readonly dial: Dial | undefined };

async function writeFailure(proof: Proof, signal?: AbortSignal): Promise<string | null> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const either = AbortSignal.any([deadline, ...(signal ? [signal] : [])]);
  try {
    const ask = apiClient(proof, either);
    const created = await ask("POST", collection, configMap(proof.name));
    // Left over from a proof that was cut off: it is ours, and deleting it is the other half of the proof.
    if (created.status !== 201 && created.status !== 409) return complaint("creating an object", created);
    const deleted = await ask("DELETE", `${collection}/${proof.name}`);
    return deleted.status === 200 ? null : complaint("deleting an object", deleted);
  } catch (error) {
    return failureText(error, deadline);
  }
}

interface Identity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Only what is embedded: kubeadm embeds, and a path would be one of the node, not of a root elsewhere. */
function identityOf(kubeconfig: Kubeconfig, name: string): Identity {
  const user = kubeconfig.users.find((each) => each.name === name);
  const context = kubeconfig.contexts.find((each) => each.user === name);
  const cluster = kubeconfig.clusters.find((each) => each.name === context?.cluster);
  const authority = cluster?.authority;
  const pem = (source: KubeconfigSource | { readonly form: "none" } | undefined, what: string): string => {
    if (source?.form === "embedded") return Buffer.from(source.pem).toString("utf8");
    throw new Error(`the kubeconfig embeds no ${what} for ${name}`);
  };
  return {
    ca: pem(authority, "authority"),
    cert: pem(user?.certificate, "certificate"),
    key: pem(user?.key, "key"),
  };
}

/** Signed by the authority and valid; which certificate it is has been compared, and loopback need not be among its names. */
const verification = {
  servername: "kubernetes",
  checkServerIdentity: () => undefined,
} as const satisfies ConnectionOptions;

function headersOf(body?: object): Pick<RequestOptions, "headers"> {
  const accept = { accept: "application/json" };
  return { headers: body ? { ...accept, "content-type": "application/json" } : accept };
}

function configMap(name: string): object {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace, labels: { "app.kubernetes.io/managed-by": "perennial" } },
    data: { why: "written and deleted to prove that the API accepts writes" },
  };
}

/** `Status` objects say why in `message` (k8s.io/apimachinery/pkg/apis/meta/v1, Status). */
export function complaint(what: string, { status, body }: Answer): string {
  const message = /"message":\s*"((?:[^"\\]|\\.){0,200})/.exec(body)?.[1] ?? "";
  return `${what} is answered with ${status}${message === "" ? "" : `: ${message}`}`;
}
