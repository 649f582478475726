// The processes of one node that hold certificates in memory: found, stopped, made to start again.
import type { Startability } from "../../core/model/live.ts";

/** One life of a consumer; another life has another id. */
export interface ProcessInstance {
  /** The container's id, or `PID@START` of a process outside containers. */
  readonly id: string;
  readonly state: "running" | "exited";
  /** ms since the epoch; null when it never started, or the runtime does not say. */
  readonly startedAt: number | null;
  /** As the runtime names it, a tag or a digest; null outside containers. */
  readonly image: string | null;
  /** On the node, not inside the container; null when exited, or the runtime does not say. */
  readonly pid: number | null;
}

export interface ProcessObservation {
  readonly consumer: string;
  /** Who was asked, for people: `cri unix:///run/containerd/containerd.sock`, `docker`, `systemd kubelet.service`, `process`. */
  readonly through: string;
  /** Newest first; exited ones count; empty is a finding of the caller's, not an error. */
  readonly instances: readonly ProcessInstance[];
}

export interface LookOptions {
  readonly signal?: AbortSignal;
}

export interface StopOptions {
  /** Between the polite signal (SIGTERM) and SIGKILL. etcd needs 60. */
  readonly graceSeconds: number;
  readonly signal?: AbortSignal;
}

export interface ReviveOptions {
  /** For the whole of it; nothing is left moved away or stopped half-way afterwards. */
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal;
}

/**
 * Contract:
 * (1) consumers are named as in the profile (`etcd`, `kube-apiserver`, `kubelet`); a name that was not given when this was
 *     opened is a TypeError;
 * (2) "is not there" is an empty list, "nobody could be asked" is `process-unknowable`: the two are never confused, and a
 *     runtime that answers without knowing the consumer does not hide one that knows it;
 * (3) a pod's sandbox, a pod that came through the API and a namesake in another namespace are not the consumer; containers
 *     of two different pods are `process-ambiguous` and nothing is stopped;
 * (4) `stop` sends SIGTERM first, always, and resolves only when every instance seen before is gone. Exited instances count:
 *     they are removed with their sandbox where the runtime allows it, so that the kubelet's back-off (up to 5 minutes, as long as an exited container of
 *     the pod is listed; pkg/kubelet/kuberuntime, doBackOff) does not hold up the next life. A successor that the kubelet has
 *     started meanwhile is left alone. Nothing found is `process-not-found`, still there at the end `process-not-stopped`;
 * (5) `revive` makes the supervisor start the consumer anew, whether it runs or not, and resolves when that is done, not when
 *     the consumer serves; whoever wants to know looks until the id has changed. Failing is `process-not-revived`. What it takes away to
 *     this end (a manifest) is put back whatever happens, even if this process dies;
 * (6) both may be repeated after a crash at any point;
 * (7) every wait has a bound; `signal` is honoured before each effect, and an effect under way is left to finish.
 */
export interface NodeProcesses {
  /** True when something starts it again once it is stopped: the kubelet its static pods. */
  returnsByItself(consumer: string): boolean;
  look(consumer: string, options?: LookOptions): Promise<ProcessObservation>;
  /** Whether `revive` would know how, asked before anything is written. Throws `process-unknowable`. */
  startability(consumer: string): Promise<Startability>;
  /** Ids of the instances that are gone now. */
  stop(consumer: string, options: StopOptions): Promise<readonly string[]>;
  revive(consumer: string, options: ReviveOptions): Promise<void>;
  /** Puts back what a `revive` that was killed had taken away; returns the paths. Nothing to do is an empty list. */
  restore(): Promise<readonly string[]>;
}
