// How a gRPC call ended: its status in headers or trailers, or what HTTP says when there is none.
import { constants } from "node:http2";

/** Those of the 17 codes that are used here (grpc/grpc, doc/statuscodes.md). */
export const grpcStatus = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

export interface CallStatus {
  readonly code: number;
  readonly message: string;
}

type Headers = Readonly<Record<string, unknown>>;

/** Null when these headers carry none. A number that is none becomes UNKNOWN. */
export function statusOfHeaders(headers: Headers | null): CallStatus | null {
  const text = headers?.["grpc-status"];
  if (typeof text !== "string") return null;
  const message = headers?.["grpc-message"];
  const code = /^\d{1,2}$/.test(text) ? Number(text) : grpcStatus.unknown;
  return { code, message: typeof message === "string" ? percentDecoded(message) : "" };
}

/** UTF-8 with %XX for everything but printable ASCII; what is not well formed stays as it came. */
function percentDecoded(text: string): string {
  const decoded = text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCodePoint(Number.parseInt(hex, 16)),
  );
  return Buffer.from(decoded, "latin1").toString("utf8");
}

/** What answered instead of gRPC (`HTTP status 404`); null when the HTTP part is as gRPC wants it. */
export function httpFault(headers: Headers | null): string | null {
  const http = headers?.[":status"];
  if (typeof http !== "number") return null;
  if (http !== 200) return `HTTP status ${http}`;
  const type = headers?.["content-type"];
  if (typeof type === "string" && /^application\/grpc(\+|;|$)/.test(type)) return null;
  return `content type ${typeof type === "string" ? type : "missing"}`;
}

/** RST_STREAM (PROTOCOL-HTTP2, "Errors"). */
export function statusOfReset(code: number): CallStatus {
  const message = `the server reset the stream with HTTP/2 code ${code}`;
  switch (code) {
    case constants.NGHTTP2_REFUSED_STREAM:
      return { code: grpcStatus.unavailable, message };
    case constants.NGHTTP2_CANCEL:
      return { code: grpcStatus.cancelled, message };
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return { code: grpcStatus.resourceExhausted, message };
    case constants.NGHTTP2_INADEQUATE_SECURITY:
      return { code: grpcStatus.permissionDenied, message };
    default:
      return { code: grpcStatus.internal, message };
  }
}
