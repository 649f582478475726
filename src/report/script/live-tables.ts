// What runs, as tables of the shell: processes, when they are well, what they have to present, where etcd is.
import type { Endpoint, HealthCheck } from "../../core/model/live.ts";
import type { BounceStep, EtcdAccess, ProveLiveStep, ServedDemand } from "../../core/model/live-step.ts";
import type { Plan, Step } from "../../core/model/plan.ts";
import { allSteps } from "../../core/plan/steps.ts";
import { shellQuote } from "../shell.ts";
import { inCase, type Numbers, placeOf, slotNumber } from "./tables.ts";

export function liveTables(plan: Plan, numbers: Numbers): readonly string[] {
  const steps = allSteps(plan);
  const bounces = steps.filter((step) => step.kind === "bounce");
  const snapshots = steps.filter((step) => step.kind === "snapshot");
  const proofs = steps.filter((step) => step.kind === "prove-live");
  return [
    ...inCase("process_of", bounces.map(processWords)),
    ...inCase(
      "well",
      bounces.map(({ health, demands, access }) => [
        conditions([...healthChecks(health, access, plan), ...demandChecks(demands, numbers)]),
      ]),
    ),
    ...inCase(
      "live",
      proofs.map((step) => [conditions(proofChecks(step, plan, numbers))]),
    ),
    ...inCase(
      "etcd_of",
      snapshots.map(({ access, dataDirectory }) => etcdWords(access, dataDirectory, plan)),
    ),
  ];
}

/** Whether anything that the script dials has an address of IPv6. */
export function dialsIpv6(plan: Plan): boolean {
  return allSteps(plan)
    .flatMap(endpointsOf)
    .some(({ host }) => host.includes(":"));
}

function endpointsOf(step: Step): readonly Endpoint[] {
  if (step.kind === "snapshot") return step.access.endpoints;
  if (step.kind !== "bounce" && step.kind !== "prove-live") return [];
  const presented = [...step.demands.map(({ endpoint }) => endpoint), ...(step.access?.endpoints ?? [])];
  if (step.kind === "bounce") return [...presented, ...askedBy(step.health)];
  const asked = step.health.flatMap(({ check }) => askedBy(check));
  return [...presented, ...asked, ...(step.api === null ? [] : [step.api.endpoint])];
}

function askedBy(check: HealthCheck): readonly Endpoint[] {
  return check.form === "http" ? [check.endpoint] : [];
}

function processWords({
  consumer,
  when,
  graceSeconds,
  reloadSeconds,
  timeoutSeconds,
}: BounceStep): readonly string[] {
  return [
    `consumer=${shellQuote(consumer)} when=${when} grace_of=${graceSeconds} reload=${reloadSeconds} timeout=${timeoutSeconds}`,
  ];
}

function conditions(checks: readonly string[]): string {
  return checks.length === 0 ? ":" : checks.join(" && ");
}

function healthChecks(health: HealthCheck, access: EtcdAccess | null, plan: Plan): readonly string[] {
  if (health.form === "http") {
    const { scheme, host, port } = health.endpoint;
    return [`answers ${scheme} ${shellQuote(inUrl(host))} ${port} GET ${shellQuote(health.path)}`];
  }
  const [endpoint] = access?.endpoints ?? [];
  if (health.form === "none" || !endpoint || !access?.client) return [];
  const { certificate, key } = access.client;
  return [
    `etcd_reads ${where(endpoint)} ${shellQuote(placeOf(certificate, plan))} ${shellQuote(placeOf(key, plan))}`,
  ];
}

function where({ host, port }: Endpoint): string {
  return `${shellQuote(inUrl(host))} ${port}`;
}

function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function demandChecks(demands: readonly ServedDemand[], numbers: Numbers): readonly string[] {
  return demands.map(({ endpoint, slot, sha256 }) => {
    const wanted =
      slot === null ? shellQuoteOrEmpty(sha256 ?? "") : `"$(slot_print ${slotNumber(numbers, slot)})"`;
    return `serves ${where(endpoint)} ${shellQuoteOrEmpty(endpoint.serverName ?? "")} ${wanted}`;
  });
}

function shellQuoteOrEmpty(text: string): string {
  return text === "" ? "''" : shellQuote(text);
}

function proofChecks(step: ProveLiveStep, plan: Plan, numbers: Numbers): readonly string[] {
  const { api } = step;
  return [
    ...demandChecks(step.demands, numbers),
    ...step.health.flatMap(({ check }) => healthChecks(check, step.access, plan)),
    ...(api === null
      ? []
      : [
          `api_write ${shellQuote(placeOf(api.kubeconfig, plan))} ${shellQuote(api.user)} ${where(api.endpoint)}`,
        ]),
  ];
}

function etcdWords(access: EtcdAccess, dataDirectory: string | null, plan: Plan): readonly string[] {
  const [endpoint] = access.endpoints;
  return [
    `etcd_host=${shellQuoteOrEmpty(endpoint ? inUrl(endpoint.host) : "")} etcd_port=${endpoint?.port ?? 2379} etcd_name=${shellQuote(access.commonName)}`,
    `etcd_ca=${shellQuote(placeOf(access.authorityCertificate, plan))} etcd_key=${access.authorityKey === null ? "''" : shellQuote(placeOf(access.authorityKey, plan))}`,
    `etcd_data=${shellQuoteOrEmpty(dataDirectory ?? "")} etcd_spki='${access.serverKeys.filter((key) => /^[0-9a-f]{64}$/.test(key)).join(" ")}'`,
  ];
}
