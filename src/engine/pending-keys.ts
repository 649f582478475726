// Keys that wait for an answer of a CA elsewhere, in the state directory: 0600 files in 0700 folders, never anywhere else.
//
//   pending/NODE/NAME.key   the private key, PEM
//   pending/NODE/NAME.json  the request made with it; written after the key and removed before it, so that it vouches for one
import { parseAddress, type Address } from "../core/model/address.ts";
import { AppError } from "../core/model/errors.ts";
import type { PendingRequest } from "../core/model/pending.ts";
import { parsePending, type ParsedPending } from "../core/plan/parse-pending.ts";
import { readPublicHalf } from "../core/pki/public-half.ts";
import { sha256Hex } from "../core/pki/fingerprints.ts";
import type { StateDirectory } from "./ports/state.ts";
import type { Failpoints } from "./ports/world.ts";

export interface PendingPorts {
  readonly state: StateDirectory;
  readonly failpoints: Failpoints;
}

export interface PendingKey extends ParsedPending {
  /** Of the key, in the store `pending`. */
  readonly address: Address;
}

/** A name as one plain file name: `admin.conf`, `root%2F.kube%2Fconfig`. */
export function plainName(name: string): string {
  return encodeURIComponent(name).replace(/^\.+/, (dots) => dots.replaceAll(".", "%2e"));
}

function fileOf({ node, name }: Pick<PendingRequest, "node" | "name">, kind: "key" | "json"): string {
  return `pending/${plainName(node)}/${plainName(name)}.${kind}`;
}

/**
 * Every request whose key is there and fits, of all nodes that this state directory serves. What a crash left half made is not among
 * them: nobody was given a request for it.
 * @throws AppError what the state directory throws
 */
export async function readPending(state: StateDirectory): Promise<readonly PendingKey[]> {
  const folders = (await state.list("pending")).map((name) => `pending/${name}`);
  const files = await Promise.all(
    folders.map(async (folder) => (await state.list(folder)).map((name) => `${folder}/${name}`)),
  );
  const records = files.flat().filter((file) => file.endsWith(".json"));
  const found = await Promise.all(records.map((file) => readOne(state, file)));
  return found.flatMap((each) => each ?? []);
}

async function readOne(state: StateDirectory, file: string): Promise<PendingKey | null> {
  const bytes = await state.read(file);
  const parsed = bytes && parsePending(bytes);
  if (!parsed) return null;
  const { record } = parsed;
  const keyFile = fileOf(record, "key");
  const key = await state.read(keyFile);
  if (key === null) return null;
  const { spkiDer } = readPublicHalf(key);
  key.fill(0);
  if (sha256Hex(spkiDer) !== record.spkiSha256) return null;
  return { ...parsed, address: { store: "pending", node: record.node, path: `/${keyFile}` } };
}

/** Takes the place of an earlier request of the same name. Durable when it resolves: only then may the request be handed out. */
export async function writePending(
  { state, failpoints }: PendingPorts,
  record: PendingRequest,
  keyPem: Uint8Array,
): Promise<void> {
  const [key, json] = [fileOf(record, "key"), fileOf(record, "json")];
  await state.remove(json);
  await state.remove(key);
  await failpoints.hit("pending.before-key");
  await createNew(state, key, keyPem);
  await failpoints.hit("pending.after-key");
  await createNew(state, json, new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`));
  await failpoints.hit("pending.after-record");
}

async function createNew(state: StateDirectory, file: string, bytes: Uint8Array): Promise<void> {
  if (await state.create(file, bytes)) return;
  const path = `${state.path}/${file}`;
  throw new AppError("state-unsafe", { path, fault: "unsafe", reason: "somebody else made it" });
}

/** @param key formatAddress of the key; gone already resolves */
export async function removePending({ state, failpoints }: PendingPorts, key: string): Promise<void> {
  const path = parseAddress(key).path.slice(1);
  await state.remove(path.replace(/\.key$/, ".json"));
  await failpoints.hit("pending.after-remove-record");
  await state.remove(path);
  await failpoints.hit("pending.after-remove");
}
