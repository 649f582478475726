// profile -> discovery -> inventory -> facts, for one node's files.
import { hostname } from "node:os";
import { type Address, formatAddress } from "../core/model/address.ts";
import { AppError, attempt, isAppError } from "../core/model/errors.ts";
import type { Inventory } from "../core/model/inventory.ts";
import type { LiveInventory } from "../core/model/live.ts";
import type { Facts } from "../core/policy/facts.ts";
import { objectsOfSlot, observe } from "../core/policy/observe.ts";
import { type BuiltinProfile, builtinProfile, profilesToTry } from "../core/profile/builtin.ts";
import { resolveParams, substitute } from "../core/profile/profile.ts";
import type { ClusterSigns, discoverClusterSigns } from "../drivers/discovery/cluster-signs.ts";
import type { discoverLive } from "../drivers/discovery/live.ts";
import { expectedByPatterns, expectedReads } from "../drivers/discovery/expected-reads.ts";
import { discoverNodeName, discoverToldNames } from "../drivers/discovery/node-name.ts";
import { discoverNode, recognises } from "../drivers/discovery/node.ts";
import type { discoverRemains } from "../drivers/discovery/remains.ts";
import type { NodeView } from "../engine/ports/node-view.ts";
import { type RememberingView, openNodeView } from "./node-view.ts";
import type { ReadableNode } from "./local-node.ts";

export interface Gathered {
  readonly facts: Facts;
  readonly inventory: Inventory;
}

export interface ProfileChoice {
  /** `--profile`; null recognises the node. */
  readonly id: string | null;
  /** `--set NAME=VALUE`. */
  readonly params: Readonly<Record<string, string>>;
}

/** What runs on the node beside what is stored there. */
export interface GatheredLive extends Gathered {
  readonly live: LiveInventory;
}

export interface GatherOptions {
  /** Also looks for old versions of what is missing: only plans do, and they bring the code for it. */
  readonly remains?: typeof discoverRemains;
  /** Overwrites every byte that was read once the facts are made: of many nodes nothing is kept but the facts. */
  readonly wipe?: true;
}

/** Reads everything once and judges it for the instant `at` (ms). Throws `not-a-node` when no profile fits. */
export async function gather(
  local: ReadableNode,
  choice: ProfileChoice,
  at: number,
  options: GatherOptions = {},
): Promise<Gathered> {
  return read(local, choice, (view, recognised) => observed(view, recognised, { at, ...options }));
}

/** The same, with what the node's own configuration says of its processes; nothing is dialled. */
export async function gatherLive(
  local: ReadableNode,
  choice: ProfileChoice,
  { discover, ...options }: GatherOptions & { readonly at: number; readonly discover: typeof discoverLive },
): Promise<GatheredLive> {
  return read(local, choice, async (view, recognised) => {
    const gathered = await observed(view, recognised, options);
    const [own] = gathered.inventory.nodes;
    if (!own) throw new TypeError("a node was read and is not in the inventory");
    return { ...gathered, live: await discover(view, recognised, own) };
  });
}

/** Only what the node's own configuration says of its processes: nothing that is stored is judged. */
export async function gatherLiveInventory(
  local: ReadableNode,
  choice: ProfileChoice,
  discover: typeof discoverLive,
): Promise<LiveInventory> {
  return read(local, choice, async (view, recognised) =>
    discover(view, recognised, await discoverNode(view, recognised.profile, recognised.params)),
  );
}

/** What the node's own files say of its cluster; nothing that is stored is judged. */
export async function gatherClusterSigns(
  local: ReadableNode,
  choice: ProfileChoice,
  discover: typeof discoverClusterSigns,
): Promise<ClusterSigns> {
  return read(local, choice, async (view, { profile, params }) => discover(view, profile, params));
}

async function read<T>(
  local: ReadableNode,
  choice: ProfileChoice,
  action: (view: RememberingView, recognised: Recognised) => Promise<T>,
): Promise<T> {
  const store = local.openStore(unnamed);
  const view = openNodeView(store, unnamed);
  try {
    const recognised = await recognise(view, local, choice);
    return await action(recognised.view, recognised);
  } finally {
    view.forgetExpected();
    store.close();
  }
}

async function observed(
  view: RememberingView,
  { profile, digest, params, isFar }: Recognised,
  { at, remains, wipe }: GatherOptions & { readonly at: number },
): Promise<Gathered> {
  const found = await discoverNode(view, profile, params);
  const inventory: Inventory = { cluster: "local", profile: { id: profile.id, digest }, nodes: [found] };
  const paths = objectsOf(inventory).map(({ path }) => path);
  if (isFar) await view.expect(paths, []);
  for (const path of paths) await view.read(path);
  const facts = observe(inventory, view.readings(), at);
  if (wipe === true && remains === undefined) wipeBytes(view);
  if (remains === undefined) return { facts, inventory };
  return { facts: { ...facts, remains: await remains(view, profile, params, inventory) }, inventory };
}

/** Private keys are among them. A reading's bytes are the reader's own copy. */
function wipeBytes(view: RememberingView): void {
  for (const reading of view.readings().values()) if (reading.state === "present") reading.bytes.fill(0);
}

/** Until its own files say what the cluster calls the node. */
const unnamed = "unnamed";

interface Recognised extends BuiltinProfile {
  readonly params: Readonly<Record<string, string>>;
  /** See {@link ReadableNode}. */
  readonly isFar: boolean;
  /** The view that was given, under the node's name. */
  readonly view: RememberingView;
}

/** Which distribution this is and what the cluster calls the node; both are needed before anything has an address. */
async function recognise(
  view: RememberingView,
  local: ReadableNode,
  choice: ProfileChoice,
): Promise<Recognised> {
  const builtin = await chooseProfile(view, local, choice);
  const params = resolveParams(builtin.profile, choice.params);
  const isFar = local.isFar === true;
  if (isFar) await expectAll(view, builtin.profile, params);
  const name =
    local.nodeName === undefined
      ? ((await discoverNodeName(view, builtin.profile, params)) ?? hostNameOf(local))
      : await expectedName(view, local.nodeName, { ...builtin, params });
  return { ...builtin, params, isFar, view: view.named(name) };
}

/** Two questions instead of one for each file. */
async function expectAll(
  view: RememberingView,
  profile: BuiltinProfile["profile"],
  params: Readonly<Record<string, string>>,
): Promise<void> {
  const { files, folders } = expectedReads(profile, params);
  await view.expect(files, folders);
  const more = await expectedByPatterns(view, profile, params);
  await view.expect(more.files, more.folders);
}

/** The operator's name for the node holds unless etcd and the kubelet, where they say anything, both call it something else. */
async function expectedName(
  view: NodeView,
  node: string,
  { profile, params }: BuiltinProfile & Pick<Recognised, "params">,
): Promise<string> {
  const told = await discoverToldNames(view, profile, params);
  if (told.length === 0 || told.includes(node)) return node;
  throw new AppError("node-is-another", { node, found: [...new Set(told)].join(", ") });
}

function hostNameOf({ root, hostName }: ReadableNode): string {
  return hostName ?? (root === "/" ? hostname() : "node");
}

async function chooseProfile(
  view: RememberingView,
  local: ReadableNode,
  choice: ProfileChoice,
): Promise<BuiltinProfile> {
  if (choice.id !== null) return builtinProfile(choice.id);
  if (local.isFar === true) await view.expect(marksOfAll(choice), []);
  for (const id of profilesToTry()) {
    const builtin = builtinProfile(id);
    const params = resolveParams(builtin.profile, choice.params);
    if (!(await recognises(view, builtin.profile, params))) continue;
    if (!(await isSurelyKubeadm(view, builtin.profile, params))) await refuseOthers(view, local.root);
    return builtin;
  }
  await refuseOthers(view, local.root);
  throw new AppError("not-a-node", { root: local.root });
}

/** What any profile would look at; parameters that only some know are met one profile after the other, as before. */
function marksOfAll({ params }: ProfileChoice): readonly string[] {
  return profilesToTry().flatMap((id) => {
    const { profile } = builtinProfile(id);
    const resolved = attempt(() => resolveParams(profile, params));
    if (isAppError(resolved)) return [];
    return [...profile.recognise, ...(profile.certain ?? []), ...(profile.marks ?? [])].map((mark) =>
      substitute(mark, resolved, profile.id),
    );
  });
}

/** A kubelet.conf alone tells little: OpenShift has a file of that name, and agents of others may have one. */
async function isSurelyKubeadm(
  view: NodeView,
  profile: BuiltinProfile["profile"],
  params: Readonly<Record<string, string>>,
): Promise<boolean> {
  return recognises(view, { ...profile, recognise: profile.certain ?? profile.recognise }, params);
}

/** @throws AppError `not-kubeadm` for a node of a distribution that something else looks after */
async function refuseOthers(view: NodeView, root: string): Promise<void> {
  const { otherDistribution } = await import("../drivers/discovery/other-distributions.ts");
  const other = await otherDistribution(view);
  if (other !== null) throw new AppError("not-kubeadm", { root, ...other });
}

function objectsOf(inventory: Inventory): readonly Address[] {
  const all = inventory.nodes.flatMap((node) => [
    ...node.certificates.flatMap(objectsOfSlot),
    ...node.authorities.flatMap((authority) => [authority.certificate, authority.key]),
    ...node.keyPairs.flatMap((pair) => [pair.publicKey, pair.privateKey]),
  ]);
  return [...new Map(all.map((address) => [formatAddress(address), address])).values()];
}
