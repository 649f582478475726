// The store of files on a node that is reached through a shell: the contract of the local one, kept with POSIX sh on the far side.
// INPUTS: files below the root. OUTPUTS: `.perennial-RUN-TOKEN-NAME` beside a target, then the target itself.
// What the local one does and a shell cannot: hold every folder of a path open. Folders that others may write to are refused for
// changes instead (ADR 0014). Times are whole seconds where the userland knows no others (busybox).
import type { ListingStore, PreflightStore, WritableStore } from "../../engine/ports/store.ts";
import type { Host } from "../shared/host.ts";
import { preflightRemote } from "../shared/remote/preflight.ts";
import { listRemote, readRemote } from "../shared/remote/reading.ts";
import { openRemoteFiles } from "../shared/remote/remote-files.ts";
import { commitAllRemote, commitRemote, removeRemote, stageRemote } from "../shared/remote/replacing.ts";
import { callsAtOnce } from "../shared/remote/script-queue.ts";
import { adoptRemote, discardRemote, sweepRemote } from "../shared/remote/temporaries.ts";

export interface RemoteFileStoreOptions {
  readonly host: Host;
  readonly node: string;
  /** The folder that is `/` for the node, as the host sees it; default `/`. */
  readonly root?: string;
  /** More trees, as absolute paths of the node, that links may lead into and files be written through. */
  readonly allowLinksTo?: readonly string[];
  /**
   * The folder with the claims of the node's lock (engine/lock.ts), as the host sees it: what is made live looks there once more, in the
   * script that renames. Without it only `fence` is asked.
   */
  readonly lock?: string;
}

export type RemoteFileStore = WritableStore & PreflightStore & ListingStore;

/**
 * Opens the files of one node; nothing is asked before the first call. Calls of one turn of the event loop travel as one script. The host
 * stays the caller's. A root that is no directory is `not-a-node` at the first use, a lost connection what the host rejects with.
 * Addresses of other stores, nodes, or with an entry are a TypeError.
 */
export function openRemoteFileStore(options: RemoteFileStoreOptions): RemoteFileStore {
  const files = openRemoteFiles(options);
  return {
    id: `file:${options.node}`,
    read: async (address, wanted) => readRemote(files, address, wanted),
    list: async (directory) => listRemote(files, directory),
    stage: async (address, bytes, wanted) => stageRemote(files, address, bytes, wanted),
    commit: async (staged, wanted) => commitRemote(files, staged, wanted),
    commitAll: async (groups, wanted) => commitAllRemote(files, groups, wanted),
    together: callsAtOnce,
    adopt: async (staged, token) => adoptRemote(files, staged, token),
    discard: async (staged) => discardRemote(files, staged),
    remove: async (address, wanted) => removeRemote(files, address, wanted),
    sweep: async (addresses, token) => sweepRemote(files, addresses, token),
    preflight: async (address, wanted) => preflightRemote(files, address, wanted),
  };
}
