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
import type { Refusal } from "../model/refusal.ts";
import type {
  BounceStep,
  EtcdAccess,
  ProveLiveStep,
  ServedDemand,
  SnapshotStep,
} from "../model/live-step.ts";
import type { Notice } from "../model/notice.ts";
import { type Facts, type ObjectFacts, authorityOf } from "../policy/facts.ts";
import type { Install } from "./pair-answers.ts";
import { canSign, etcdAccess } from "./etcd-access.ts";
import { sha256Hex } from "../pki/fingerprints.ts";
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
  readonly notices: readonly Notice[];
  /** Why the run would stop before its first write: told before it begins. */
  readonly refusals: readonly Refusal[];
}

export const noLiveSteps: LiveSteps = {
  restarts: [],
  snapshot: [],
  bounces: [],
  proof: [],
  reads: [],
  notices: [],
  refusals: [],
};

/** What the plan changes, and what was signed elsewhere for it. */
export interface Changing {
  readonly changed: ReadonlySet<SlotId>;
  readonly installs?: readonly Install[];
}

/** Seconds from stop to well; the API server waits for etcd and for its own caches. */
const timeouts: Readonly<Record<string, number>> = { "kube-apiserver": 180, etcd: 120 };
const defaultTimeout = 90;
/** The API server looks at its files once a minute, etcd at every handshake. */
const reloads: Readonly<Record<string, number>> = { "kube-apiserver": 90, etcd: 5 };

/** `changed`: slots whose stored bytes the plan changes. Nothing to restart and nothing changed gives no steps at all. */
export function liveSteps(facts: Facts, part: LivePart, { changed, installs = [] }: Changing): LiveSteps {
  const live = part.facts;
  const outcome = { facts, live, changed };
  const restarts = decideRestarts(outcome, part.isGated ?? false);
  const acting = restarts.filter(({ action }) => action !== "keep");
  if (acting.length === 0 && changed.size === 0) return { ...noLiveSteps, restarts };
  const access = etcdAccess(facts, live, installs);
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
    notices: staysExpiredNotice(outcome, known),
    refusals: part.takesSnapshot && access !== null ? snapshotRefusals(outcome, access) : [],
  };
}

/** What a proof leaves out has a reason that the operator can do something about. */
function staysExpiredNotice(outcome: Outcome, known: readonly ProcessSlot[]): readonly Notice[] {
  // A copy that is not its original's equal has a decision, and a reason, of its own.
  const { node } = outcome.live.inventory;
  const slots = [...outcome.facts.slots.values()]
    .filter(({ slot }) => slot.node === node && slot.management !== "copy" && staysExpired(outcome, slot.id))
    .map(({ slot }) => slot.id);
  if (slots.length === 0) return [];
  const unproven = known.filter((component) => staysUnwell(outcome, component));
  return [
    {
      code: "stays-expired",
      slots,
      unproven: unproven.map(({ consumer }) => consumer),
      isWriteProved: writeOf(outcome, known) !== null,
    },
  ];
}

/**
 * A member that runs is asked with a client certificate: one signed here, one signed elsewhere for this plan, or the stored one. When
 * that has ended too, nobody can ask. Of a member that is stopped the files are copied.
 */
function snapshotRefusals(
  { facts, live }: Outcome,
  { authorityKey, client }: EtcdAccess,
): readonly Refusal[] {
  const { etcd } = live.inventory;
  const isRunning = live.processes.get("etcd")?.state === "running";
  const stored = etcd?.client == null ? undefined : facts.slots.get(etcd.client);
  if (authorityKey !== null || !isRunning || !stored) return [];
  const { holder, id } = stored.slot;
  const authority = authorityOf(facts, stored.slot);
  const isStored =
    client !== null && holder.form === "pem" && client.certificate === formatAddress(holder.certificate);
  const end = stored.certificate.state === "present" ? stored.certificate.value.leaf.notAfter : null;
  if (client !== null && (!isStored || (end !== null && end > facts.at))) return [];
  const address = authority === null ? id : formatAddress(authority.slot.key);
  const detail = end === null ? "" : new Date(end).toISOString();
  return [{ code: "snapshot-impossible", slot: id, address, detail }];
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
  return {
    kind: "prove-live",
    id: `${node}/prove-live`,
    demands: known.flatMap((component) => demands(outcome, component)),
    access: known.some(({ consumer }) => consumer === "etcd") ? access : null,
    health: known.map((component) => ({
      consumer: component.consumer,
      check: healthOf(outcome, component),
    })),
    api: writeOf(outcome, known),
  };
}

/** null where no API server of this node can be written to, or nobody here may. */
function writeOf(outcome: Outcome, known: readonly ProcessSlot[]): ProveLiveStep["api"] {
  const apiserver = known.find(
    (component) => component.consumer === "kube-apiserver" && !staysUnwell(outcome, component),
  );
  const admin = adminOf(outcome);
  const [endpoint] = apiserver?.endpoints ?? [];
  if (!endpoint || !admin) return null;
  return { kubeconfig: formatAddress(admin.file), user: admin.user, endpoint: endpoint.endpoint };
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

function readsOf(outcome: Outcome): readonly ObjectFacts[] {
  const { facts, live } = outcome;
  const { etcd } = live.inventory;
  const server = etcd && facts.slots.get(etcd.server);
  const authority = server && authorityOf(facts, server.slot);
  // The stored client is used where there is no key to sign another with.
  const isSigned = authority != null && canSign(authority);
  const client = isSigned || !etcd || etcd.client === null ? undefined : facts.slots.get(etcd.client);
  return [...(authority?.objects ?? []), ...(client?.objects ?? []), ...(adminOf(outcome)?.objects ?? [])];
}
