// What a run needs of the running node: its processes, what they present, etcd, the API. Absent when only files are worked on.
import type { NodeName } from "../../core/model/address.ts";
import type { Endpoint, ServedFacts } from "../../core/model/live.ts";
import type { MemberReading } from "../../core/model/quorum.ts";
import type { NodeReport } from "../../core/model/readiness.ts";
import type { Snapshot } from "../../core/model/run.ts";
import type { NodeProcesses } from "./node-processes.ts";

/** The running nodes. @throws TypeError for one that was not opened */
export type LiveNodes = (node: NodeName) => Live;

export interface Live {
  readonly processes: NodeProcesses;
  readonly probes: Probes;
  /** The same with less patience, for what is restarted whatever it answers; absent where the listeners are this machine's. */
  readonly hurriedProbes?: Probes;
  readonly etcd: EtcdMember;
  readonly api: ApiServer;
  readonly timer: Timer;
}

/** Waiting that no step of the wall clock disturbs. */
export interface Timer {
  /** ms since an arbitrary instant; never goes back. */
  elapsedMs(): number;
  /** Resolves after `ms`, or as soon as `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Looks at listeners; an endpoint that cannot be reached is an answer, never an error. Each call has a deadline of its own. */
export interface Probes {
  /** The leaf that is presented, whatever its date, names and issuer. */
  served(endpoint: Endpoint, signal?: AbortSignal): Promise<ServedFacts>;
  /**
   * null when a GET of `path` is answered with 200, or with 401 or 403, as by a server that lets nobody in who does not say who
   * he is; else why not. The peer is not verified: nothing is sent but the path.
   */
  ailment(endpoint: Endpoint, path: string, signal?: AbortSignal): Promise<string | null>;
}

/** How an etcd member is dialled. The peer is accepted for its public key alone, at any date: it may well have expired. */
export interface EtcdTarget {
  /** Tried in this order. */
  readonly endpoints: readonly Endpoint[];
  /** PEM; null when etcd asks for no client certificate. The key is the caller's, who overwrites it. */
  readonly identity: { readonly certificatePem: Uint8Array; readonly keyPem: Uint8Array } | null;
  /** SHA-256 (hex) of the SubjectPublicKeyInfo of the server. */
  readonly serverKeys: readonly string[];
}

export interface EtcdMember {
  /** null when a linearizable read succeeds; else why not. */
  ailment(target: EtcdTarget, signal?: AbortSignal): Promise<string | null>;
  /**
   * Streams a snapshot into `file` (absolute, 0600), syncs it, reads it back and compares its own checksum.
   * @throws AppError `snapshot-failed`, `endpoint-unreachable`, `rpc-failed`
   */
  snapshot(target: EtcdTarget, file: string, signal?: AbortSignal): Promise<Saved>;
  /** What the member says of itself and of the others; one that cannot be asked is an answer as well. */
  reading(target: EtcdTarget, signal?: AbortSignal): Promise<MemberReading["answer"]>;
  /**
   * Hands leadership to a voter; the leader has to be asked. Resolves when etcd says that it is done.
   * @throws AppError `etcd-not-supported` before 3.3, `rpc-failed`, `endpoint-unreachable`
   */
  moveLeader(target: EtcdTarget, memberId: string, signal?: AbortSignal): Promise<void>;
  /** Copies the files of a stopped member below `folder` (absolute), syncs and compares them. @throws AppError `snapshot-failed` */
  coldCopy(dataDirectory: string, folder: string, signal?: AbortSignal): Promise<Saved>;
  /**
   * The files of such a copy that lies on a node and not on this machine; absent where it lies here. `sha256` is the copy's.
   * @throws AppError `store-mismatch` when it is another one by now; what the node throws
   */
  copied?(folder: string, sha256: string, signal?: AbortSignal): Promise<readonly CopiedFile[]>;
}

export interface CopiedFile {
  /** Below the copy's folder: `member/snap/db`. */
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  /** In pieces, none of which lies on a disk here. */
  read(signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

export type Saved = Omit<Snapshot, "file" | "form">;

export interface ApiServer {
  /**
   * Creates an object and deletes it again with the identity in the kubeconfig; the server has to be signed by the authority
   * that the kubeconfig trusts. null when both succeeded, else why not.
   */
  writeFailure(request: WriteProof, signal?: AbortSignal): Promise<string | null>;
  /** What is known of all nodes, or of one; empty for one that is not known. What keeps it from being asked is an answer. */
  nodeReports(
    request: NodesQuestion,
    signal?: AbortSignal,
  ): Promise<{ readonly nodes: readonly NodeReport[] } | { readonly failure: string }>;
}

export interface NodesQuestion extends Omit<WriteProof, "name"> {
  /** null for all nodes. */
  readonly name: string | null;
}

export interface WriteProof {
  readonly kubeconfig: Uint8Array;
  readonly user: string;
  readonly endpoint: Endpoint;
  /** Name of the object, a DNS label. */
  readonly name: string;
}
