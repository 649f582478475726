// The steps around the files on a live node: etcd's data saved before, processes restarted after, proof from what runs.
import { formatAddress } from "../model/address.ts";
import type { SlotId } from "../model/inventory.ts";
import type { LiveFacts, ProcessSlot, RestartDecision } from "../model/live.ts";
import type { BounceStep, EtcdAccess, ProveLiveStep, ServedDemand, SnapshotStep } from "../model/plan.ts";
import { type Facts, type ObjectFacts, authorityOf } from "../policy/facts.ts";
import { sha256Hex } from "../pki/fingerprints.ts";
import { commonName, parseName } from "../pki/names.ts";
import { decideRestarts } from "./restarts.ts";

export interface LivePart {
  readonly facts: LiveFacts;
  /** False when the operator said `--no-snapshot`. */
  readonly takesSnapshot: boolean;
}

export interface LiveSteps {
  readonly restarts: readonly RestartDecision[];
  readonly snapshot: readonly SnapshotStep[];
  readonly bounces: readonly BounceStep[];
  readonly proof: readonly ProveLiveStep[];
  /** What these steps read: the etcd authority that signs a client certificate, the kubeconfig of the proof. */
  readonly reads: readonly ObjectFacts[];
}

export const noLiveSteps: LiveSteps = { restarts: [], snapshot: [], bounces: [], proof: [], reads: [] };

/** Seconds from stop to well; the API server waits for etcd and for its own caches. */
const timeouts: Readonly<Record<string, number>> = { "kube-apiserver": 180, etcd: 120 };
const defaultTimeout = 90;
/** The API server looks at its files once a minute, etcd at every handshake. */
const reloads: Readonly<Record<string, number>> = { "kube-apiserver": 90, etcd: 5 };

/** `changed`: slots whose stored bytes the plan changes. Nothing to restart and nothing changed gives no steps at all. */
export function liveSteps(facts: Facts, part: LivePart, changed: ReadonlySet<SlotId>): LiveSteps {
  const live = part.facts;
  const restarts = decideRestarts({ facts, live, changed });
  const acting = restarts.filter(({ action }) => action !== "keep");
  if (acting.length === 0 && changed.size === 0) return { ...noLiveSteps, restarts };
  const access = etcdAccess(facts, live);
  const { node, processes } = live.inventory;
  const known = processes.filter((component) => isKnown(restarts, component));
  const demandsOf = (component: ProcessSlot): readonly ServedDemand[] => demands(facts, component, changed);
  return {
    restarts,
    snapshot:
      access !== null && part.takesSnapshot
        ? [
            {
              kind: "snapshot",
              id: `${node}/snapshot/etcd`,
              access,
              dataDirectory: live.inventory.etcd?.dataDirectory ?? null,
            },
          ]
        : [],
    bounces: known.flatMap((component) => {
      const decision = acting.find(({ consumer }) => consumer === component.consumer);
      return decision ? [bounceStep(component, decision, { access, demands: demandsOf(component) })] : [];
    }),
    proof: known.length === 0 ? [] : [proveStep(facts, live, { known, access, demandsOf })],
    reads: readsOf(facts, live),
  };
}

function isKnown(restarts: readonly RestartDecision[], { consumer }: ProcessSlot): boolean {
  const decision = restarts.find((each) => each.consumer === consumer);
  return decision !== undefined && !decision.reasons.some(({ code }) => code === "not-here");
}

function bounceStep(
  component: ProcessSlot,
  { action }: RestartDecision,
  {
    access,
    demands: wanted,
  }: { readonly access: EtcdAccess | null; readonly demands: readonly ServedDemand[] },
): BounceStep {
  const { node, consumer, graceSeconds, health } = component;
  return {
    kind: "bounce",
    id: `${node}/bounce/${consumer}`,
    consumer,
    when: action === "await" ? "if-needed" : "always",
    graceSeconds,
    reloadSeconds: action === "await" ? (reloads[consumer] ?? 0) : 0,
    timeoutSeconds: timeouts[consumer] ?? defaultTimeout,
    health,
    demands: wanted,
    access: consumer === "etcd" ? access : null,
  };
}

/** What each listener has to present afterwards: the new certificate, the stored one, or just one that is valid. */
function demands(
  facts: Facts,
  component: ProcessSlot,
  changed: ReadonlySet<SlotId>,
): readonly ServedDemand[] {
  return component.endpoints.map(({ id, endpoint, slot }) => {
    const stored = slot === null ? undefined : facts.slots.get(slot)?.certificate;
    const isIssued = slot !== null && changed.has(slot);
    const sha256 = !isIssued && stored?.state === "present" ? sha256Hex(stored.value.leaf.der) : null;
    return { id, endpoint, slot: isIssued ? slot : null, sha256 };
  });
}

function proveStep(
  facts: Facts,
  live: LiveFacts,
  parts: {
    readonly known: readonly ProcessSlot[];
    readonly access: EtcdAccess | null;
    readonly demandsOf: (component: ProcessSlot) => readonly ServedDemand[];
  },
): ProveLiveStep {
  const { known, access, demandsOf } = parts;
  const { node } = live.inventory;
  const apiserver = known.find(({ consumer }) => consumer === "kube-apiserver");
  const admin = adminOf(facts, node);
  const [endpoint] = apiserver?.endpoints ?? [];
  return {
    kind: "prove-live",
    id: `${node}/prove-live`,
    demands: known.flatMap(demandsOf),
    access: known.some(({ consumer }) => consumer === "etcd") ? access : null,
    health: known.map(({ consumer, health }) => ({ consumer, check: health })),
    api: endpoint && admin ? { ...admin, endpoint: endpoint.endpoint } : null,
  };
}

/** The administrator's kubeconfig: the only identity on the node that may write. */
function adminOf(facts: Facts, node: string): { readonly kubeconfig: string; readonly user: string } | null {
  for (const name of ["admin.conf", "super-admin.conf"]) {
    const slot = facts.slots.get(`${node}/${name}`);
    if (slot?.certificate.state !== "present" || slot.slot.holder.form !== "kubeconfig") continue;
    return { kubeconfig: formatAddress(slot.slot.holder.file), user: slot.slot.holder.user };
  }
  return null;
}

function etcdAccess(facts: Facts, { inventory }: LiveFacts): EtcdAccess | null {
  const { etcd } = inventory;
  if (etcd === null) return null;
  const server = facts.slots.get(etcd.server);
  const authority = server && authorityOf(facts, server.slot);
  if (!server || !authority) return null;
  const client = etcd.client === null ? undefined : facts.slots.get(etcd.client);
  const holder = client?.slot.holder;
  const pair =
    holder?.form === "pem" && holder.key !== null && client?.certificate.state === "present"
      ? { certificate: formatAddress(holder.certificate), key: formatAddress(holder.key) }
      : null;
  const leaf = client?.certificate.state === "present" ? client.certificate.value.leaf : null;
  return {
    endpoints: etcd.clients,
    authorityCertificate: formatAddress(authority.slot.certificate),
    authorityKey: authority.key.state === "present" ? formatAddress(authority.slot.key) : null,
    client: pair,
    commonName: (leaf && commonName(parseName(leaf.subjectDer))) ?? "kube-etcd-healthcheck-client",
    server: etcd.server,
    serverKeys:
      server.certificate.state === "present" ? [sha256Hex(server.certificate.value.leaf.spkiDer)] : [],
  };
}

function readsOf(facts: Facts, live: LiveFacts): readonly ObjectFacts[] {
  const server = live.inventory.etcd && facts.slots.get(live.inventory.etcd.server);
  const authority = server && authorityOf(facts, server.slot);
  const admin = facts.slots.get(`${live.inventory.node}/admin.conf`);
  return [...(authority?.objects ?? []), ...(admin?.objects ?? [])];
}
