// What a plan wants the operator to know before saying yes: caps, windows, restarts, files left open.
import { formatAddress } from "../model/address.ts";
import type { Notice } from "../model/notice.ts";
import type { RenewRequest } from "../model/plan.ts";
import { type Facts, type SlotFacts, authorityOf } from "../policy/facts.ts";
import { newModeOf } from "./new-mode.ts";
import { membersExpiredApart } from "../policy/several-members.ts";
import { inOrderOfStarts } from "./order-of-starts.ts";
import { octal } from "../policy/finding-of.ts";

interface Changed {
  readonly renewed: readonly SlotFacts[];
  readonly following: readonly SlotFacts[];
  readonly request: RenewRequest;
  /** A CA elsewhere has decided the validity. */
  readonly isSigned?: boolean;
  /** Consumers whose restart is a step of the plan, or not needed. */
  readonly handled: ReadonlySet<string>;
}

export function noticesOf(facts: Facts, changed: Changed): readonly Notice[] {
  return [
    ...caps(facts, changed),
    ...windows(facts, changed),
    ...together(facts, changed),
    ...restarts(facts, changed),
    ...bundles(facts, changed),
    ...modes(changed),
    ...closedKeys(changed),
  ];
}

function caps(facts: Facts, { renewed, request, isSigned = false }: Changed): readonly Notice[] {
  if (isSigned) return [];
  return renewed.flatMap((slot): readonly Notice[] => {
    const authority = authorityOf(facts, slot.slot);
    const cap = authority?.signing?.notAfter;
    if (!authority || cap === undefined || facts.at + request.validitySeconds * 1000 <= cap) return [];
    return [{ code: "validity-capped", slot: slot.slot.id, authority: authority.slot.name, notAfter: cap }];
  });
}

/** etcd >= 3.2 reads its pair at every handshake: between two renames it can read a key and a certificate that do not fit. */
function windows(facts: Facts, { renewed, request }: Changed): readonly Notice[] {
  if (request.keepKey) return [];
  const ids = new Set(renewed.filter((slot) => slot.slot.holder.form === "pem").map((slot) => slot.slot.id));
  const consumers = consumersOf(facts).filter(
    (consumer) =>
      consumer.name === "etcd" &&
      consumer.slots.some((slot) => ids.has(slot)) &&
      !isBefore32(consumer.version),
  );
  return consumers.length === 0
    ? []
    : [{ code: "swap-window", consumers: consumers.map((consumer) => consumer.name) }];
}

function isBefore32(version: string | null): boolean {
  const [major = 3, minor = 2] = (version ?? "").split(".").map(Number);
  return major < 3 || (major === 3 && minor < 2);
}

function restarts(facts: Facts, { renewed, handled }: Changed): readonly Notice[] {
  const ids = new Set(renewed.map((slot) => slot.slot.id));
  const consumers = consumersOf(facts)
    .filter((consumer) => consumer.slots.some((slot) => ids.has(slot)))
    .map((consumer) => consumer.name);
  const kubelet = renewed.some((slot) => slot.slot.management === "kubelet") ? ["kubelet"] : [];
  // Of several nodes each has its own; what is said is which kinds.
  const all = [...new Set([...consumers, ...kubelet])].filter((consumer) => !handled.has(consumer));
  if (all.length === 0) return [];
  const isTogether = together(facts, { renewed }).length > 0 && all.includes("etcd");
  return [{ code: "restart-needed", consumers: inOrderOfStarts(all), ...(isTogether ? { isTogether } : {}) }];
}

function together(facts: Facts, { renewed }: Pick<Changed, "renewed">): readonly Notice[] {
  const members = renewed.length === 0 ? null : membersExpiredApart(facts);
  return members === null ? [] : [{ code: "members-together", members }];
}

function consumersOf(facts: Facts): Facts["inventory"]["nodes"][number]["consumers"] {
  return facts.inventory.nodes.flatMap((node) => node.consumers);
}

function bundles(facts: Facts, { renewed }: Changed): readonly Notice[] {
  const names = new Set(
    renewed.flatMap((slot) => {
      const authority = authorityOf(facts, slot.slot);
      return authority?.certificate.state === "present" && authority.certificate.value.certificates.length > 1
        ? [authority.slot.name]
        : [];
    }),
  );
  return [...names].map((authority) => ({ code: "authority-bundle", authority }));
}

/** Kubeconfigs that others can read keep their mode (it may be meant); the plan says so. */
function modes({ renewed, following }: Changed): readonly Notice[] {
  return [...renewed, ...following]
    .filter((slot) => slot.slot.holder.form === "kubeconfig")
    .flatMap((slot) => slot.objects.filter((object) => (object.mode & 0o077) !== 0))
    .map((object) => ({
      code: "mode-kept-open",
      address: formatAddress(object.address),
      mode: octal(object.mode),
    }));
}

/** The owner stays and root reads everything: only who reads a key through its group loses it when the file ends 0600. */
function closedKeys({ renewed, request }: Changed): readonly Notice[] {
  const keys = renewed.flatMap(({ slot, objects }) => {
    const { holder } = slot;
    if (holder.form !== "pem" || (request.keepKey && holder.key !== null)) return [];
    const address = formatAddress(holder.key ?? holder.certificate);
    return objects.filter((object) => formatAddress(object.address) === address);
  });
  return keys
    .filter(({ mode, gid }) => (mode & 0o040) !== 0 && gid !== 0)
    .map(({ address, mode, gid }) => ({
      code: "group-loses-key",
      address: formatAddress(address),
      mode: octal(mode),
      newMode: octal(newModeOf(mode, true)),
      gid,
    }));
}
