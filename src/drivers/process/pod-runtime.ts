// What every container runtime can say of the pods of a node, and the few things it is asked to do.

export type RuntimeName = "cri" | "crictl" | "docker" | "nerdctl" | "ctr";

export const runtimeNames: readonly RuntimeName[] = ["cri", "crictl", "docker", "nerdctl", "ctr"];

export interface PodContainer {
  readonly id: string;
  /** `io.kubernetes.container.name`. */
  readonly name: string;
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  /** null where the runtime does not say. */
  readonly sandboxId: string | null;
  readonly state: "running" | "exited";
  readonly startedAt: number | null;
  readonly image: string | null;
  readonly pid: number | null;
}

export interface PodSandbox {
  readonly id: string;
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly isReady: boolean;
  /** `kubernetes.io/config.source`: `file` for static pods, `api` for the others; null where the runtime does not say. */
  readonly source: string | null;
}

export interface PodListing {
  readonly containers: readonly PodContainer[];
  readonly sandboxes: readonly PodSandbox[];
}

/**
 * Contract: `list` is fresh, complete for `kube-system`, and throws `AppError` when the runtime does not answer. The others take ids that
 * may be gone already, try every one of them, and may reject; whoever calls lists again and believes the list.
 */
export interface PodRuntime {
  readonly name: RuntimeName;
  readonly through: string;
  /** For the script that acts without us: the socket's path, and the program that it finds there. */
  readonly socket: string;
  /**
   * False for tools that know nothing of the CRI plugin behind whose back they would remove: it keeps listing what they
   * took away, and fails at removing it until it is restarted (containerd 1.6: "get container info ... not found").
   * Gone means stopped there, and the kubelet removes.
   */
  readonly removes: boolean;
  list(signal?: AbortSignal): Promise<PodListing>;
  /** SIGTERM, `graceSeconds`, SIGKILL. */
  stop(ids: readonly string[], graceSeconds: number, signal?: AbortSignal): Promise<void>;
  remove(ids: readonly string[], signal?: AbortSignal): Promise<void>;
  stopSandboxes(ids: readonly string[], signal?: AbortSignal): Promise<void>;
  removeSandboxes(ids: readonly string[], signal?: AbortSignal): Promise<void>;
}

/** Labels that the kubelet gives (pkg/kubelet/types/labels.go), dockershim's and containerd's own beside them. */
export const podLabels = {
  container: "io.kubernetes.container.name",
  pod: "io.kubernetes.pod.name",
  namespace: "io.kubernetes.pod.namespace",
  uid: "io.kubernetes.pod.uid",
  dockerType: "io.kubernetes.docker.type",
  dockerSandbox: "io.kubernetes.sandbox.id",
  containerdKind: "io.cri-containerd.kind",
  source: "kubernetes.io/config.source",
} as const;

export const systemNamespace = "kube-system";

export type Labels = Readonly<Record<string, string>>;

/** What of a container or sandbox stands in its labels. */
export function podOf(labels: Labels): Pick<PodContainer, "namespace" | "pod" | "podUid"> {
  return {
    namespace: labels[podLabels.namespace] ?? "",
    pod: labels[podLabels.pod] ?? "",
    podUid: labels[podLabels.uid] ?? "",
  };
}

/** Sandboxes are containers too for docker and containerd: they never are a consumer. */
export function isSandbox(labels: Labels): boolean {
  return (
    labels[podLabels.dockerType] === "podsandbox" ||
    labels[podLabels.containerdKind] === "sandbox" ||
    labels[podLabels.container] === "POD"
  );
}

/** Only what lives in kube-system. */
export function ofSystem(listing: PodListing): PodListing {
  return {
    containers: listing.containers.filter(({ namespace }) => namespace === systemNamespace),
    sandboxes: listing.sandboxes.filter(({ namespace }) => namespace === systemNamespace),
  };
}
