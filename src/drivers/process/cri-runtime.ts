// The container runtime by its own interface: gRPC over a unix socket, as the kubelet speaks it.
import { AppError, isAppError, wordsOf } from "../../core/model/errors.ts";
import type { Dial } from "../shared/dial.ts";
import { type GrpcConnection, openGrpc } from "../shared/grpc.ts";
import { grpcStatus } from "../shared/grpc-status.ts";
import {
  idRequest,
  listRequest,
  parseContainers,
  parseSandboxes,
  parseStatus,
  statusRequest,
  stopRequest,
} from "./cri-messages.ts";
import { systemNamespace, type PodContainer, type PodRuntime } from "./pod-runtime.ts";

/** v1 from containerd 1.6, CRI-O 1.20 and cri-dockerd; v1alpha2 before, and in dockershim. */
const versions = ["v1", "v1alpha2"] as const;
type Version = (typeof versions)[number];

type Method =
  | "ListContainers"
  | "ListPodSandbox"
  | "ContainerStatus"
  | "StopContainer"
  | "RemoveContainer"
  | "StopPodSandbox"
  | "RemovePodSandbox";

/** One call on an open connection. */
type Call = (method: Method, request: Uint8Array, extraMs?: number) => Promise<Uint8Array>;

const deadlineMs = 20_000;
/** Taking a sandbox down runs CNI plugins. */
const effectMs = 120_000;

/** `dial`: the way to the socket; default on this machine. */
export function criRuntime(socket: string, dial?: Dial): PodRuntime {
  const through = `cri unix://${socket}`;
  let version: Version | null = null;

  /** A connection for as long as the action takes: a runtime may be restarted between two of them. */
  async function connected<T>(action: (call: Call) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const connection = openGrpc({ kind: "unix", path: socket }, { deadlineMs, dial });
    try {
      version ??= await versionOf(connection, signal);
      const spoken = version;
      return await action((method, request, extraMs = 0) =>
        connection.unary(`/runtime.${spoken}.RuntimeService/${method}`, request, {
          ...(signal && { signal }),
          deadlineMs: deadlineMs + extraMs,
        }),
      );
    } catch (error) {
      throw explained(error, through);
    } finally {
      connection.close();
    }
  }

  /** Every id is tried; an effect under way is left to finish, so calls carry no signal. */
  async function each(
    ids: readonly string[],
    signal: AbortSignal | undefined,
    effect: (call: Call, id: string) => Promise<unknown>,
  ): Promise<void> {
    if (ids.length === 0) return;
    signal?.throwIfAborted();
    const ends = await connected((call) => Promise.allSettled(ids.map((id) => effect(call, id))));
    const failed = ends.filter((end): end is PromiseRejectedResult => end.status === "rejected");
    if (failed.length > 0) throw explained(failed[0]?.reason, through);
  }

  return {
    name: "cri",
    socket,
    through,
    removes: true,
    list: (signal) =>
      connected(async (call) => {
        const containers = parseContainers(
          await call("ListContainers", listRequest("containers", systemNamespace)),
        );
        const sandboxes = parseSandboxes(
          await call("ListPodSandbox", listRequest("sandboxes", systemNamespace)),
        );
        return { containers: await withStatus(containers, call), sandboxes };
      }, signal),
    stop: (ids, graceSeconds, signal) =>
      each(ids, signal, (call, id) =>
        call("StopContainer", stopRequest(id, graceSeconds), effectMs + graceSeconds * 1000),
      ),
    remove: (ids, signal) =>
      each(ids, signal, (call, id) => call("RemoveContainer", idRequest(id), effectMs)),
    stopSandboxes: (ids, signal) =>
      each(ids, signal, (call, id) => call("StopPodSandbox", idRequest(id), effectMs)),
    removeSandboxes: (ids, signal) =>
      each(ids, signal, (call, id) => call("RemovePodSandbox", idRequest(id), effectMs)),
  };
}

async function versionOf(connection: GrpcConnection, signal?: AbortSignal): Promise<Version> {
  for (const version of versions) {
    try {
      await connection.unary(`/runtime.${version}.RuntimeService/Version`, new Uint8Array(), {
        ...(signal && { signal }),
      });
      return version;
    } catch (error) {
      if (!isAppError(error, "rpc-failed") || error.params.status !== grpcStatus.unimplemented) throw error;
    }
  }
  throw new AppError("command-failed", {
    command: "cri",
    reason: "no CRI v1 or v1alpha2 (plugin disabled?)",
  });
}

/** Start time and pid of what runs; a container that is gone by now keeps what the list said of it. */
async function withStatus(containers: readonly PodContainer[], call: Call): Promise<readonly PodContainer[]> {
  return Promise.all(
    containers.map(async (container) => {
      if (container.state !== "running") return container;
      try {
        const status = parseStatus(await call("ContainerStatus", statusRequest(container.id)));
        return { ...container, pid: status.pid, startedAt: status.startedAt ?? container.startedAt };
      } catch (error) {
        if (isAppError(error, "rpc-failed")) return container;
        throw error;
      }
    }),
  );
}

/** One code for every runtime, with the server's own words. */
function explained(error: unknown, command: string): unknown {
  if (isAppError(error, "rpc-failed")) {
    return new AppError("command-failed", { command, reason: error.params.message }, { cause: error });
  }
  if (isAppError(error, "endpoint-unreachable")) {
    const reason = `${error.params.reason} (${error.params.detail})`;
    return new AppError("command-failed", { command, reason }, { cause: error });
  }
  if (isAppError(error, "protobuf-malformed")) {
    return new AppError("command-failed", { command, reason: wordsOf(error) }, { cause: error });
  }
  return error;
}
