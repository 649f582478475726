// What runs on a throw-away control plane, as if it had been looked at: well, started after its files, presenting what is stored.
import { gatherLive } from "../../src/app/gather.ts";
import type { LiveFacts, ProcessFacts, ServedFacts } from "../../src/core/model/live.ts";
import type { CertificateSlot } from "../../src/core/model/inventory.ts";
import type { Facts, SlotFacts } from "../../src/core/policy/facts.ts";
import type { Certificate } from "../../src/core/pki/certificate.ts";
import { sha256Hex } from "../../src/core/pki/fingerprints.ts";
import { discoverLive } from "../../src/drivers/discovery/live.ts";
import { choice, day, issuedAt, nodeAt, today } from "./control-plane.ts";

export interface Seen {
  readonly facts: Facts;
  readonly live: LiveFacts;
}

/** When every file was written, and when every process began. */
export const writtenAt = issuedAt;
export const startedAt = issuedAt + day;

export async function seen(root: string, at = today): Promise<Seen> {
  const gathered = await gatherLive(nodeAt(root), choice, { at, discover: discoverLive });
  const slots = [...gathered.facts.slots].map(([id, slot]) => [id, writtenThen(slot, writtenAt)] as const);
  const facts = { ...gathered.facts, slots: new Map(slots) };
  const { processes } = gathered.live;
  return {
    facts,
    live: {
      inventory: gathered.live,
      processes: new Map(processes.map(({ consumer }) => [consumer, runningSince(consumer, startedAt)])),
      served: new Map(
        processes.flatMap(({ endpoints }) =>
          endpoints.map(({ id, slot }) => [id, presented(facts, slot, at)] as const),
        ),
      ),
    },
  };
}

export function runningSince(consumer: string, at: number): ProcessFacts {
  return { consumer, state: "running", through: "cri unix:///x.sock", startedAt: at, ailment: null };
}

function presented(facts: Facts, slot: string | null, at: number): ServedFacts {
  const stored = slot === null ? undefined : facts.slots.get(slot)?.certificate;
  if (stored?.state !== "present") {
    const hash = "00".repeat(32);
    const made = { serialHex: "01", notAfter: at + 300 * day, certificateSha256: hash, spkiSha256: hash };
    return { state: "served", ...made, subject: "CN=loopback" };
  }
  return presenting(stored.value.leaf);
}

export function presenting({ serialHex, notAfter, der, spkiDer }: Certificate): ServedFacts {
  const [certificateSha256, spkiSha256] = [sha256Hex(der), sha256Hex(spkiDer)];
  return { state: "served", serialHex, notAfter, certificateSha256, spkiSha256, subject: "" };
}

/** The phases of a plan for a node that runs. */
export const livePhases = [
  "snapshot",
  "back-up",
  "issue",
  "stage",
  "swap",
  "prove",
  "restart",
  "prove-live",
] as const;

function writtenThen(slot: SlotFacts, mtimeMs: number): SlotFacts {
  return { ...slot, objects: slot.objects.map((object) => ({ ...object, mtimeMs })) };
}

/** The same, with the files of a slot written at another time. */
export function rewritten({ facts, live }: Seen, slot: string, at: number): Seen {
  const found = facts.slots.get(slot);
  if (!found) throw new TypeError(`no slot ${slot}`);
  return { live, facts: { ...facts, slots: new Map(facts.slots).set(slot, writtenThen(found, at)) } };
}

export function withProcess(
  { facts, live }: Seen,
  change: Partial<ProcessFacts> & { consumer: string },
): Seen {
  const process = { ...runningSince(change.consumer, startedAt), ...change };
  return { facts, live: { ...live, processes: new Map(live.processes).set(change.consumer, process) } };
}

export function withServed({ facts, live }: Seen, id: string, change: Partial<ServedFacts>): Seen {
  const found = live.served.get(id);
  if (!found) throw new TypeError(`no endpoint ${id}`);
  const served = { ...found, ...change } as ServedFacts;
  return { facts, live: { ...live, served: new Map(live.served).set(id, served) } };
}

export function withVersion({ facts, live }: Seen, consumer: string, version: string | null): Seen {
  const processes = live.inventory.processes.map((each) =>
    each.consumer === consumer ? { ...each, version } : each,
  );
  return { facts, live: { ...live, inventory: { ...live.inventory, processes } } };
}

/** The same, with a kubelet client pair that the kubelet rotates, which holds the certificate of `of`. */
export function withRotatedPair({ facts, live }: Seen, of: string, notAfter: number): Seen {
  const original = facts.slots.get(of);
  if (original?.certificate.state !== "present") throw new TypeError(`no certificate in ${of}`);
  const { value } = original.certificate;
  const slot: CertificateSlot = {
    ...original.slot,
    id: "m1/kubelet-client",
    name: "kubelet-client",
    holder: { form: "pem", certificate: { kind: "file", node: "m1", path: "/x" } as never, key: null },
  };
  const certificate = { state: "present" as const, value: { ...value, leaf: { ...value.leaf, notAfter } } };
  const processes = live.inventory.processes.map((each) =>
    each.consumer === "kubelet" ? { ...each, reads: [...new Set([...each.reads, of, slot.id])] } : each,
  );
  return {
    facts: { ...facts, slots: new Map(facts.slots).set(slot.id, { ...original, slot, certificate }) },
    live: { ...live, inventory: { ...live.inventory, processes } },
  };
}
