// English: the proofs that `verify` took from the running node.
import type { Proof, SkippedBecause } from "../../core/model/verification.ts";
import { formatDate } from "../time.ts";

const outcomes: Readonly<Record<Proof["outcome"], string>> = {
  proved: "proved",
  failed: "FAILED",
  skipped: "not looked at",
};

export const verifyEn = {
  columns: ["PROOF", "RESULT", "SEEN"],
  /** Beside them, when several nodes were looked at. */
  node: "NODE",
  outcomes,
  subjects: {
    write: "object created and deleted",
    nodes: "nodes ready",
    pods: "pods not crashing",
    logs: "nobody turned away (newest logs)",
    etcd: "etcd: status, alarms, linearizable read",
    members: "etcd: the members are one healthy cluster",
  },
  serves: (serialHex: string, notAfter: number) => `serial ${serialHex}, until ${formatDate(notAfter)}`,
  stored: { same: "as on disk", other: "NOT what is on disk", own: "its own" },
  runs: (startedAt: number | null, through: string) =>
    `${startedAt === null ? "runs" : `since ${formatDate(startedAt)}`} (${through === "process" ? "a plain process" : through})`,
  etcdRead: (version: string) => `version ${version}, read through the quorum`,
  members: (healthy: number, voters: number) => `${healthy} of ${voters} voters are well`,
  wrote: "the API accepts writes",
  counted: (count: number, faulty: number) => `${count} looked at, ${faulty} not well`,
  joiner: ", ",
  notAsked: "-",
  skipped: {
    "read-only": "--read-only: nothing is written",
    "no-identity": "nobody to ask as: no API server here, or no usable admin.conf or etcd client",
  } satisfies Readonly<Record<SkippedBecause, string>>,
  nothingThere: "nothing was there to look at",
  summary: (proved: number, failed: number, skipped: number) =>
    `${proved} proved on the running node, ${failed} failed, ${skipped} not looked at`,
};
