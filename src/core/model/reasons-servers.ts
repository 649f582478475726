// Reasons why a machine or a server did not answer: in words, by the code that the program decides by.
import type { EndpointFault, HostFault, SnapshotFault, SudoFault } from "./errors-servers.ts";
import type { ErrorCode } from "./errors.ts";

export const faultWords = {
  refused: "nothing listens there",
  "no-socket": "there is no such socket, or it may not be opened",
  "no-such-host": "the name has no address",
  "no-route": "there is no route to it",
  timeout: "it did not answer in time",
  closed: "it closed the connection",
  "not-http2": "it does not speak HTTP/2",
  "not-tls": "it does not speak TLS",
  "not-grpc": "it does not speak gRPC",
  "server-expired": "its certificate has expired",
  "server-name": "its certificate is for another name",
  "server-untrusted": "its certificate is not trusted",
  "not-forwarded": "the SSH server of the node forwards no connections (AllowTcpForwarding)",
  "key-not-pinned": "it presents another key than the one in its certificate file",
  "client-refused": "it refuses our client certificate",
  "pair-unusable": "our client certificate and key cannot be used",
  configuration: "the SSH configuration of this machine is not usable",
  negotiation: "it and ssh have no algorithm in common",
  "password-needed": "it asks for a password, and none was given",
  "password-wrong": "it did not take the password",
  "not-allowed": "this user may not run sh",
  "needs-terminal": "it wants a terminal (requiretty)",
  "not-installed": "it is not installed",
  failed: "it failed",
  "too-short": "it is too short",
  "hash-differs": "the hash at its end is not that of its content",
  "not-bbolt": "it is not a database of etcd",
  "read-back-differs": "the file does not hold what was written",
} as const satisfies Readonly<Record<EndpointFault | HostFault | SudoFault | SnapshotFault, string>>;

/** Of errors that may say nothing more than their code. */
export const codeWords = {
  "ssh-missing": "there is no ssh on this machine",
  "host-key-unknown": "its host key is not known here",
  "host-key-changed": "its host key is not the one known here",
  "login-refused": "it does not let us in",
  "host-unfit": "programs that are needed are missing there",
  "node-is-another": "its files are those of another node",
  "not-a-node": "it does not look like a node",
  "not-kubeadm": "it is a node of another distribution",
  "rpc-failed": "it answers with an error and no words",
  "etcd-not-supported": "this version of etcd cannot be asked that",
  "key-encrypted": "the key is encrypted",
  "key-unsupported": "the kind of key is not supported",
  interrupted: "it was interrupted",
} as const satisfies Partial<Record<ErrorCode, string>>;

type WordsOf<T> = T[keyof T];

export const serverReasons: readonly (
  | WordsOf<typeof faultWords>
  | WordsOf<typeof codeWords>
  | "no answer in time"
)[] = [...Object.values(faultWords), ...Object.values(codeWords), "no answer in time"];
