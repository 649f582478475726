// A node's files as discovery sees them: each is read once and remembered, so that facts and guards speak of the same bytes.
import type { ObjectReading } from "../../core/policy/facts.ts";
import type { NodeName } from "../../core/model/address.ts";

export interface NodeView {
  readonly node: NodeName;
  /** `path` is absolute, as seen on the node. Never rejects for what a file is or is not: absent and unreadable are readings. */
  read(path: string): Promise<ObjectReading>;
  /** Names in a directory, sorted; null when it is absent or no directory, an errno code when it could not be read. */
  list(path: string): Promise<readonly string[] | { readonly unreadable: string } | null>;
}
