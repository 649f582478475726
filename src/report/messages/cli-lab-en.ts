// What a lab says in English.
import { formatDate } from "../time.ts";

/** What the hosts of a lab are together. */
export interface LabTogether {
  readonly members: number;
  readonly healthy: number;
  readonly hasQuorum: boolean;
  readonly apiServers: number;
  readonly endpoint: string;
  readonly workers: number;
  readonly ready: number | null;
}

function filesOf(count: number): string {
  return count === 1 ? "1 file" : `${count} files`;
}

export const cliLabEn = {
  well: "well",
  lookAt: (look: string, repair: string | null) =>
    `Look at it: ${look}${repair === null ? "" : `\nRepair it:  ${repair}`}`,
  expired: (at: number, isRunning: boolean) =>
    `Every certificate has ended at ${formatDate(at)}${isRunning ? ", and everything was restarted" : ""}.`,
  host: (name: string, role: string, address: string) => `${name}  ${role}  ${address}`,
  silent: "does not answer",
  ready: (state: string | null) =>
    `node ${state === "True" ? "Ready" : state === null ? "unknown: no API server says it" : "NotReady"}`,
  together: (state: LabTogether) =>
    [
      `etcd: ${state.healthy} of ${state.members} members well, ${state.hasQuorum ? "quorum" : "no quorum"}`,
      `API servers: ${state.apiServers} of ${state.members} well, ${state.endpoint}`,
      ...(state.workers === 0
        ? []
        : [
            state.ready === null
              ? `workers: ${state.workers}, and nobody says how many are Ready`
              : `workers: ${state.ready} of ${state.workers} Ready`,
          ]),
    ].join("\n"),
  cluster: (file: string, login: string | null) =>
    `Cluster:  ${file}${login === null ? "" : `\nLog in:   ${login}`}`,
  down: (count: number) => `${count} ${count === 1 ? "process" : "processes"} ended, the lab is removed.`,
  madeUp: {
    head: "A rehearsal of the collected cluster. Not collected, and made up:",
    key: (count: number) => `the private keys in ${filesOf(count)}: new ones of the same kind and size`,
    "key-unread": (count: number) =>
      `the keys in ${filesOf(count)} that the node could not read: taken for those of the certificates beside them`,
    "key-faulty": (count: number) =>
      `${count === 1 ? "1 key that is" : `${count} keys that are`} encrypted, cut off or broken there, and here`,
    kept: (count: number) =>
      `${filesOf(count)} with keys of a kind that cannot be made here: their certificates are the node's own`,
    content: (count: number) => `the contents of ${filesOf(count)}`,
    name: (count: number) =>
      `what ${count === 1 ? "1 name stands for: it is" : `${count} names stand for: they are`} empty here`,
    unread: (count: number) => `${filesOf(count)} that could not be read on the node, missing here`,
    "left-out": (count: number) => `${filesOf(count)} where the lab has its own, missing here`,
    more: (count: number) => `and ${count} more`,
    always: "what etcd holds, what processes have in memory, and who is not among the nodes given",
  },
};
