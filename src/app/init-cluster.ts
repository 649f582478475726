// The use case `init`: what one node knows of its cluster, as a draft of its cluster file.
import type { ClusterDraft, ClusterSign, ClusterSource, DraftNode } from "../core/model/cluster-draft.ts";
import { AppError } from "../core/model/errors.ts";
import type { NodeRole } from "../core/model/cluster.ts";
import type { Looked } from "../core/model/verification.ts";
import { etcdAccess } from "../core/plan/etcd-access.ts";
import { type ClusterSigns, discoverClusterSigns, hostIn } from "../drivers/discovery/cluster-signs.ts";
import { type ListedMember, etcdMembers } from "../drivers/health/etcd-members.ts";
import { withEtcdTarget } from "../engine/etcd-target.ts";
import { type ProfileChoice, gatherClusterSigns } from "./gather.ts";
import { gatherRunning } from "./live.ts";
import { type LocalNode, enginePorts, isLive } from "./local-node.ts";

export interface NamedNode {
  readonly name: string;
  readonly address: string;
  readonly isWorker: boolean;
}

export interface InitRequest {
  readonly choice: ProfileChoice;
  /** `--node`, `--worker`: they win over what files say. */
  readonly named: readonly NamedNode[];
  /** ms since the epoch. */
  readonly at: number;
  readonly signal: AbortSignal;
}

/** Reads the node and, where it is live, asks its etcd; changes nothing. @throws AppError `not-a-node`, `value-invalid` */
export async function draftCluster(local: LocalNode, request: InitRequest): Promise<ClusterDraft> {
  const { choice, named } = request;
  const signs = await gatherClusterSigns(local, choice, discoverClusterSigns);
  const listed = await memberList(local, signs, request);
  const own = ownNode(local, signs);
  assertOthers(own, named);
  // etcd lists its members in the order of their ids, which says nothing.
  const others = memberNodes(signs, listed)
    .filter(
      ({ name, address }) => name !== own.name && (address === null || address.value !== own.address?.value),
    )
    .toSorted((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
  const nodes = [own, ...others, ...named.map((one) => namedNode(one, signs))];
  return {
    name: signs.cluster ?? { value: "kubernetes", source: { kind: "default" } },
    profile: choice.id,
    params: choice.params,
    servers: signs.servers,
    // The later one of a name takes the earlier one's place.
    nodes: [...new Map(nodes.map((node) => [node.name, node])).values()],
    noMemberList: lackOf(signs, listed),
  };
}

function assertOthers(own: DraftNode, named: readonly NamedNode[]): void {
  if (named.some(({ name }) => name === own.name))
    throw new AppError("value-invalid", { what: "--node", value: own.name, expected: "every name once" });
}

function lackOf(signs: ClusterSigns, listed: Looked<unknown>): ClusterDraft["noMemberList"] {
  if (!signs.hasEtcd) return "no-etcd";
  if (listed.state === "skipped") return "files-only";
  return listed.state === "failed" ? { reason: listed.reason } : null;
}

function ownNode({ root }: LocalNode, { node, address, hasApiServer, hasEtcd }: ClusterSigns): DraftNode {
  return {
    name: node,
    address,
    roles: hasApiServer || hasEtcd ? rolesOf({ hasApiServer, hasEtcd }) : ["worker"],
    source: { kind: "default" },
    reach: root === "/" ? { kind: "local" } : { kind: "root", root },
  };
}

function rolesOf({
  hasApiServer,
  hasEtcd,
}: Pick<ClusterSigns, "hasApiServer" | "hasEtcd">): readonly NodeRole[] {
  return [...(hasApiServer ? (["control-plane"] as const) : []), ...(hasEtcd ? (["etcd"] as const) : [])];
}

/** The other control planes are taken to be like this one. */
function namedNode(
  { name, address, isWorker }: NamedNode,
  { hasEtcd, hasApiServer }: ClusterSigns,
): DraftNode {
  const source: ClusterSource = { kind: "option", option: isWorker ? "--worker" : "--node" };
  const isStacked = hasEtcd || !hasApiServer;
  return {
    name,
    address: { value: address, source },
    roles: isWorker ? ["worker"] : rolesOf({ hasApiServer: true, hasEtcd: isStacked }),
    source,
    reach: null,
  };
}

/** The list of a running member is newer than its manifest. */
function memberNodes(
  { members, hasApiServer }: ClusterSigns,
  listed: Looked<readonly ListedMember[]>,
): readonly DraftNode[] {
  const known =
    listed.state === "seen"
      ? listed.value.flatMap(({ name, peerUrls: [url = ""] }) =>
          name === "" ? [] : [{ name, address: addressIn(url) }],
        )
      : members;
  return known.map(({ name, address }) => ({
    name,
    address,
    roles: rolesOf({ hasApiServer, hasEtcd: true }),
    source: address?.source ?? { kind: "member-list" },
    reach: null,
  }));
}

function addressIn(url: string): ClusterSign | null {
  const value = hostIn(url);
  return value === null ? null : { value, source: { kind: "member-list" } };
}

async function memberList(
  local: LocalNode,
  { hasEtcd }: ClusterSigns,
  { choice, at, signal }: InitRequest,
): Promise<Looked<readonly ListedMember[]>> {
  if (!hasEtcd || !isLive(local)) return { state: "skipped" };
  const { facts, live, port } = await gatherRunning(local, choice, { at });
  const access = etcdAccess(facts, live);
  if (access === null) return { state: "skipped" };
  const store = local.openStore(live.inventory.node);
  try {
    const ports = enginePorts(local, store, { audience: { tell: () => {} }, live: port });
    return await withEtcdTarget(ports, access, (target) => etcdMembers(target, signal));
  } finally {
    store.close();
  }
}
