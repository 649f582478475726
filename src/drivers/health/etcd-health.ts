// etcd's /health: whether the process answers, and what it says of itself. Liveness only, never a gate for quorum.
import { requestHttp, type HttpRequest } from "../shared/http-request.ts";
import type { GrpcTarget } from "../shared/grpc-connect.ts";

export interface EtcdHealth {
  readonly through: "/health";
  /** etcd's own word: `true` needs a leader and, from 3.3, no alarm and a read that went through. */
  readonly isHealthy: boolean;
  /** From 3.5; else empty. */
  readonly reason: string;
  readonly httpStatus: number;
}

/** @throws AppError endpoint-unreachable */
export async function askHealth(
  target: GrpcTarget,
  options: Pick<HttpRequest, "deadlineMs" | "signal" | "dial">,
): Promise<EtcdHealth> {
  const { status, body } = await requestHttp(target, { ...options, method: "GET", path: "/health" });
  const { health, reason } = wordsOf(body);
  // `"true"` in all versions so far, `true` in some proxies' copies.
  const isHealthy = status === 200 && (health === "true" || health === true);
  return {
    through: "/health",
    isHealthy,
    reason: typeof reason === "string" ? reason : "",
    httpStatus: status,
  };
}

function wordsOf(body: string): { readonly health?: unknown; readonly reason?: unknown } {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
