// How etcd of a node is asked: where, whom we trust there, and with which identity.
import { formatAddress } from "../model/address.ts";
import type { LiveFacts } from "../model/live.ts";
import type { EtcdAccess } from "../model/live-step.ts";
import { sha256Hex } from "../pki/fingerprints.ts";
import { commonName, parseName } from "../pki/names.ts";
import { type AuthorityFacts, type Facts, type SlotFacts, authorityOf } from "../policy/facts.ts";
import { hasMatchingKey } from "../policy/issuer-checks.ts";
import type { Install } from "./pair-answers.ts";

/** null without a member on this node. */
export function etcdAccess(
  facts: Facts,
  { inventory }: LiveFacts,
  installs: readonly Install[] = [],
): EtcdAccess | null {
  const { etcd } = inventory;
  if (etcd === null) return null;
  const server = facts.slots.get(etcd.server);
  const authority = server && authorityOf(facts, server.slot);
  if (!server || !authority) return null;
  const client = etcd.client === null ? undefined : facts.slots.get(etcd.client);
  const install = installs.find(({ slot }) => slot.slot.id === etcd.client);
  const leaf = client?.certificate.state === "present" ? client.certificate.value.leaf : null;
  return {
    endpoints: etcd.clients,
    authorityCertificate: formatAddress(authority.slot.certificate),
    authorityKey: canSign(authority) ? formatAddress(authority.slot.key) : null,
    client: (install && signedPair(install)) ?? (client ? storedPair(client) : null),
    commonName: (leaf && commonName(parseName(leaf.subjectDer))) ?? "kube-etcd-healthcheck-client",
    server: etcd.server,
    serverKeys:
      server.certificate.state === "present" ? [sha256Hex(server.certificate.value.leaf.spkiDer)] : [],
  };
}

export function canSign({ key, signing }: AuthorityFacts): boolean {
  return key.state === "present" && signing !== null && hasMatchingKey(signing, key);
}

function storedPair({ slot: { holder }, certificate }: SlotFacts): EtcdAccess["client"] {
  if (holder.form !== "pem" || holder.key === null || certificate.state !== "present") return null;
  return { certificate: formatAddress(holder.certificate), key: formatAddress(holder.key) };
}

/** What a CA elsewhere has signed serves before it is installed. An answer behind others, or with a chain, is left to its place. */
function signedPair({ slot, answer, chain, pending }: Install): EtcdAccess["client"] {
  const { holder } = slot.slot;
  const key = pending?.key.address ?? (holder.form === "pem" ? holder.key : null);
  if (key === null || answer.index !== 0 || chain.length > 0) return null;
  return { certificate: formatAddress(answer.file.address), key: formatAddress(key) };
}
