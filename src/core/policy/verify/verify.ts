// What is wrong with a running node: (Facts, RunningState) -> Finding[]. Pure; what is stored is judged by `check`.
import { fileAddress } from "../../model/address.ts";
import type { AnyFinding } from "../../model/finding.ts";
import type { ProcessSlot, ServedFacts, ServingEndpoint } from "../../model/live.ts";
import type { EtcdReport, Looked, RunningState } from "../../model/verification.ts";
import { sha256Hex } from "../../pki/fingerprints.ts";
import type { Certificate } from "../../pki/certificate.ts";
import type { Facts } from "../facts.ts";
import { findingOf } from "../finding-of.ts";
import { reloadOf } from "../reloads.ts";
import { heldOld } from "./held-old.ts";
import { sweepFindings } from "./sweep-findings.ts";

/** Every finding about what runs, process by process, then the cluster. */
export function verify(facts: Facts, running: RunningState): readonly AnyFinding[] {
  const { node, processes } = running.live.inventory;
  const report = reporter(node);
  return [
    ...processes.flatMap((component) => [
      ...processFindings(running, component),
      ...component.endpoints.flatMap((endpoint) => servedFindings(facts, running, { component, endpoint })),
      ...heldOld(facts, running, component, report(component.consumer, component.manifest ?? "")),
    ]),
    ...etcdFindings(running.etcd, report("etcd", "")),
    ...(running.write.state === "failed"
      ? [report("kube-apiserver", "")("api-not-writable", "critical", { reason: running.write.reason })]
      : []),
    ...sweepFindings(running.sweep, { node, at: facts.at }),
  ];
}

/** The certificate that a listener has to present; null when the process makes its own, or nothing readable is stored. */
export function storedFor(facts: Facts, { slot }: ServingEndpoint): Certificate | null {
  const stored = slot === null ? undefined : facts.slots.get(slot)?.certificate;
  return stored?.state === "present" ? stored.value.leaf : null;
}

export function isStored(
  stored: Certificate,
  served: Extract<ServedFacts, { readonly state: "served" }>,
): boolean {
  return sha256Hex(stored.der) === served.certificateSha256;
}

type Report = ReturnType<typeof findingOf>;

/** A finding about a process; `path` is its manifest, where it has one. */
function reporter(node: string): (name: string, path: string) => Report {
  return (name, path) => findingOf({ id: `${node}/${name}`, node, name }, fileAddress(node, path));
}

function processFindings({ live }: RunningState, process: ProcessSlot): readonly AnyFinding[] {
  const { consumer, manifest, node, endpoints } = process;
  const report = reporter(node)(consumer, manifest ?? "");
  const seen = live.processes.get(consumer);
  if (seen === undefined || seen.state === "unknown") {
    // What listens runs: only since when is not known.
    const answers = endpoints.some(({ id }) => live.served.get(id)?.state === "served");
    return [
      report("process-unseen", answers ? "info" : "warning", { consumer, through: seen?.through ?? "" }),
    ];
  }
  if (seen.state !== "running")
    return [report("process-down", "critical", { consumer, state: seen.state, detail: "" })];
  if (seen.ailment === null) return [];
  return [report("process-down", "critical", { consumer, state: "unwell", detail: seen.ailment })];
}

function servedFindings(
  facts: Facts,
  { live }: RunningState,
  { component, endpoint }: { readonly component: ProcessSlot; readonly endpoint: ServingEndpoint },
): readonly AnyFinding[] {
  const { id, consumer, slot } = endpoint;
  const { node } = live.inventory;
  const served = live.served.get(id);
  if (served === undefined) return [];
  const stored = storedFor(facts, endpoint);
  const path = pathOf(facts, endpoint);
  const report = findingOf(
    { id: slot ?? `${node}/${consumer}`, node, name: consumer },
    fileAddress(node, path),
  );
  const where = shownEndpoint(endpoint);
  if (served.state === "unreachable") {
    const state = live.processes.get(consumer)?.state;
    // A process that does not run is told once.
    if (state === "absent" || state === "exited") return [];
    return [report("endpoint-unreachable", "critical", { endpoint: where, consumer, reason: served.reason })];
  }
  const { serialHex, notAfter } = served;
  if (notAfter <= facts.at) {
    const isOwn = slot === null && endpoint.endpoint.serverName === null;
    const storedNotAfter = stored?.notAfter ?? null;
    // Nobody checks the certificate that a process makes for its own metrics.
    return [
      report("served-expired", isOwn ? "warning" : "critical", {
        endpoint: where,
        consumer,
        serialHex,
        notAfter,
        storedNotAfter,
      }),
    ];
  }
  if (stored === null || isStored(stored, served)) return [];
  const storedSerialHex = stored.serialHex;
  return [
    report("served-differs", "warning", {
      endpoint: where,
      consumer,
      serialHex,
      notAfter,
      storedSerialHex,
      path,
      storedNotAfter: stored.notAfter,
      ...(reloadOf(component) === null ? {} : { reloads: true }),
    }),
  ];
}

function pathOf(facts: Facts, { slot }: ServingEndpoint): string {
  const holder = slot === null ? undefined : facts.slots.get(slot)?.slot.holder;
  if (holder === undefined) return "";
  return holder.form === "pem" ? holder.certificate.path : holder.file.path;
}

/** `127.0.0.1:6443`, with the server name that was asked for in parentheses. */
export function shownEndpoint({ endpoint: { host, port, serverName } }: ServingEndpoint): string {
  const at = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return serverName === null ? at : `${at} (${serverName})`;
}

function etcdFindings(etcd: Looked<EtcdReport>, report: Report): readonly AnyFinding[] {
  if (etcd.state === "skipped") return [];
  if (etcd.state === "failed")
    return [report("etcd-unwell", "critical", { problem: "no-status", detail: etcd.reason })];
  const { hasLeader, alarms, errors, readFailure } = etcd.value;
  return [
    ...(hasLeader ? [] : [report("etcd-unwell", "critical", { problem: "no-leader", detail: "" })]),
    ...(readFailure === null
      ? []
      : [report("etcd-unwell", "critical", { problem: "no-read", detail: readFailure })]),
    ...alarms.map(({ kind, member }) =>
      report("etcd-unwell", "critical", { problem: "alarm", detail: `${kind} ${member}` }),
    ),
    ...errors.map((detail) => report("etcd-unwell", "warning", { problem: "errors", detail })),
  ];
}
