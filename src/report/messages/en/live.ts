// English: what runs. Restarts and their reasons, steps on a live node, and what a run tells of them.
import type { TakenBack } from "../../../core/model/errors-runs.ts";
import type { KeepRunningReason, RestartReason } from "../../../core/model/live.ts";
import type { ReadyStep } from "../../../core/model/live-step.ts";
import type { Step } from "../../../core/model/plan.ts";
import type { MinReady, ReadyCount } from "../../../core/model/readiness.ts";
import { flags } from "../../flags.ts";
import { formatDate } from "../../time.ts";
import { silentEn } from "../readiness.ts";
import type { MessagesOf } from "../types.ts";

const restartReasons: MessagesOf<RestartReason> = {
  dead: (r) => (r.state === "exited" ? "it has exited" : "it does not run"),
  unwell: (r) => `it is not well: ${r.ailment}`,
  "reads-once": () => "it reads its certificates only when it starts",
  "holds-expired": (r) => `${r.slot} had expired: it has given up, or is about to`,
  "started-before": (r) =>
    `it runs since ${formatDate(r.startedAt)}, ${r.slot} is newer: renewed on disk, still old in memory`,
  "serves-other": (r) => `${r.endpoint} presents serial ${r.serialHex}, which is not what is on disk`,
  "loopback-certificate": (r) =>
    r.startedAt === 0
      ? "the certificate it made for itself ends soon"
      : `it runs since ${formatDate(r.startedAt)}; the certificate it made for itself then lives one year`,
};

const keepRunning: MessagesOf<KeepRunningReason> = {
  "nothing-changes": () => "nothing that it has loaded changes",
  reloads: (r) =>
    `version ${r.version} reads changed files by itself (since ${r.since}); restarted only if it does not`,
  "several-members": (r) =>
    `one of ${r.members} members, which this command never stops: from 3.2 on it reads its new files at the next handshake. If the other members have expired too, nothing here gets well before they are renewed: do that on their nodes, then resume here`,
  "not-here": (r) => `it could not be looked at${r.through === "" ? "" : ` (${r.through})`}`,
};

/** `5`, `75 %`. */
function needed(need: MinReady): string {
  return need.form === "nodes" ? String(need.count) : `${need.percent} %`;
}

const taken: Readonly<Record<TakenBack, string>> = {
  untouched: "nothing was changed there yet",
  "rolled-back": "taken back alone",
  left: "left as it is, since its old certificates have expired",
  stuck: "it could not be taken back either",
};

export const live = {
  restartReasons,
  keepRunning,
  heading: "Processes:",
  bounce: (consumer: string, why: string) => `${consumer}: restart, ${why}`,
  await: (consumer: string, why: string) => `${consumer}: left running, ${why}`,
  keep: (consumer: string, why: string) => `${consumer}: left alone, ${why}`,
  commands: {
    stop: (line: string) => `stopped with: ${line}`,
    start: (line: string) => `started with: ${line}`,
    status: (line: string) => `looked at with: ${line}`,
  },
  steps: {
    snapshot: (endpoints: string) => `etcd at ${endpoints}`,
    bounce: (consumer: string, seconds: number) =>
      `restart ${consumer} (at most ${seconds} s until it is back)`,
    bounceIfNeeded: (consumer: string, seconds: number) =>
      `${consumer} takes its new certificate within ${seconds} s, or is restarted`,
    gate: (demand: "stable" | "quorum"): string =>
      demand === "stable"
        ? "etcd: every member healthy, one leader, one term, no alarm"
        : "etcd: a quorum of members, and a read through it",
    ready: (step: ReadyStep): string =>
      step.of === "node"
        ? `its kubelet reports to the API server (at most ${step.timeoutSeconds} s)`
        : step.need === null
          ? "count the nodes that report to the API server"
          : `${needed(step.need)} of all nodes report to the API server (at most ${step.timeoutSeconds} s; ${flags.minReady})`,
    proveLive: (count: number, writes: boolean) =>
      `${count === 1 ? "1 listener presents the right certificate" : `${count} listeners present the right certificates`}, everything is well${writes ? ", an object is created and deleted" : ""}`,
  },
  phases: {
    snapshot: "snapshot: save etcd's data before the first write",
    restart: "restart: cycle the processes that need it, one after the other",
    roll: "roll: node by node, etcd's leader last: gate, swap, prove, restart, gate",
    gate: "gate: wait until etcd is as it has to be",
    workers:
      "workers: one batch, side by side: swap, prove, restart the kubelet, wait until the node reports",
    ready: "ready: wait for nodes to report, and count them",
    "prove-live": "prove: compare what is served with the plan, read etcd, write to the API",
  },
  phaseLines: {
    snapshot: () => "snapshot: save etcd's data in the run's folder and read it back",
    restart: (count: number) =>
      `restart: ${count === 1 ? "1 process" : `${count} processes`}, each back, well and serving before the next`,
    roll: () =>
      "roll: node by node, etcd's leader last; each is swapped, proved and restarted between two gates, and taken back alone if it fails",
    gate: () => "gate: go on only when etcd has its quorum",
    workers: () =>
      "workers: side by side; each is swapped, proved, its kubelet restarted and waited for, and taken back alone if it fails",
    ready: (_count: number, steps: readonly Step[]) => {
      const need = steps.flatMap((step) =>
        step.kind === "ready" && step.need !== null ? [step.need] : [],
      )[0];
      return need === undefined
        ? "ready: count the nodes that report"
        : `ready: start controller-managers only when ${needed(need)} of all nodes report`;
    },
    "prove-live": () => "prove: what every listener serves, a read of etcd, a write to the API",
  },
  events: {
    snapshot: (file: string, bytes: number, form: "snapshot" | "cold-copy") =>
      form === "snapshot"
        ? `[snapshot] etcd saved and read back: ${file}, ${bytes} bytes`
        : `[snapshot] etcd is stopped; its files are copied to ${file}, ${bytes} bytes`,
    node: {
      "node-started": (node: string) => `[roll] ${node} begins`,
      "node-done": (node: string) => `[roll] ${node} is done and proved`,
    },
    gate: (demand: "stable" | "quorum", members: number) =>
      demand === "stable"
        ? `[gate] etcd: all ${members} members are healthy and agree`
        : `[gate] etcd: the quorum is there (${members} members asked)`,
    ready: ({ ready, of, needed: least, silent }: ReadyCount) =>
      `[ready] ${ready} of ${of} nodes report and are Ready${least === null ? "" : `, ${least} are needed`}${silent.length === 0 ? "" : `; not: ${silentEn(silent)}`}`,
    workerFailed: (node: string, code: string, outcome: TakenBack) =>
      `[workers] ${node} did not come through (${code}); ${taken[outcome]}`,
    leaderMoved: (from: string, to: string) => `[roll] etcd's leadership moved from ${from} to ${to}`,
    adopted: (run: string, from: string, host: string) =>
      `[resume] run ${run}, begun on ${host}, is taken over from its copy on ${from}: what was done since is read from the nodes themselves`,
    snapshotElsewhere: (host: string) =>
      `[resume] etcd's snapshot of this run stays on ${host}, in the run's folder there`,
    copiesMissed: (nodes: string) =>
      `[copy] the journal could not be copied to ${nodes}; it is whole on this machine`,
    v2Data:
      "[snapshot] data of etcd's v2 API seen: it is not in a v3 snapshot; keep a copy of the data directory",
    process: {
      reloading: (consumer: string) => `[restart] ${consumer}: waiting for it to read its new files`,
      reloaded: (consumer: string) => `[restart] ${consumer} serves the new certificate, no restart needed`,
      stopping: (consumer: string) => `[restart] ${consumer}: stopping`,
      unblocked: (consumer: string) =>
        `[restart] ${consumer} has crashed and was held back by the kubelet: its exited container is removed, the next one starts at once`,
      returned: (consumer: string) => `[restart] ${consumer}: a new process has started`,
      well: (consumer: string) => `[restart] ${consumer} is back, well and serving what it has to`,
    },
    proved: (served: number, wrote: boolean, node: string | null) =>
      `[prove] ${node === null ? "" : `${node}: `}${served === 1 ? "1 listener serves the right certificate" : `${served} listeners serve the right certificates`}${wrote ? ", the API accepts writes" : ""}`,
  },
  runbook: {
    expectedOf: {
      snapshot: "`snapshot ok` and a file that `etcdctl snapshot status` accepts",
      bounce: "the id of a new container (for the kubelet: `active`), then `well`",
      gate: "every member `healthy`, the same leader and term in every line, no alarm",
      ready: "`Ready` for as many nodes as the step says, with a lease that is seconds old",
      "prove-live": "one line ending in `ok` per listener, and `ok` from /readyz",
    },
    stopOf: {
      snapshot: "there is neither a snapshot nor a copy of the stopped member's files",
      bounce:
        "no new container has come after a minute, or it is not well after three: read its log before going on",
      gate: "a member is missing or unhealthy, or an alarm is listed: nothing may be stopped now",
      ready: "fewer report: repair their kubelets before a controller-manager is started",
      "prove-live": "a line begins with STOP: that process still holds the old certificate",
    },
    whyOf: {
      snapshot: "the data of the cluster is worth more than its certificates",
      bounce: "the process holds the old certificate in memory",
      gate: "a member that is stopped while another is away takes the quorum with it",
      ready: "a controller-manager moves pods away from nodes that do not report",
      "prove-live": "a file proves nothing: what counts is what the running process presents",
    },
  },
};
