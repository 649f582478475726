// What the API says of the rest of the cluster, as findings.
import { fileAddress } from "../../model/address.ts";
import type { AnyFinding } from "../../model/finding.ts";
import type { Looked, Sweep } from "../../model/verification.ts";
import { findingOf } from "../finding-of.ts";

export function sweepFindings(sweep: Looked<Sweep>, node: string): readonly AnyFinding[] {
  if (sweep.state === "skipped") return [];
  if (sweep.state === "failed") return [incomplete(node, "nodes", sweep.reason)];
  const { nodes, containers, logs } = sweep.value;
  return [
    ...(nodes.state === "seen" ? nodes.value : [])
      .filter(({ isReady }) => !isReady)
      .map(({ name, reason, since }) => about(name, name)("node-not-ready", "warning", { reason, since })),
    ...(containers.state === "seen" ? containers.value : [])
      .filter(({ isCrashLooping }) => isCrashLooping)
      .map(({ pod, container, node: at, restarts }) =>
        about(at, pod)("pod-crashing", "warning", { pod, container, restarts }),
      ),
    ...(logs.state === "seen" ? logs.value : []).map(({ pod, container, node: at, count, line }) =>
      about(at, pod)("log-unauthorized", "warning", { pod, container, count, line }),
    ),
    ...failed(node, "nodes", nodes),
    ...failed(node, "pods", containers),
    ...failed(node, "logs", logs),
  ];
}

function failed(
  node: string,
  what: "nodes" | "pods" | "logs",
  looked: Looked<unknown>,
): readonly AnyFinding[] {
  return looked.state === "failed" ? [incomplete(node, what, looked.reason)] : [];
}

function incomplete(node: string, what: "nodes" | "pods" | "logs", reason: string): AnyFinding {
  return about(node, what)("sweep-incomplete", "warning", { what, reason });
}

function about(node: string, name: string): ReturnType<typeof findingOf> {
  return findingOf({ id: `${node}/${name}`, node, name }, fileAddress(node, ""));
}
