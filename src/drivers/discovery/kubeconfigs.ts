// Discovery of kubeconfigs: the profile's own, the copies in people's homes, and strangers beside them.
import { posix } from "node:path";
import { fileAddress } from "../../core/model/address.ts";
import { isAppError, reasonOf } from "../../core/model/errors.ts";
import type { CertificateSlot, Holder, Management, Origin } from "../../core/model/inventory.ts";
import {
  type Kubeconfig,
  type KubeconfigUser,
  currentUser,
  parseKubeconfig,
} from "../../core/kubeconfig/kubeconfig.ts";
import type { KubeconfigDescription } from "../../core/profile/profile.ts";
import { type Discovery, flagPath } from "./context.ts";
import { anything } from "./observed-slot.ts";
import { expandPattern } from "./patterns.ts";

export interface FoundKubeconfigs {
  readonly slots: readonly CertificateSlot[];
  /** Every `server:` of the profile's kubeconfigs that leads to this cluster's API. */
  readonly servers: readonly { readonly url: string; readonly path: string }[];
}

export async function discoverKubeconfigs(discovery: Discovery, nodeName: string): Promise<FoundKubeconfigs> {
  const slots: CertificateSlot[] = [];
  const servers: { readonly url: string; readonly path: string }[] = [];
  const known = new Set<string>();
  for (const description of discovery.profile.kubeconfigs) {
    const { path, origin } = flagPath(
      discovery,
      description.flags?.of,
      description.flags?.certificate,
      description.path,
    );
    known.add(path);
    const kubeconfig = await readKubeconfig(discovery, path, "told by its slot");
    slots.push(ownSlot(discovery, { description, path, origin, kubeconfig, nodeName }));
    servers.push(
      ...(kubeconfig?.clusters ?? []).flatMap(({ server }) =>
        server === undefined ? [] : [{ url: server, path }],
      ),
    );
  }
  for (const pattern of [...discovery.profile.copies.files, ...discovery.profile.copies.scan]) {
    for (const path of await expandPattern(discovery, pattern)) {
      if (known.has(path)) continue;
      known.add(path);
      slots.push(...(await copySlots(discovery, path)));
    }
  }
  return { slots, servers };
}

/** Undefined when absent, unreadable or broken: the slot's own observation says which. */
async function readKubeconfig(
  discovery: Discovery,
  path: string,
  whenBroken: "told by its slot" | "note",
): Promise<Kubeconfig | undefined> {
  const reading = await discovery.view.read(path);
  const address = fileAddress(discovery.view.node, path);
  if (reading.state === "unreadable" && whenBroken === "note") {
    discovery.notes.push({ code: "kubeconfig-unreadable", address, detail: reading.reason });
  }
  if (reading.state !== "present") return undefined;
  try {
    return parseKubeconfig(reading.bytes);
  } catch (error) {
    if (!isAppError(error)) throw error;
    if (whenBroken === "note")
      discovery.notes.push({ code: "kubeconfig-broken", address, detail: reasonOf(error) });
    return undefined;
  }
}

function ownSlot(
  discovery: Discovery,
  found: {
    readonly description: KubeconfigDescription;
    readonly path: string;
    readonly origin: Origin;
    readonly kubeconfig: Kubeconfig | undefined;
    readonly nodeName: string;
  },
): CertificateSlot {
  const { description, path, kubeconfig } = found;
  const { node } = discovery.view;
  const user = kubeconfig ? currentUser(kubeconfig) : undefined;
  const { holder, origin } = holderOf(discovery, { path, kubeconfig, user, origin: found.origin });
  if (kubeconfig && !user?.certificate) noteCredential(discovery, path, user ? [user] : []);
  return {
    id: `${node}/${description.name}`,
    node,
    name: description.name,
    holder,
    authority: description.authority,
    expected: {
      commonNames: description.commonNames.map((name) => name.replace("{node}", found.nodeName)),
      organizations: description.organizations,
      usages: ["clientAuth"],
      sans: [],
    },
    management: managementOf(description, user),
    sharing: "per-node",
    optional: description.optional,
    copyOf: [],
    origin,
  };
}

/** Who logs in by token or by a program has nothing that we could renew; that is meant, not missing. */
function managementOf({ role }: KubeconfigDescription, user: KubeconfigUser | undefined): Management {
  if (user && !user.certificate && user.other.length > 0) return "observe";
  return role === "kubelet" ? "kubelet" : "renew";
}

/** A certificate embedded in the kubeconfig, or the files it names (relative paths start at the kubeconfig's folder). */
function holderOf(
  discovery: Discovery,
  found: {
    readonly path: string;
    readonly kubeconfig: Kubeconfig | undefined;
    readonly user: KubeconfigUser | undefined;
    readonly origin: Origin;
  },
): { readonly holder: Holder; readonly origin: Origin } {
  const { path, kubeconfig, user } = found;
  const { node } = discovery.view;
  const absolute = (file: string): string => posix.resolve(posix.dirname(path), file);
  if (user?.certificate?.form === "file") {
    const certificate = fileAddress(node, absolute(user.certificate.path));
    const key = user.key?.form === "file" ? fileAddress(node, absolute(user.key.path)) : null;
    return {
      holder: { form: "pem", certificate, key },
      origin: { kind: "kubeconfig", source: path, field: "client-certificate" },
    };
  }
  const context = kubeconfig?.contexts.find((candidate) => candidate.user === user?.name);
  const holder: Holder = {
    form: "kubeconfig",
    file: fileAddress(node, path),
    user: user?.name ?? "",
    cluster: context?.cluster ?? null,
  };
  return { holder, origin: found.origin };
}

function noteCredential(discovery: Discovery, path: string, users: readonly KubeconfigUser[]): void {
  const detail = users.flatMap((user) => user.other)[0] ?? "no credential";
  const address = fileAddress(discovery.view.node, path);
  discovery.notes.push({ code: "kubeconfig-without-certificate", address, detail });
}

/** One slot for every user with a certificate; whose identity it holds is decided later, from facts. */
async function copySlots(discovery: Discovery, path: string): Promise<readonly CertificateSlot[]> {
  const kubeconfig = await readKubeconfig(discovery, path, "note");
  if (!kubeconfig) return [];
  const { node } = discovery.view;
  const originals = discovery.profile.kubeconfigs.filter((description) => description.role !== "kubelet");
  const preferred = [...discovery.profile.copies.of, ...originals.map((description) => description.name)];
  const withCertificate = kubeconfig.users.filter((user) => user.certificate !== undefined);
  if (withCertificate.length === 0) noteCredential(discovery, path, kubeconfig.users);
  return withCertificate.map((user): CertificateSlot => {
    const { holder, origin } = holderOf(discovery, {
      path,
      kubeconfig,
      user,
      origin: { kind: "scan", source: path },
    });
    const name = `${path.slice(1)}${kubeconfig.users.length > 1 ? `#${user.name}` : ""}`;
    const management: Management = holder.form === "kubeconfig" ? "copy" : "observe";
    return {
      id: `${node}/${name}`,
      node,
      name,
      holder,
      authority: "ca",
      expected: anything,
      management,
      sharing: "per-node",
      optional: true,
      copyOf: [...new Set(preferred)].map((original) => `${node}/${original}`),
      origin,
    };
  });
}
