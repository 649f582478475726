// The shell commands of the steps on a live node: etcd's snapshot, restarts, proof from the listeners.
import { parseAddress } from "../core/model/address.ts";
import type { Endpoint } from "../core/model/live.ts";
import type {
  BounceStep,
  ProveLiveStep,
  ReadyStep,
  ServedDemand,
  SnapshotStep,
} from "../core/model/live-step.ts";
import type { Plan } from "../core/model/plan.ts";
import type { StepCommands } from "./runbook-paths.ts";
import { shellQuote } from "./shell.ts";

/**
 * Functions for plans with restarts: `containers NAME`, `bounce NAME GRACE`, `served HOST PORT SNI` (the serial presented). The
 * exited container is removed with its sandbox: while one is listed the kubelet holds the next one back for up to 5 minutes.
 */
export function livePreamble(plan: Plan): readonly string[] {
  if (!plan.phases.some(({ id }) => id === "restart" || id === "prove-live")) return [];
  return [
    "containers() {",
    '  if command -v crictl >/dev/null; then crictl ps -a -q --name "^$1\\$" --label io.kubernetes.pod.namespace=kube-system',
    '  elif command -v docker >/dev/null; then docker ps -a -q --no-trunc -f "label=io.kubernetes.container.name=$1" -f label=io.kubernetes.pod.namespace=kube-system',
    '  else stop "neither crictl nor docker is here"; fi',
    "}",
    "remove() {",
    '  if command -v crictl >/dev/null; then crictl stop -t "$2" "$1" && crictl rm -f "$1"; else docker stop -t "$2" "$1" && docker rm -f "$1"; fi',
    "}",
    "bounce() {",
    '  old=$(containers "$1"); [ -n "$old" ] || { stop "no container of $1"; return 1; }',
    '  for id in $old; do remove "$id" "$2" >/dev/null || return 1; done',
    '  n=0; while new=$(containers "$1" | head -n 1); [ -z "$new" ]; do n=$((n + 1)); [ "$n" -le 60 ] || { stop "$1 does not come back"; return 1; }; sleep 1; done',
    '  echo "$new"',
    "}",
    'served() { echo | openssl s_client -connect "$1:$2" ${3:+-servername "$3"} 2>/dev/null | openssl x509 -noout -serial; }',
  ];
}

export function snapshotCommands({ access, dataDirectory }: SnapshotStep): StepCommands {
  const [first] = access.endpoints;
  const path = (address: string): string => shellQuote(parseAddress(address).path);
  const client = access.client;
  const identity = client === null ? "" : ` --cert ${path(client.certificate)} --key ${path(client.key)}`;
  const copy =
    dataDirectory === null
      ? "stop 'no snapshot'"
      : `cp -a ${shellQuote(dataDirectory)} etcd-data # only when etcd is stopped`;
  return {
    run: [
      "# with a client certificate that has expired this fails: sign one with etcd's CA first, or copy the files of the stopped member",
      `ETCDCTL_API=3 etcdctl --endpoints ${shellQuote(first ? url(first) : "")} --cacert ${path(access.authorityCertificate)}${identity} snapshot save etcd-snapshot.db && echo "snapshot ok" || ${copy}`,
    ],
    undo: ["# nothing to undo"],
  };
}

function url({ scheme, host, port }: Endpoint): string {
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

export function bounceCommands(step: BounceStep): StepCommands {
  const restart = restartCommands(step);
  const only =
    step.when === "if-needed"
      ? [`# only when the serial below is still the old one after ${step.reloadSeconds} s`]
      : [];
  return { run: [...only, ...restart, ...wellCommands(step)], undo: restart };
}

/** The operator's commands are theirs, the other half is the usual one. */
function restartCommands({ consumer, graceSeconds, commands }: BounceStep): readonly string[] {
  const name = shellQuote(consumer);
  const isKubelet = consumer === "kubelet";
  if (commands?.stop === undefined && commands?.start === undefined) {
    return isKubelet
      ? ["systemctl restart kubelet && systemctl is-active kubelet"]
      : [`bounce ${name} ${graceSeconds}`];
  }
  const own = (line: string): string => `sh -c ${shellQuote(line)}`;
  const stop = isKubelet
    ? "systemctl stop kubelet"
    : `for id in $(containers ${name}); do remove "$id" ${graceSeconds}; done`;
  const start = isKubelet ? ["systemctl start kubelet"] : [];
  return [
    commands.stop === undefined ? stop : own(commands.stop),
    ...(commands.start === undefined ? start : [own(commands.start)]),
  ];
}

function wellCommands({ health, demands }: BounceStep): readonly string[] {
  if (health.form !== "http") return demands.map(servedCommand);
  const { endpoint, path } = health;
  return [
    `curl -sfk --max-time 5 ${shellQuote(`${url(endpoint)}${path}`)} >/dev/null && echo well || stop "not well yet"`,
  ];
}

/** Every member is asked; who reads it compares leader and term himself. */
export function gateCommands({ nodes }: Plan): StepCommands {
  const [first] = nodes?.members ?? [];
  if (!first) return { run: ["# etcd is elsewhere"], undo: ["# nothing to undo"] };
  const { access } = first;
  const endpoints = (nodes?.members ?? []).flatMap((member) => member.access.endpoints.slice(-1)).map(url);
  const path = (address: string): string => shellQuote(parseAddress(address).path);
  const identity = access.client
    ? ` --cert ${path(access.client.certificate)} --key ${path(access.client.key)}`
    : "";
  const etcdctl = `ETCDCTL_API=3 etcdctl --endpoints ${shellQuote(endpoints.join(","))} --cacert ${path(access.authorityCertificate)}${identity}`;
  return {
    run: [`${etcdctl} endpoint health`, `${etcdctl} endpoint status -w table`, `${etcdctl} alarm list`],
    undo: ["# nothing to undo"],
  };
}

/** A condition may be as old as the outage: the lease is what a kubelet that lives renews every 10 s (Kubernetes 1.14 and later). */
export function readyCommands({ id, of, apis }: ReadyStep): StepCommands {
  const [first] = apis;
  if (!first) return { run: ["# no API server to ask"], undo: ["# nothing to undo"] };
  const node = of === "node" ? ` ${shellQuote(id.slice(0, id.indexOf("/")))}` : "";
  const kubectl = `kubectl --kubeconfig ${shellQuote(parseAddress(first.kubeconfig).path)}`;
  return {
    run: [
      `${kubectl} get node${node}`,
      `${kubectl} -n kube-node-lease get lease${node} -o custom-columns=NODE:.metadata.name,RENEWED:.spec.renewTime; date -u`,
    ],
    undo: ["# nothing to undo"],
  };
}

export function proveLiveCommands({ demands, api }: ProveLiveStep): StepCommands {
  const kubeconfig = api === null ? null : shellQuote(parseAddress(api.kubeconfig).path);
  return {
    run: [
      ...demands.map(servedCommand),
      ...(kubeconfig === null ? [] : [`kubectl --kubeconfig ${kubeconfig} get --raw /readyz`]),
    ],
    undo: ["# nothing to undo"],
  };
}

/** Compare with the serials printed in the phase before. */
function servedCommand({ endpoint, id }: ServedDemand): string {
  const name = endpoint.serverName === null ? "" : ` ${shellQuote(endpoint.serverName)}`;
  return `served ${shellQuote(endpoint.host)} ${endpoint.port}${name} # ${id.replace(/[^\w./:@-]/g, "_")}`;
}
