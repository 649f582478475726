// `-f` for commands that need more of a node than its files: the ways to all nodes, open for one command.
import type { Cluster } from "../core/model/cluster.ts";
import { readClusterFile } from "../app/cluster-files.ts";
import type { ClusterSession } from "../app/cluster-renewal.ts";
import { closeSession, openSession } from "../app/open-session.ts";
import type { Io } from "./io.ts";
import type { NodeOptions } from "./options.ts";
import { askPasswords } from "./passwords.ts";
import { liveChoiceOf } from "./requests.ts";

/** Nothing is reached before `action` asks for it; everything is closed behind it. */
export async function withSession<T>(
  options: NodeOptions & { readonly file: string },
  io: Io,
  action: (session: ClusterSession) => Promise<T>,
): Promise<T> {
  return withSessionOf(await readClusterFile(options.file), { options, io }, action);
}

export async function withSessionOf<T>(
  cluster: Cluster,
  { options, io }: { readonly options: NodeOptions; readonly io: Io },
  action: (session: ClusterSession) => Promise<T>,
): Promise<T> {
  const isDialled = options.probe !== false;
  const passwords = await askPasswords(options, io);
  const session = await openSession(cluster, {
    environment: io.environment,
    allowLinksTo: options.allowLinksTo ?? [],
    live: isDialled ? liveChoiceOf({ ...options, probe: true }) : null,
    isProbed: options.probe === true,
    stateDirectory: options.stateDir ?? null,
    passwords,
  });
  try {
    return await action(session);
  } finally {
    await closeSession(session);
  }
}
