// What `-f` means: the clusters of one file or of a folder, one after the other, the worst of them as the answer.
import { findClusterFiles, readClusterFile } from "../app/cluster-files.ts";
import { type OpenCluster, type OpenClusterOptions, openCluster } from "../app/cluster.ts";
import { AppError, isAppError } from "../core/model/errors.ts";
import { cliMessages } from "../report/cli-messages.ts";
import { exitCodeOfError, exitCodes } from "./exit-codes.ts";
import type { Io } from "./io.ts";
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

/** One by one: each is read in parallel already. Without a folder the error of the one file is thrown. */
export async function eachCluster<T>(
  options: OfCluster<NodeOptions>,
  io: Io,
  ask: (open: OpenCluster, path: string) => Promise<{ readonly answer: T; readonly exitCode: number }>,
): Promise<ClusterAnswers<T>> {
  assertAlone(options, io);
  const { paths, isFolder } = await findClusterFiles(options.file);
  const answers: ClusterAnswer<T>[] = [];
  for (const path of paths) {
    try {
      answers.push({ path, state: "answered", ...(await askOne(path, io, ask)) });
    } catch (error) {
      if (!isFolder || !isAppError(error) || error.code === "interrupted") throw error;
      answers.push({ path, state: "failed", error, exitCode: exitCodeOfError(error.code) });
    }
  }
  return { isFolder, answers, exitCode: worstOf(answers.map(({ exitCode }) => exitCode)) };
}

async function askOne<T>(
  path: string,
  io: Io,
  ask: (open: OpenCluster, path: string) => Promise<T>,
): Promise<T> {
  io.signal.throwIfAborted();
  const open = openCluster(await readClusterFile(path), clusterOptionsOf(io));
  try {
    return await ask(open, path);
  } finally {
    await open.close();
  }
}

/** The one place where the way to other machines is put in. */
export function clusterOptionsOf(io: Io): OpenClusterOptions {
  const { environment } = io;
  const files = { environment, allowLinksTo: [], live: null };
  return {
    environment,
    openSsh: async (node) => {
      const { openSshAccess } = await import("../app/ssh-access.ts");
      const access = openSshAccess(node, files);
      return { ...access.readable, close: () => access.close() };
    },
  };
}

/** The file says which nodes, which profile and which parameters; saying it twice is a mistake. */
function assertAlone(options: NodeOptions & { readonly facts?: string }, io: Io): void {
  const { usage } = cliMessages(io.lang);
  const others = [
    ...(options.root === "/" ? [] : ["--root"]),
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
