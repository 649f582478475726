// What `-f` means: the clusters of one file or of a folder, one after the other, the worst of them as the answer.
import { findClusterFiles, readClusterFile } from "../app/cluster-files.ts";
import { type OpenCluster, type OpenClusterOptions, openCluster } from "../app/cluster.ts";
import { lifeHere } from "../app/kept-runs.ts";
import type { Cluster } from "../core/model/cluster.ts";
import { AppError, isAppError } from "../core/model/errors.ts";
import { cliMessages } from "../report/cli-messages.ts";
import { exitCodeOfError, exitCodes } from "./exit-codes.ts";
import type { Passwords } from "../app/open-session.ts";
import type { Io } from "./io.ts";
import { askPasswords } from "./passwords.ts";
import type { NodeOptions } from "./options.ts";

export type OfCluster<T extends NodeOptions> = T & { readonly file: string };

/** What came of one cluster file; in a folder a file that is not in order does not stop the others. */
export type ClusterAnswer<T> =
  | { readonly path: string; readonly state: "answered"; readonly answer: T; readonly exitCode: number }
  | { readonly path: string; readonly state: "failed"; readonly error: AppError; readonly exitCode: number };

export interface ClusterAnswers<T> {
  readonly isFolder: boolean;
  readonly answers: readonly ClusterAnswer<T>[];
  readonly exitCode: number;
}

/** The files of the nodes of each cluster, open. */
export function eachCluster<T>(
  options: OfCluster<NodeOptions>,
  io: Io,
  ask: (open: OpenCluster, path: string) => Promise<Answered<T>>,
): Promise<ClusterAnswers<T>> {
  let asked: ReturnType<typeof askPasswords> | null = null;
  return eachClusterFile(options, io, async (cluster, path) => {
    // Once for all files of a folder, and not for a file that is not in order.
    asked ??= askPasswords(options, io);
    const open = openCluster(cluster, clusterOptionsOf(io, await asked));
    try {
      return await ask(open, path);
    } finally {
      await open.close();
    }
  });
}

export interface Answered<T> {
  readonly answer: T;
  readonly exitCode: number;
}

/** One by one: each is read in parallel already. Without a folder the error of the one file is thrown. */
export async function eachClusterFile<T>(
  options: OfCluster<NodeOptions>,
  io: Io,
  ask: (cluster: Cluster, path: string) => Promise<Answered<T>>,
): Promise<ClusterAnswers<T>> {
  assertAlone(options, io);
  const { paths, isFolder } = await findClusterFiles(options.file);
  const answers: ClusterAnswer<T>[] = [];
  for (const path of paths) {
    try {
      io.signal.throwIfAborted();
      answers.push({ path, state: "answered", ...(await ask(await readClusterFile(path), path)) });
    } catch (error) {
      if (!isFolder || !isAppError(error) || error.code === "interrupted") throw error;
      answers.push({ path, state: "failed", error, exitCode: exitCodeOfError(error.code) });
    }
  }
  return { isFolder, answers, exitCode: worstOf(answers.map(({ exitCode }) => exitCode)) };
}

/** The one place where the way to other machines is put in. */
function clusterOptionsOf(io: Io, passwords: Passwords = {}): OpenClusterOptions {
  const { environment } = io;
  const files = { environment, allowLinksTo: [], live: null };
  return {
    environment,
    openSsh: async (node) => {
      const { openSshAccess } = await import("../app/ssh-access.ts");
      const access = openSshAccess(node, { ...files, ssh: passwords });
      const { lifeOf = lifeHere } = access;
      return { ...access.readable, state: (path) => access.state(path), lifeOf, close: () => access.close() };
    },
  };
}

/** The file says which nodes, which profile and which parameters; saying it twice is a mistake. */
function assertAlone(options: NodeOptions & { readonly facts?: string }, io: Io): void {
  const { usage } = cliMessages(io.lang);
  const others = [
    ...(options.profile === undefined ? [] : ["--profile"]),
    ...(options.set.length === 0 ? [] : ["--set"]),
    ...(options.stateDir === undefined ? [] : ["--state-dir"]),
    ...(options.facts === undefined ? [] : ["--facts"]),
  ];
  const [first] = others;
  if (first !== undefined) throw new AppError("usage", { reason: usage.excludes("--file", first) });
}

/** An error is worse than a finding, a file that is not in order worse than a certificate that is not. */
function worstOf(codes: readonly number[]): number {
  const order = [exitCodes.failed, exitCodes.usage, exitCodes.refused, exitCodes.attention];
  return order.find((code) => codes.includes(code)) ?? Math.max(...codes);
}
