// `perennial inspect FILE|HOST:PORT...`.
import {
  inspectBytes,
  inspectCollected,
  inspectFile,
  inspectListener,
  type Listener,
  listenerOf,
} from "../../app/inspect.ts";
import { AppError } from "../../core/model/errors.ts";
import type { InspectResult } from "../../core/model/inspect.ts";
import { cliMessages } from "../../report/cli-messages.ts";
import { renderJson, renderYaml } from "../../report/data-text.ts";
import { inspectToJson, renderInspect } from "../../report/inspect-text.ts";
import { parseInstant } from "../durations.ts";
import { factsNodeOf } from "../requests.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";

export interface InspectOptions {
  readonly at?: string;
  readonly output: string;
  readonly root: string;
  readonly facts?: string;
  readonly serverName?: string;
}

/** Exit 3 when something is damaged, encrypted counts as well, expired as attention. */
export async function runInspect(files: readonly string[], options: InspectOptions, io: Io): Promise<number> {
  const at = options.at === undefined ? io.now() : parseInstant(options.at);
  if (options.serverName !== undefined && files.every((file) => listenerIn(file, options) === null))
    throw new AppError("usage", { reason: cliMessages(io.lang).usage.serverNameWithoutListener });
  const results: InspectResult[] = [];
  const collected = options.facts === undefined ? null : await factsNodeOf(options.facts, io, options.root);
  for (const file of files) {
    results.push(
      collected ? await inspectCollected(file, at, collected) : await inspectOne(file, { at, options, io }),
    );
  }
  if (options.output === "json") io.out(renderJson(asData(results)));
  else if (options.output === "yaml") io.out(renderYaml(asData(results)));
  else io.out(results.map((result) => renderInspect(result, { lang: io.lang })).join("\n"));
  return results.some(needsAttention) ? exitCodes.attention : exitCodes.ok;
}

async function inspectOne(
  word: string,
  { at, options, io }: { readonly at: number; readonly options: InspectOptions; readonly io: Io },
): Promise<InspectResult> {
  if (word === "-") return inspectBytes("-", await io.readInput(), at);
  const listener = listenerIn(word, options);
  return listener
    ? inspectListener(word, at, { ...listener, serverName: options.serverName ?? null })
    : inspectFile(word, at, options.root);
}

/** Below another root nothing is dialled: every word is a path there. */
function listenerIn(word: string, { root, facts }: InspectOptions): Listener | null {
  return root === "/" && facts === undefined ? listenerOf(word) : null;
}

function asData(results: readonly InspectResult[]): unknown {
  const [first] = results;
  return results.length === 1 && first ? inspectToJson(first) : results.map(inspectToJson);
}

function needsAttention(result: InspectResult): boolean {
  if (result.faults.length > 0 || result.items.length === 0) return true;
  return result.items.some(
    (item) =>
      item.kind === "broken" ||
      (item.kind === "certificate" && (item.notAfter < result.at || item.notBefore > result.at)),
  );
}
