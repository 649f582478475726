// English: errors of runs over several nodes.
import type { ErrorParams } from "../../../core/model/errors.ts";
import type { TakenBack } from "../../../core/model/errors-runs.ts";
import type { Objection } from "../../../core/model/quorum.ts";
import { flags } from "../../flags.ts";
import { say } from "../../say.ts";
import { shellQuote } from "../../shell.ts";
import { formatDate } from "../../time.ts";
import { etcdctlOf, objectionsEn } from "../quorum.ts";
import { silentEn } from "../readiness.ts";
import type { ErrorMessages } from "../types.ts";

const outcomes: Readonly<Record<TakenBack, string>> = {
  untouched: "nothing was changed there yet",
  "rolled-back": "it was taken back alone",
  left: "it is left as it is, since its old certificates have expired",
  stuck: "it could not be taken back either",
};

/** What is done about them on the spot. */
function membersHint(objections: readonly Objection[]): readonly string[] {
  const commands = etcdctlOf(objections);
  const isAway = objections.some(({ code }) => code === "member-unreachable" || code === "member-unhealthy");
  return [
    ...(commands.length === 0 ? [] : [`once its cause is gone: ${commands.join(", ")}`]),
    ...(isAway
      ? [
          `a member that is down because its own certificates have expired: perennial renew on that node alone`,
        ]
      : []),
  ];
}

function failure({ node, reason, outcome }: ErrorParams["workers-failed"]["failures"][number]): string {
  return `${node} (${reason}; ${outcomes[outcome]})`;
}

/** Of which cluster, and where it was begun. */
function whose({ cluster, node, user, host, startedAt }: ErrorParams["run-unfinished-elsewhere"]): string {
  const on = node === "" ? "" : ` on ${node}`;
  const of = cluster === "" ? `of the node's own${on}` : `of cluster ${cluster}${on}`;
  return `${of}, begun by ${user}@${host} on ${formatDate(startedAt)},`;
}

export const errorsMany = {
  "gate-refused": {
    sentence: (p) =>
      `etcd is not well enough to go on with ${p.node}: ${p.objections.map((o) => say(o, objectionsEn)).join("; ")}`,
    hint: (p, tool) => [
      `nothing was stopped; get the members well first, then ${tool("resume")}`,
      ...membersHint(p.objections),
      `where etcd may stop answering for a while: a new plan with ${flags.acceptOutage}`,
    ],
  },
  "node-failed": {
    sentence: (p) =>
      `${p.node} did not come through${p.step === "" ? "" : ` (step ${p.step})`}; ${outcomes[p.outcome]}${p.done.length === 0 ? "" : `; done and proved: ${p.done.join(", ")}`}`,
    hint: (_, tool) => [
      `${tool("resume")} goes on with this node once the cause is gone, ${tool("rollback last")} takes all nodes back`,
    ],
  },
  "nodes-not-ready": {
    sentence: (p) =>
      p.problem === ""
        ? `${p.ready} of ${p.of} nodes report to the API server, ${p.needed} are needed to go on${p.silent.length === 0 ? "" : `; not yet: ${silentEn(p.silent)}`}`
        : `no API server could be asked which nodes report: ${p.problem}`,
    hint: (p, tool) => [
      ...(p.step.endsWith("/enough")
        ? ["no controller-manager was started: it would move pods away from nodes that it believes dead"]
        : []),
      "look at their kubelets: journalctl -u kubelet; workers with expired certificates that the cluster file does not name are repaired by a new plan, once this run is ended",
      `once they report: ${tool("resume")}; to go on with fewer: ${tool(`resume ${flags.minReady} N`)}, without waiting: ${tool(`resume ${flags.minReady} 0`)}`,
    ],
  },
  "workers-failed": {
    sentence: (p) =>
      `${p.failures.length} of ${p.of} workers did not come through: ${p.failures.map(failure).join("; ")}${p.left.length === 0 ? "; all others are done" : `; not begun: ${p.left.join(", ")}`}`,
    hint: (_, tool) => [
      `${tool("resume")} tries these and the rest once the cause is gone, ${tool("rollback last")} takes all nodes back`,
    ],
  },
  "run-unfinished-elsewhere": {
    sentence: (p) =>
      `run ${p.run} ${whose(p)} is not finished: its files lie beside the live ones and must not be disturbed`,
    hint: (p) =>
      p.cluster === ""
        ? [
            `on ${p.node === "" ? p.host : p.node}: perennial resume, or perennial rollback ${p.run}; then repeat this command`,
            `its journal there: ${shellQuote(p.path)}`,
          ]
        : [
            `on ${p.host}, with the file of cluster ${p.cluster}: perennial resume -f FILE, or perennial rollback ${p.run} -f FILE; then repeat this command`,
            `if it has ended there already, that resume brings this copy of its journal up to date: ${shellQuote(p.path)}`,
          ],
  },
} satisfies Partial<ErrorMessages>;
