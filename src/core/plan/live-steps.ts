// The steps around the files on a live node: etcd's data saved before, processes restarted after, proof from what runs.
import { type Address, formatAddress } from "../model/address.ts";
import type { SlotId } from "../model/inventory.ts";
import type {
  CommandsByProcess,
  HealthCheck,
  LiveFacts,
  ProcessCommands,
  ProcessSlot,
  RestartDecision,
} from "../model/live.ts";
import type {
  BounceStep,
  EtcdAccess,
  ProveLiveStep,
  ServedDemand,
  SnapshotStep,
} from "../model/live-step.ts";
import { type Facts, type ObjectFacts, authorityOf } from "../policy/facts.ts";
import { sha256Hex } from "../pki/fingerprints.ts";
import { commonName, parseName } from "../pki/names.ts";
import { decideRestarts } from "./restarts.ts";
import { type Outcome, staysExpired, staysUnwell } from "./still-expired.ts";

export interface LivePart {
  readonly facts: LiveFacts;
  /** False when the operator said `--no-snapshot`. */
  readonly takesSnapshot: boolean;
  /** True when every member is known and asked before one is stopped. */
  readonly isGated?: boolean;
  /** The operator's own. */
  readonly commands?: CommandsByProcess;
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
  const outcome = { facts, live, changed };
  const restarts = decideRestarts(outcome, part.isGated ?? false);
  const acting = restarts.filter(({ action }) => action !== "keep");
  if (acting.length === 0 && changed.size === 0) return { ...noLiveSteps, restarts };
  const access = etcdAccess(facts, live);
  const { node, processes } = live.inventory;
  const known = processes.filter((component) => isKnown(restarts, component));
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
      const commands = part.commands?.[component.consumer];
      return decision ? [bounceStep(outcome, component, { decision, access, commands })] : [];
    }),
    proof: known.length === 0 ? [] : [proveStep(outcome, known, access)],
    reads: readsOf(outcome),
  };
}

function isKnown(restarts: readonly RestartDecision[], { consumer }: ProcessSlot): boolean {
  const decision = restarts.find((each) => each.consumer === consumer);
  return decision !== undefined && !decision.reasons.some(({ code }) => code === "not-here");
}

interface BounceParts {
  readonly decision: RestartDecision;
  readonly access: EtcdAccess | null;
  readonly commands: ProcessCommands | undefined;
}

function bounceStep(
  outcome: Outcome,
  component: ProcessSlot,
  { decision: { action }, access, commands }: BounceParts,
): BounceStep {
  const { node, consumer, graceSeconds } = component;
  return {
    kind: "bounce",
    id: `${node}/bounce/${consumer}`,
    consumer,
    when: action === "await" ? "if-needed" : "always",
    graceSeconds,
    reloadSeconds: action === "await" ? (reloads[consumer] ?? 0) : 0,
    timeoutSeconds: timeouts[consumer] ?? defaultTimeout,
    health: healthOf(outcome, component),
    demands: demands(outcome, component),
    access: consumer === "etcd" ? access : null,
    ...(commands ? { commands } : {}),
  };
}

function healthOf(outcome: Outcome, component: ProcessSlot): HealthCheck {
  return staysUnwell(outcome, component) ? { form: "none" } : component.health;
}

/** What each listener has to present afterwards: the new certificate, the stored one, or just one that is valid. */
function demands(outcome: Outcome, component: ProcessSlot): readonly ServedDemand[] {
  const { facts, changed } = outcome;
  const asked = component.endpoints.filter(({ slot }) => slot === null || !staysExpired(outcome, slot));
  // What cannot be well may not even listen.
  return (staysUnwell(outcome, component) ? [] : asked).map(({ id, endpoint, slot }) => {
    const stored = slot === null ? undefined : facts.slots.get(slot)?.certificate;
    const isIssued = slot !== null && changed.has(slot);
    const sha256 = !isIssued && stored?.state === "present" ? sha256Hex(stored.value.leaf.der) : null;
    return { id, endpoint, slot: isIssued ? slot : null, sha256 };
  });
}

function proveStep(
  outcome: Outcome,
  known: readonly ProcessSlot[],
  access: EtcdAccess | null,
): ProveLiveStep {
  const { node } = outcome.live.inventory;
  const apiserver = known.find(
    (component) => component.consumer === "kube-apiserver" && !staysUnwell(outcome, component),
  );
  const admin = adminOf(outcome);
  const [endpoint] = apiserver?.endpoints ?? [];
  return {
    kind: "prove-live",
    id: `${node}/prove-live`,
    demands: known.flatMap((component) => demands(outcome, component)),
    access: known.some(({ consumer }) => consumer === "etcd") ? access : null,
    health: known.map((component) => ({
      consumer: component.consumer,
      check: healthOf(outcome, component),
    })),
    api:
      endpoint && admin
        ? { kubeconfig: formatAddress(admin.file), user: admin.user, endpoint: endpoint.endpoint }
        : null,
  };
}

export interface Admin {
  readonly file: Address;
  readonly user: string;
  readonly objects: readonly ObjectFacts[];
}

/** The administrator's kubeconfig, the only identity on the node that may write; null when none will be valid. */
export function adminOf(outcome: Outcome): Admin | null {
  const { facts, live, changed } = outcome;
  for (const name of ["admin.conf", "super-admin.conf"]) {
    const id = `${live.inventory.node}/${name}`;
    const found = facts.slots.get(id);
    const isThere = found?.certificate.state === "present" || changed.has(id);
    if (!found || !isThere || found.slot.holder.form !== "kubeconfig" || staysExpired(outcome, id)) continue;
    const { file, user } = found.slot.holder;
    return { file, user, objects: found.objects };
  }
  return null;
}

/** null without a member on this node. */
export function etcdAccess(facts: Facts, { inventory }: LiveFacts): EtcdAccess | null {
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

function readsOf(outcome: Outcome): readonly ObjectFacts[] {
  const { facts, live } = outcome;
  const { etcd } = live.inventory;
  const server = etcd && facts.slots.get(etcd.server);
  const authority = server && authorityOf(facts, server.slot);
  // The stored client is used where there is no key to sign another with.
  const isSigned = authority?.key.state === "present";
  const client = isSigned || !etcd || etcd.client === null ? undefined : facts.slots.get(etcd.client);
  return [...(authority?.objects ?? []), ...(client?.objects ?? []), ...(adminOf(outcome)?.objects ?? [])];
}
