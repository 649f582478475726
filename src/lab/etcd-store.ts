// The API server's way to etcd: its client files read again at every new connection, the authority's only once
// (k8s.io/apiserver/pkg/storage/storagebackend/factory/etcd3.go, etcd's pkg/transport).
import { readFileSync } from "node:fs";
import { isAppError } from "../core/model/errors.ts";
import { decodeMessage, encodeMessage, type ProtoField } from "../drivers/shared/protobuf.ts";
import { type GrpcConnection, openGrpc } from "../drivers/shared/grpc.ts";
import { type Flags, needed } from "./flags.ts";

export interface EtcdStore {
  get(key: string): Promise<string | null>;
  put(key: string, value: string): Promise<void>;
  /** False when there was none. */
  delete(key: string): Promise<boolean>;
  /** A read that needs the quorum. */
  ping(): Promise<void>;
  /** Values of all keys below a folder. */
  list(prefix: string): Promise<readonly string[]>;
}

const deadlineMs = 5000;

/** Server certificate, chain, name and dates are checked, as Go does. */
export function openStore(flags: Flags): EtcdStore {
  const { hostname, port } = new URL(needed(flags, "etcd-servers").split(",")[0] ?? "");
  const host = hostname.replace(/^\[|\]$/g, "");
  const caPem = readFileSync(needed(flags, "etcd-cafile"));
  const held: { connection: GrpcConnection | null } = { connection: null };

  function connect(): GrpcConnection {
    return openGrpc(
      {
        kind: "tls",
        host,
        port: Number(port),
        caPem,
        certificatePem: readFileSync(needed(flags, "etcd-certfile")),
        keyPem: readFileSync(needed(flags, "etcd-keyfile")),
      },
      { deadlineMs },
    );
  }

  async function call(method: string, fields: readonly ProtoField[]): Promise<Uint8Array> {
    held.connection ??= connect();
    const { connection } = held;
    try {
      return await connection.unary(`/etcdserverpb.KV/${method}`, encodeMessage(fields));
    } catch (error) {
      if (isAppError(error, "endpoint-unreachable")) {
        connection.close();
        if (held.connection === connection) held.connection = null;
      }
      throw error;
    }
  }

  return {
    // RangeResponse: kvs 2; KeyValue: value 5.
    get: async (key) => {
      const [found] = decodeMessage(await call("Range", [[1, "bytes", key]])).messages(2);
      return found ? found.text(5) : null;
    },
    put: async (key, value) => {
      await call("Put", [
        [1, "bytes", key],
        [2, "bytes", value],
      ]);
    },
    // DeleteRangeResponse: deleted 2.
    delete: async (key) => decodeMessage(await call("DeleteRange", [[1, "bytes", key]])).int(2) > 0n,
    // `/` is followed by `0`: the end of all keys below a folder.
    list: async (prefix) => {
      const reply = await call("Range", [
        [1, "bytes", `${prefix}/`],
        [2, "bytes", `${prefix}0`],
      ]);
      return decodeMessage(reply)
        .messages(2)
        .map((found) => found.text(5));
    },
    ping: async () => {
      await call("Range", [
        [1, "bytes", "health"],
        [9, "varint", true],
      ]);
    },
  };
}
