// `perennial init`: writes the cluster file of the cluster that a node belongs to.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type NamedNode, draftCluster } from "../../app/init-cluster.ts";
import type { ClusterDraft } from "../../core/model/cluster-draft.ts";
import { AppError } from "../../core/model/errors.ts";
import { parseClusterFile } from "../../core/profile/cluster-file.ts";
import { cliMessages } from "../../report/cli-messages.ts";
import { renderClusterDraft } from "../../report/cluster-draft.ts";
import { safeText } from "../../report/escape.ts";
import { toolCommand } from "../../report/tool-command.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import type { NodeOptions } from "../options.ts";
import { nodeArguments } from "../options.ts";
import { nodeOf, profileChoiceOf } from "../requests.ts";

export interface InitOptions extends NodeOptions {
  readonly out: string;
  readonly node: readonly string[];
  readonly worker: readonly string[];
}

/** A file that is there already is never replaced. @throws AppError `file-exists`, `cluster-invalid`, `not-a-node` */
export async function runInit(options: InitOptions, io: Io): Promise<number> {
  const named = namedNodes(options);
  const draft = await draftCluster(nodeOf(options, io), {
    choice: profileChoiceOf(options),
    named,
    at: io.now(),
    signal: io.signal,
  });
  const text = renderClusterDraft(draft, io.lang);
  // What a manifest calls a node may be no name at all.
  parseClusterFile(text, resolve(options.out));
  writeNew(options.out, text);
  io.out(closing(draft, options, io));
  return exitCodes.ok;
}

function closing({ nodes }: ClusterDraft, options: InitOptions, io: Io): string {
  const { init } = cliMessages(io.lang);
  const ofCluster = toolCommand(["-f", options.out]);
  const ofNode = toolCommand(nodeArguments(options));
  return [
    init.written(options.out, nodes.map(({ name }) => safeText(name)).join(", ")),
    ...(nodes.length === 1 ? [init.alone(ofNode("init --node NAME=ADDRESS --worker NAME=ADDRESS"))] : []),
    init.next(ofCluster("check")),
    "",
  ].join("\n");
}

function namedNodes({ node, worker }: InitOptions): readonly NamedNode[] {
  const named = [
    ...node.map((text) => namedNode("--node", text)),
    ...worker.map((text) => namedNode("--worker", text)),
  ];
  const twice = named.find(({ name }, index) => named.findIndex((other) => other.name === name) < index);
  if (twice)
    throw new AppError("value-invalid", {
      what: "--node",
      value: twice.name,
      expected: "every name once",
    });
  return named;
}

function namedNode(what: "--node" | "--worker", text: string): NamedNode {
  const [, name, address] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || address === undefined)
    throw new AppError("value-invalid", { what, value: text, expected: "NAME=ADDRESS" });
  return { name, address, isWorker: what === "--worker" };
}

function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx", mode: 0o644 });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    if (code === "EEXIST") throw new AppError("file-exists", { path }, { cause });
    throw new AppError("out-failed", { path: resolve(path), cause: code }, { cause });
  }
}
