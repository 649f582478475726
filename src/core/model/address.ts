// Addresses: where bytes live, as a value and as one line of text.
import { AppError } from "./errors.ts";

/** Name of a node as the cluster knows it (kubelet's --hostname-override or the host name). */
export type NodeName = string;

/**
 * One addressable object or range of bytes.
 * `store` names the driver ("file", later "secret", "configmap", "sql"), `path` the object inside it
 * (for files: absolute, as seen on the node), `entry` a part of the object
 * ("users/kubernetes-admin" in a kubeconfig, "tls.crt" in a Secret).
 */
export interface Address {
  readonly store: string;
  readonly node: NodeName;
  readonly path: string;
  readonly entry?: string;
}

/** `file:m1:/etc/kubernetes/admin.conf#users/kubernetes-admin`; control characters, `%`, `#` and `:` in names are percent-encoded. */
export function formatAddress(address: Address): string {
  const entry = address.entry === undefined ? "" : `#${encode(address.entry, /[%\u0000-\u001f\u007f]/g)}`;
  const node = encode(address.node, /[%:#\u0000-\u001f\u007f]/g);
  return `${address.store}:${node}:${encode(address.path, /[%#\u0000-\u001f\u007f]/g)}${entry}`;
}

/** The inverse of {@link formatAddress}; throws `value-invalid`. */
export function parseAddress(text: string): Address {
  const match = /^([a-z][a-z0-9-]*):([^:#]*):([^#]*)(?:#(.*))?$/s.exec(text);
  if (!match) {
    throw new AppError("value-invalid", {
      what: "address",
      value: text,
      expected: "STORE:NODE:PATH[#ENTRY]",
    });
  }
  const [, store = "", node = "", path = "", entry] = match;
  const whole = { store, node: decode(node), path: decode(path) };
  return entry === undefined ? whole : { ...whole, entry: decode(entry) };
}

export function fileAddress(node: NodeName, path: string): Address {
  return { store: "file", node, path };
}

function encode(text: string, unsafe: RegExp): string {
  return text.replace(unsafe, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function decode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
