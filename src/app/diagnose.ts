// The use case `diagnose`: log text from wherever it is, the node's facts where there is a node, and what both say together.
import { StringDecoder } from "node:string_decoder";
import { isAppError } from "../core/model/errors.ts";
import type { DiagnoseResult } from "../core/model/diagnosis.ts";
import { check } from "../core/policy/check.ts";
import { diagnose } from "../core/policy/diagnose/diagnose.ts";
import type { NodeKnowledge } from "../core/policy/diagnose/knowledge.ts";
import { createLineSplitter } from "../core/policy/diagnose/line-splitter.ts";
import { type LogSource, parseLine } from "../core/policy/diagnose/log-lines.ts";
import { componentOfFile } from "../core/policy/diagnose/component-of-file.ts";
import { recogniseLine } from "../core/policy/diagnose/symptoms.ts";
import { type Tally, createTally } from "../core/policy/diagnose/tally.ts";
import { readJournal } from "../drivers/discovery/logs-journal.ts";
import { nodeLogs } from "../drivers/discovery/logs.ts";
import { readLogFile } from "../drivers/discovery/logs-files.ts";
import { type ProfileChoice, gather } from "./gather.ts";
import { type CollectedNode, isCollected } from "./collected-node.ts";
import { type LocalNode, type ReadableNode, isLocal } from "./local-node.ts";
import { nodeKnowledge } from "./node-knowledge.ts";

export interface DiagnoseRequest {
  /** Paths of this machine, `-` for standard input; none means the node's own logs. */
  readonly files: readonly string[];
  readonly choice: ProfileChoice;
  /** ms since the epoch. */
  readonly at: number;
  readonly withinMs: number;
}

export interface LogInputs {
  /** Standard input, piece by piece. */
  input(): AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/**
 * Without a node at the root the log text alone is judged; without both it is `not-a-node`. Throws `input-unreadable` for a
 * named file; of a node of another machine no log is read; logs found by itself that cannot be read are listed in `unread`.
 */
export async function diagnoseNode(
  local: ReadableNode,
  request: DiagnoseRequest,
  inputs: LogInputs,
): Promise<DiagnoseResult> {
  const known = await knowledgeOf(local, request);
  const collected = collector();
  if (request.files.length > 0) await readNamed(request.files, inputs, collected);
  else if (isCollected(local)) readCollected(local, collected);
  else if (isLocal(local)) await readFound(local, inputs, collected);
  const { tally, sources, unread } = collected;
  if (known.node === null && sources.length === 0) throw known.error;
  return {
    at: request.at,
    node: known.node?.facts.inventory.nodes[0]?.node ?? null,
    root: local.root,
    sources,
    unread,
    lines: tally.lines,
    diagnoses: diagnose(tally.symptoms(), known.node, tally.newest),
  };
}

type Known = { readonly node: NodeKnowledge } | { readonly node: null; readonly error: unknown };

async function knowledgeOf(local: ReadableNode, { choice, at, withinMs }: DiagnoseRequest): Promise<Known> {
  try {
    const { facts } = await gather(local, choice, at);
    return { node: nodeKnowledge(local, facts, { findings: check(facts, { withinMs }) }) };
  } catch (error) {
    if (isAppError(error, "not-a-node") || isAppError(error, "not-kubeadm")) return { node: null, error };
    throw error;
  }
}

interface Collector {
  readonly tally: Tally;
  readonly sources: string[];
  readonly unread: { source: string; reason: string }[];
}

function collector(): Collector {
  return { tally: createTally(recogniseLine), sources: [], unread: [] };
}

async function readNamed(
  files: readonly string[],
  inputs: LogInputs,
  { tally, sources }: Collector,
): Promise<void> {
  for (const file of files) {
    sources.push(file);
    const lines = splitterFor({ source: file, component: componentOfFile(file) }, tally);
    const decoder = new StringDecoder("utf8");
    const chunks = file === "-" ? inputs.input() : readLogFile(file, inputs.signal);
    for await (const chunk of chunks) {
      inputs.signal.throwIfAborted();
      lines.push(decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)));
    }
    lines.push(decoder.end());
    lines.end();
  }
}

function readCollected({ collected }: CollectedNode, found: Collector): void {
  for (const { source, component, text } of collected.logs) addText(text, { source, component }, found);
}

async function readFound(local: LocalNode, { signal }: LogInputs, found: Collector): Promise<void> {
  for (const piece of nodeLogs(local.root)) {
    signal.throwIfAborted();
    if (piece.state === "unread") found.unread.push({ source: piece.source, reason: piece.reason });
    else addText(piece.text, piece, found);
  }
  if (local.root !== "/") return;
  const journal = await readJournal({ signal });
  signal.throwIfAborted();
  if (journal.state === "read") addText(journal.text, { source: "journal", component: null }, found);
  // A machine without systemd has no journal to miss.
  else if (journal.reason !== "ENOENT") found.unread.push({ source: "journal", reason: journal.reason });
}

function addText(text: string, { source, component }: LogSource, { tally, sources }: Collector): void {
  sources.push(source);
  const lines = splitterFor({ source, component }, tally);
  lines.push(text);
  lines.end();
}

function splitterFor(source: LogSource, tally: Tally): ReturnType<typeof createLineSplitter> {
  return createLineSplitter((raw, number) => {
    const line = parseLine(raw, number, source);
    if (line !== null) tally.add(line);
  });
}
