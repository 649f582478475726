// The steps that make a missing certificate and its files again.
import { type Address, fileAddress, formatAddress } from "../../model/address.ts";
import type { Content, RenewRequest } from "../../model/plan.ts";
import type { IssueStep } from "../../model/making-step.ts";
import { currentUser } from "../../kubeconfig/kubeconfig.ts";
import { equalBytes } from "../../pki/der.ts";
import { sha256Hex } from "../../pki/fingerprints.ts";
import { formatKeySpec, keySpecOfSpki, parseKeySpec } from "../../pki/keys.ts";
import { formatName, parseName } from "../../pki/names.ts";
import {
  type AuthorityFacts,
  type Facts,
  type ObjectFacts,
  type SlotFacts,
  authorityOf,
} from "../../policy/facts.ts";
import { certificatesIn } from "../../policy/observe.ts";
import { issuedHere } from "../authority.ts";
import { type Written, absentObject } from "../written.ts";
import { type Identity, identityOf } from "./identity.ts";

export interface Recreation {
  readonly issue: IssueStep;
  readonly written: readonly Written[];
  /** Objects that are only read: templates and kubeconfigs to start from. */
  readonly read: readonly ObjectFacts[];
}

/** `sans` are those asked for on the command line. */
export function recreate(
  facts: Facts,
  slot: SlotFacts,
  { request, sans }: { readonly request: RenewRequest; readonly sans: IssueStep["addSans"] },
): Recreation {
  const result = identityOf(facts, slot);
  const authority = authorityOf(facts, slot.slot);
  if (result.state === "unknown" || !authority)
    throw new TypeError(`${slot.slot.id} was planned without an identity`);
  const { identity } = result;
  const files = filesOf(facts, slot, { identity, authority });
  const object = files.at(-1)?.address ?? "";
  return {
    issue: issueStep(facts, slot, { identity, authority, request, sans, object }),
    written: files,
    read: identity.old === null ? [] : [identity.old.remain.facts],
  };
}

interface Planned {
  readonly identity: Identity;
  readonly authority: AuthorityFacts;
}

function issueStep(
  facts: Facts,
  { slot }: SlotFacts,
  planned: Planned & {
    readonly request: RenewRequest;
    readonly sans: IssueStep["addSans"];
    readonly object: string;
  },
): IssueStep {
  const { identity, authority, request, sans, object } = planned;
  const old = identity.old?.certificate;
  return {
    kind: "issue",
    id: `${slot.node}/issue/${slot.name}`,
    slot: slot.id,
    name: slot.name,
    subject: formatName(parseName(identity.subjectDer)),
    ...authorityFields(facts, authority),
    template: identity.template,
    old: old ? { serialHex: old.serialHex, notBefore: old.notBefore, notAfter: old.notAfter } : null,
    key: { mode: "generate", algorithm: algorithmOf(facts, planned) },
    validitySeconds: request.validitySeconds,
    addSans: [...identity.added, ...sans],
    recreates: {
      object,
      names: [...identity.names, ...sans.map((san) => ({ ...san, sources: ["--add-san"] }))],
    },
  };
}

/** Who signs: the authority that is there, or the one that this plan makes. */
export function authorityFields(
  facts: Facts,
  { slot, signing, toBeMade }: AuthorityFacts,
): Pick<
  IssueStep,
  | "authority"
  | "authorityCertificate"
  | "authorityKey"
  | "authoritySerialHex"
  | "authoritySha256"
  | "notAfterCap"
> {
  if (!signing && !toBeMade) throw new TypeError(`${slot.id} cannot sign`);
  return {
    authority: slot.name,
    authorityCertificate: formatAddress(slot.certificate),
    authorityKey: formatAddress(slot.key),
    authoritySerialHex: signing?.serialHex ?? issuedHere,
    authoritySha256: signing ? sha256Hex(signing.der) : issuedHere,
    notAfterCap: signing?.notAfter ?? toBeMade?.notAfter ?? facts.at,
  };
}

/** As the old key, as other certificates of the authority, as the authority itself, as kubeadm. */
function algorithmOf(
  facts: Facts,
  { identity, authority, request }: Planned & { readonly request: RenewRequest },
): string {
  if (request.keyAlgorithm !== null) return formatKeySpec(parseKeySpec(request.keyAlgorithm));
  const siblings = [...facts.slots.values()].flatMap(({ slot, certificate }) =>
    slot.authority === authority.slot.name && slot.management === "renew" && certificate.state === "present"
      ? [certificate.value.leaf]
      : [],
  );
  const like = [identity.old?.certificate, ...siblings, authority.signing].find((one) => one != null);
  return like ? formatKeySpec(keySpecOfSpki(like.spkiDer)) : "RSA-2048";
}

/** The object with the certificate is the last one: keys go before. */
function filesOf(facts: Facts, slot: SlotFacts, { identity, authority }: Planned): readonly Written[] {
  const { holder, id } = slot.slot;
  const like = authority.objects[0];
  if (holder.form === "kubeconfig") {
    const address = missingAt(slot, holder.file);
    const content = kubeconfigContent(facts, slot, { identity, authority });
    return [
      { address: formatAddress(address), facts: absentObject(address, 0o600, like), content, isKey: false },
    ];
  }
  const certificate = missingAt(slot, holder.certificate);
  if (holder.key === null || formatAddress(holder.key) === formatAddress(holder.certificate)) {
    const content: Content = { form: "pem-combined", slot: id, index: 0 };
    return [
      {
        address: formatAddress(certificate),
        facts: absentObject(certificate, 0o600, like),
        content,
        isKey: true,
      },
    ];
  }
  const keyAt = formatAddress(holder.key);
  const present = slot.objects.find((object) => formatAddress(object.address) === keyAt);
  return [
    {
      address: keyAt,
      facts: present ?? absentObject(holder.key, 0o600, like),
      content: { form: "pem-key", slot: id },
      isKey: true,
    },
    {
      address: formatAddress(certificate),
      facts: absentObject(certificate, 0o644, like),
      content: { form: "pem-certificate", slot: id, index: 0 },
      isKey: false,
    },
  ];
}

/** A link that leads nowhere stays: the file is made where it leads. */
function missingAt({ certificate }: SlotFacts, address: Address): Address {
  const target = certificate.state === "missing" ? certificate.danglingLink : null;
  return target === null ? address : fileAddress(address.node, target);
}

function kubeconfigContent(facts: Facts, slot: SlotFacts, { identity, authority }: Planned): Content {
  const { id } = slot.slot;
  const base = baseOf(identity, authority);
  if (base !== null) return { form: "kubeconfig", users: [{ user: base.user, slot: id }], from: base.file };
  return {
    form: "kubeconfig-new",
    slot: id,
    user: slot.slot.expected.commonNames?.[0] ?? slot.slot.name,
    cluster: facts.remains?.clusterName ?? "kubernetes",
    server: kubeconfigServer(facts, identity) ?? "",
    authority: formatAddress(authority.slot.certificate),
  };
}

/** The old kubeconfig itself, when nothing but certificate and key has to change in it and nobody else is in there. */
function baseOf(
  { old }: Identity,
  { signing }: AuthorityFacts,
): { readonly file: string; readonly user: string } | null {
  if (old === null || old.template.form !== "kubeconfig" || old.kubeconfig === null || !signing) return null;
  const user = currentUser(old.kubeconfig);
  const [cluster] = old.kubeconfig.clusters;
  const isAlone = old.kubeconfig.users.length === 1 && old.kubeconfig.clusters.length === 1;
  if (!isAlone || user?.name !== old.template.user || user.key?.form !== "embedded") return null;
  if (cluster?.server === undefined || cluster.authority.form !== "embedded") return null;
  const trusts = certificatesIn(cluster.authority.pem).some(({ der }) => equalBytes(der, signing.der));
  return trusts ? { file: old.template.file, user: user.name } : null;
}

/** Its old one, the one that other kubeconfigs have, or this node's own API server. */
export function kubeconfigServer(facts: Facts, { old }: Pick<Identity, "old">): string | null {
  const own = old?.kubeconfig?.clusters.find(({ server }) => server !== undefined)?.server;
  return own ?? facts.remains?.servers[0]?.url ?? null;
}
