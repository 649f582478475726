// What the API says of the rest of the cluster, as findings.
import { fileAddress } from "../../model/address.ts";
import type { AnyFinding, SweptPart } from "../../model/finding.ts";
import type { Looked, Sweep } from "../../model/verification.ts";
import { findingOf } from "../finding-of.ts";

/** What such a pod made for itself when it started lives for a year, and a CA that it read then may have been replaced since. */
const yearMs = 365 * 86_400_000;

/** `at` is the instant that all findings answer for, ms. */
export function sweepFindings(
  sweep: Looked<Sweep>,
  { node, at }: { readonly node: string; readonly at: number },
): readonly AnyFinding[] {
  if (sweep.state === "skipped") return [];
  if (sweep.state === "failed") return [incomplete(node, "nodes", sweep.reason)];
  const { nodes, containers, logs, apiBackends } = sweep.value;
  return [
    ...(nodes.state === "seen" ? nodes.value : [])
      .filter(({ isReady }) => !isReady)
      .map(({ name, reason, since }) => about(name, name)("node-not-ready", "warning", { reason, since })),
    ...(containers.state === "seen" ? containers.value : [])
      .filter(({ isCrashLooping }) => isCrashLooping)
      .map(({ pod, container, node: where, restarts }) =>
        about(where, pod)("pod-crashing", "warning", { pod, container, restarts }),
      ),
    ...(logs.state === "seen" ? logs.value : []).map(({ pod, container, node: where, count, line }) =>
      about(where, pod)("log-unauthorized", "warning", { pod, container, count, line }),
    ),
    ...(apiBackends.state === "seen" ? apiBackends.value : [])
      .filter(({ runsSince }) => at - runsSince >= yearMs)
      .map(({ pod, node: where, apiServices, runsSince }) =>
        about(where, pod)("api-backend-old", "warning", { pod, apiServices, runsSince }),
      ),
    ...failed(node, "nodes", nodes),
    ...failed(node, "pods", containers),
    ...failed(node, "logs", logs),
    ...failed(node, "apiservices", apiBackends),
  ];
}

function failed(node: string, what: SweptPart, looked: Looked<unknown>): readonly AnyFinding[] {
  return looked.state === "failed" ? [incomplete(node, what, looked.reason)] : [];
}

function incomplete(node: string, what: SweptPart, reason: string): AnyFinding {
  return about(node, what)("sweep-incomplete", "warning", { what, reason });
}

function about(node: string, name: string): ReturnType<typeof findingOf> {
  return findingOf({ id: `${node}/${name}`, node, name }, fileAddress(node, ""));
}
