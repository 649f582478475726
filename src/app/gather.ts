// profile -> discovery -> inventory -> facts, for one node's files.
import { hostname } from "node:os";
import { type Address, formatAddress } from "../core/model/address.ts";
import { AppError } from "../core/model/errors.ts";
import type { Inventory } from "../core/model/inventory.ts";
import type { Facts } from "../core/policy/facts.ts";
import { objectsOfSlot, observe } from "../core/policy/observe.ts";
import { type BuiltinProfile, builtinProfile, builtinProfileIds } from "../core/profile/builtin.ts";
import { resolveParams } from "../core/profile/profile.ts";
import { discoverNodeName } from "../drivers/discovery/node-name.ts";
import { discoverNode, recognises } from "../drivers/discovery/node.ts";
import { discoverRemains } from "../drivers/discovery/remains.ts";
import type { NodeView } from "../engine/ports/node-view.ts";
import { openNodeView } from "./node-view.ts";
import type { LocalNode } from "./local-node.ts";

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

/** With `remains` also looks for old versions of what is missing. Reads everything once and judges it for the instant `at` (ms). Throws `not-a-node` when no profile fits. */
export async function gather(
  local: LocalNode,
  choice: ProfileChoice,
  at: number,
  options: { readonly remains?: boolean } = {},
): Promise<Gathered> {
  const { profile, digest, params, node } = await recognise(local, choice);
  const store = local.openStore(node);
  try {
    const view = openNodeView(store, node);
    const found = await discoverNode(view, profile, params);
    const inventory: Inventory = { cluster: "local", profile: { id: profile.id, digest }, nodes: [found] };
    for (const address of objectsOf(inventory)) await view.read(address.path);
    const facts = observe(inventory, view.readings(), at);
    if (options.remains !== true) return { facts, inventory };
    const remains = await discoverRemains(view, profile, params, inventory);
    return { facts: { ...facts, remains }, inventory };
  } finally {
    store.close();
  }
}

interface Recognised extends BuiltinProfile {
  readonly params: Readonly<Record<string, string>>;
  readonly node: string;
}

/** Which distribution this is and what the cluster calls the node; both are needed before anything has an address. */
async function recognise(local: LocalNode, choice: ProfileChoice): Promise<Recognised> {
  const store = local.openStore("unnamed");
  try {
    const view = openNodeView(store, "unnamed");
    const builtin = await chooseProfile(view, local, choice);
    const params = resolveParams(builtin.profile, choice.params);
    const name = await discoverNodeName(view, builtin.profile, params);
    return { ...builtin, params, node: name ?? (local.root === "/" ? hostname() : "node") };
  } finally {
    store.close();
  }
}

async function chooseProfile(
  view: NodeView,
  local: LocalNode,
  choice: ProfileChoice,
): Promise<BuiltinProfile> {
  if (choice.id !== null) return builtinProfile(choice.id);
  for (const id of builtinProfileIds()) {
    const builtin = builtinProfile(id);
    if (await recognises(view, builtin.profile, resolveParams(builtin.profile, choice.params)))
      return builtin;
  }
  throw new AppError("not-a-node", { root: local.root });
}

function objectsOf(inventory: Inventory): readonly Address[] {
  const all = inventory.nodes.flatMap((node) => [
    ...node.certificates.flatMap(objectsOfSlot),
    ...node.authorities.flatMap((authority) => [authority.certificate, authority.key]),
    ...node.keyPairs.flatMap((pair) => [pair.publicKey, pair.privateKey]),
  ]);
  return [...new Map(all.map((address) => [formatAddress(address), address])).values()];
}
