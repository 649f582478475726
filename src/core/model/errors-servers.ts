// Errors of what runs: processes, servers that are asked, other machines.

export interface ServerErrors {
  // --- processes of a node (drivers/process). `through` says who was asked.
  "process-unknowable": { readonly consumer: string; readonly tried: readonly string[] };
  "process-not-found": { readonly consumer: string; readonly through: string };
  "process-ambiguous": {
    readonly consumer: string;
    readonly through: string;
    readonly pods: readonly string[];
  };
  "process-not-stopped": {
    readonly consumer: string;
    readonly through: string;
    readonly ids: readonly string[];
    readonly reason: string;
  };
  "process-not-revived": { readonly consumer: string; readonly through: string; readonly reason: string };
  "command-failed": { readonly command: string; readonly reason: string };

  // --- running servers (drivers/shared, drivers/health). `endpoint` is a URL without credentials, `detail` the system's own words.
  "endpoint-unreachable": {
    readonly endpoint: string;
    readonly reason: EndpointFault;
    readonly detail: string;
  };
  /** `status` is gRPC's number (0 to 16), `message` the server's words. */
  "rpc-failed": {
    readonly endpoint: string;
    readonly method: string;
    readonly status: number;
    readonly message: string;
  };
  "protobuf-malformed": { readonly reason: string; readonly offset: number };
  /** `what` is etcd's name for it, `since` the first minor version that has it. */
  "etcd-not-supported": { readonly endpoint: string; readonly what: string; readonly since: string };
  /** `source` is the endpoint or the file. */
  "snapshot-damaged": { readonly source: string; readonly reason: SnapshotFault; readonly detail: string };

  // --- other machines (drivers/exec). `host` is what the operator calls it, `detail` the far side's or ssh's own words.
  "ssh-missing": { readonly host: string; readonly program: string };
  /** `address` as `ssh-keygen -R` takes it: a name, or `[name]:port`. Nothing was sent. */
  "host-key-unknown": {
    readonly host: string;
    readonly address: string;
    readonly keyType: string;
    readonly fingerprint: string;
  };
  /** `file` and `line` are where the other key stands; null and 0 when ssh does not say so. */
  "host-key-changed": {
    readonly host: string;
    readonly address: string;
    readonly keyType: string;
    readonly fingerprint: string;
    readonly file: string | null;
    readonly line: number;
  };
  /** `methods` are those the server would still take. */
  "login-refused": { readonly host: string; readonly methods: readonly string[]; readonly detail: string };
  "host-unreachable": { readonly host: string; readonly reason: HostFault; readonly detail: string };
  /** Nothing of the tool can run there: programs that are missing, `sh` among them. */
  "host-unfit": { readonly host: string; readonly missing: readonly string[]; readonly detail: string };
  "sudo-refused": { readonly host: string; readonly reason: SudoFault; readonly detail: string };
  /** Whether what was under way there ended is not known. */
  "host-lost": { readonly host: string; readonly reason: string };
}

/** Why bytes are no snapshot of etcd. */
export type SnapshotFault = "too-short" | "hash-differs" | "not-bbolt" | "read-back-differs";

/** Why no conversation with a server came about, or why it broke off. */
export type EndpointFault =
  | "refused"
  | "no-socket"
  | "no-such-host"
  | "no-route"
  | "timeout"
  | "closed"
  | "not-http2"
  | "not-tls"
  | "not-grpc"
  | "server-expired"
  | "server-name"
  | "server-untrusted"
  | "key-not-pinned"
  | "client-refused"
  | "pair-unusable"
  | "not-forwarded";

/** Why no connection to a host came about. */
export type HostFault =
  | "refused"
  | "no-such-host"
  | "no-route"
  | "timeout"
  | "closed"
  | "configuration"
  | "negotiation";

/** Why a login did not become the user who may change the node. */
export type SudoFault =
  | "password-needed"
  | "password-wrong"
  | "not-allowed"
  | "needs-terminal"
  | "not-installed"
  | "failed";
