// The five bytes before every gRPC message (doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"): flag, length, message.
import { grpcStatus } from "./grpc-status.ts";

const prefixBytes = 5;

export type ReadFrame =
  | { readonly message: Uint8Array }
  /** The rest cannot be read. */
  | { readonly status: number; readonly fault: string };

export function encodeFrame(message: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(prefixBytes + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  return frame;
}

/** Messages may span chunks, chunks may hold several. Nothing is kept of a message beyond `limitBytes`. */
export async function* readFrames(
  chunks: AsyncIterable<Uint8Array>,
  limitBytes: number,
): AsyncGenerator<ReadFrame> {
  const pending = pendingBytes();
  for await (const chunk of chunks) {
    pending.add(chunk);
    for (;;) {
      const read = takeFrame(pending, limitBytes);
      if (!read) break;
      yield read;
      if ("fault" in read) return;
    }
  }
  if (pending.size() > 0) yield { status: grpcStatus.internal, fault: "the answer ends inside a message" };
}

function takeFrame(pending: Pending, limitBytes: number): ReadFrame | null {
  const prefix = pending.peek(prefixBytes);
  if (!prefix) return null;
  if (prefix[0] !== 0)
    return { status: grpcStatus.internal, fault: "a compressed message was not asked for" };
  const length = prefix.readUInt32BE(1);
  if (length > limitBytes) {
    const fault = `a message of ${length} bytes, more than ${limitBytes}`;
    return { status: grpcStatus.resourceExhausted, fault };
  }
  const frame = pending.peek(prefixBytes + length);
  if (!frame) return null;
  pending.drop(prefixBytes + length);
  return { message: frame.subarray(prefixBytes) };
}

interface Pending {
  size(): number;
  add(chunk: Uint8Array): void;
  /** The first bytes, null while there are fewer. */
  peek(bytes: number): Buffer | null;
  drop(bytes: number): void;
}

/** Chunks that are joined only once there are enough of them. */
function pendingBytes(): Pending {
  let chunks: Buffer[] = [];
  let size = 0;
  return {
    size: () => size,
    add: (chunk) => {
      chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
      size += chunk.length;
    },
    peek: (bytes) => {
      if (size < bytes) return null;
      if ((chunks[0]?.length ?? 0) < bytes) chunks = [Buffer.concat(chunks)];
      return chunks[0]?.subarray(0, bytes) ?? null;
    },
    drop: (bytes) => {
      const [first, ...rest] = chunks;
      chunks = first && first.length > bytes ? [first.subarray(bytes), ...rest] : rest;
      size -= bytes;
    },
  };
}
