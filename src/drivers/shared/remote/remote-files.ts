// The files of one node behind a shell, as everything that reads or changes them needs it.
import { posix } from "node:path";
import { formatAddress, type Address } from "../../../core/model/address.ts";
import type { Host } from "../host.ts";
import { splitNodePath } from "../node-walk.ts";
import { ask, askChain, type ChainEnd, type Question } from "./asking.ts";
import { filePrelude, treesWith } from "./file-script.ts";
import { openScriptQueue, type Answer } from "./script-queue.ts";

export interface RemoteFiles {
  readonly trees: readonly string[];
  /** formatAddress, after checking that this node's files are meant and no entry; TypeError otherwise. */
  object(address: Address): string;
  ask(question: Question): Promise<Answer>;
  /** One script; see {@link askChain}. */
  askChain(questions: readonly Question[]): Promise<ChainEnd>;
  /** The folder with the claims of the node's lock; null where nobody else looks after that. */
  readonly lock: string | null;
}

export function openRemoteFiles(options: {
  readonly host: Host;
  readonly node: string;
  readonly root?: string;
  readonly allowLinksTo?: readonly string[];
  readonly lock?: string;
}): RemoteFiles {
  const root = posix.normalize(options.root ?? "/").replace(/(?<=.)\/$/, "");
  if (!root.startsWith("/")) throw new TypeError(`not an absolute path: ${root}`);
  const trees = treesWith(options.allowLinksTo);
  const queue = openScriptQueue(options.host, filePrelude(root, trees));
  return {
    trees,
    lock: options.lock ?? null,
    object(address) {
      if (address.store !== "file" || address.node !== options.node || address.entry !== undefined) {
        throw new TypeError(`not a whole file of node ${options.node}: ${formatAddress(address)}`);
      }
      return formatAddress(address);
    },
    ask: (question) => ask(queue, { root, ...question }),
    askChain: (questions) =>
      askChain(
        queue,
        questions.map((question) => ({ root, ...question })),
      ),
  };
}

/** The components of a path, for the walk; throws `value-invalid`. */
export function walkable(path: string): string {
  return splitNodePath(path).join("/");
}
