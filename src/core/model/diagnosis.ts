// Diagnoses: what a node's logs and facts say is the cause, how sure that is, and on which evidence. `report` makes the sentences.
import type { Reach } from "./cluster.ts";
import type { FindingCode } from "./finding.ts";
import type { SlotId } from "./inventory.ts";

/** One line of a log, with whatever wrapped it taken off. */
export interface LogLine {
  /** File name, `-` for standard input, `journal`. */
  readonly source: string;
  /** From 1. */
  readonly number: number;
  /** ms since the epoch; null when the line has no time, or one without a year. */
  readonly at: number | null;
  /** `kubelet`, `kube-apiserver`, `etcd`, a container's name; null when nothing says so. */
  readonly component: string | null;
  /** As it was written, at most 400 characters. Hostile: show it through `safeText` only. */
  readonly text: string;
  /** For matching: full-width punctuation as ASCII, terminal colours gone. */
  readonly message: string;
}

export type SymptomCode =
  | "expired"
  | "not-yet-valid"
  | "unknown-authority"
  | "wrong-name"
  | "wrong-usage"
  | "key-mismatch"
  | "deadline-exceeded"
  | "connection-refused"
  | "refused-by-peer"
  | "unauthorized"
  | "bootstrap-missing"
  | "file-missing"
  | "loopback-expired"
  | "kubelet-client-file"
  | "clock-difference"
  | "web-certificate"
  | "mesh-alert";

/** What a line says beyond its kind; instants are ms since the epoch. */
export interface SymptomParams {
  /** Serial number as lowercase hex without leading zeros. */
  readonly serialHex?: string;
  readonly notAfter?: number;
  readonly notBefore?: number;
  /** The writer's clock when it judged. */
  readonly currentAt?: number;
  /** The names that the certificate has, and the one that was asked for. */
  readonly names?: readonly string[];
  readonly wanted?: string;
  readonly path?: string;
  /** Subject of the authority that was tried. */
  readonly authority?: string;
  readonly port?: number;
  /** Name of the hosted mesh, or of the platform component whose page it is. */
  readonly subject?: string;
}

/** Lines that say the same thing. */
export interface Symptom {
  readonly code: SymptomCode;
  readonly component: string | null;
  readonly params: SymptomParams;
  readonly count: number;
  /** Newest time among them; null when none has one. */
  readonly lastAt: number | null;
  /** The last of them. */
  readonly source: string;
  readonly line: number;
  readonly text: string;
}

export type CauseCode =
  | "authority-expired"
  | "certificate-expired"
  | "certificate-not-yet-valid"
  | "clock-wrong"
  | "unknown-authority"
  | "wrong-name"
  | "wrong-usage"
  | "key-mismatch"
  | "file-missing"
  | "file-unusable"
  | "etcd-unreachable"
  | "bootstrap-kubeconfig-missing"
  | "wrong-kubelet-client"
  | "loopback-certificate-expired"
  | "renewed-not-loaded"
  | "credentials-refused"
  | "platform-web-certificate"
  | "hosted-mesh-certificate"
  | "process-not-running"
  | "certificate-expiring";

/** `rejected`: the facts say that this is not the cause, whatever the log suggests. */
export type Certainty = "confirmed" | "likely" | "possible" | "rejected";

/** A certificate that a diagnosis is about. Times are null when nothing could be read. */
export interface ConcernedCertificate {
  readonly slot: SlotId | null;
  readonly name: string;
  readonly path: string;
  readonly notBefore: number | null;
  readonly notAfter: number | null;
}

/** Why we think so. Instants are ms since the epoch. */
export type Evidence =
  | {
      readonly code: "log";
      readonly source: string;
      readonly line: number;
      readonly count: number;
      readonly at: number | null;
      readonly component: string | null;
      readonly text: string;
    }
  | { readonly code: "finding"; readonly finding: FindingCode; readonly name: string; readonly path: string }
  | { readonly code: "ended"; readonly name: string; readonly notAfter: number }
  | { readonly code: "begins"; readonly name: string; readonly notBefore: number }
  | { readonly code: "same-serial"; readonly name: string; readonly serialHex: string }
  | { readonly code: "same-date"; readonly name: string; readonly notAfter: number }
  | { readonly code: "same-names"; readonly name: string; readonly wanted: string }
  | { readonly code: "name-is-there"; readonly name: string; readonly wanted: string }
  /** Each is within its dates, fits its key and is signed by the CA on this node. */
  | { readonly code: "all-well"; readonly names: readonly string[]; readonly firstEnd: number | null }
  | { readonly code: "renewed-since"; readonly name: string; readonly notBefore: number }
  | { readonly code: "file-is-there"; readonly path: string }
  | { readonly code: "clock-behind-log"; readonly source: string; readonly newestAt: number }
  | { readonly code: "clock-behind-file"; readonly path: string; readonly newestAt: number }
  | { readonly code: "clock-of-writer"; readonly currentAt: number }
  | { readonly code: "running-since"; readonly consumer: string; readonly startedAt: number }
  | { readonly code: "no-facts" };

/** What stops working. */
export type HarmCode =
  | "api-refused"
  | "api-down"
  | "etcd-clients"
  | "quorum"
  | "exec-logs"
  | "aggregated-apis"
  | "controllers"
  | "scheduling"
  | "node-not-ready"
  | "kubelet-start"
  | "admin-access"
  | "etcd-probe"
  | "everything-signed"
  | "old-in-memory"
  | "tokens"
  | "web-page"
  | "mesh-control"
  | "soon"
  | "unknown";

/** What goes on working. */
export type SparedCode = "containers" | "data" | "tokens" | "files" | "mesh-traffic" | "cluster" | "now";

export interface Diagnosis {
  readonly cause: CauseCode;
  readonly certainty: Certainty;
  readonly certificates: readonly ConcernedCertificate[];
  readonly evidence: readonly Evidence[];
  readonly harms: readonly HarmCode[];
  readonly spares: readonly SparedCode[];
  /** What the cause is about beyond certificates: a path, a mesh, a component, the name that was asked for. */
  readonly subject: string | null;
}

export interface DiagnoseResult {
  /** The instant of the answer, ms. */
  readonly at: number;
  /** null when there are no facts: log text alone. */
  readonly node: string | null;
  readonly root: string;
  /** How the node of a cluster file is reached, where its logs are not read from here. */
  readonly reach?: Extract<Reach, { readonly kind: "ssh" }>;
  /** Logs that were read. */
  readonly sources: readonly string[];
  /** Logs that are there and could not be read. */
  readonly unread: readonly { readonly source: string; readonly reason: string }[];
  readonly lines: number;
  readonly diagnoses: readonly Diagnosis[];
}
