// Names and addresses of a lab with several hosts, taken from its directory, so that two labs stand side by side.
import { createHash, randomUUID } from "node:crypto";
import { networkInterfaces } from "node:os";
import { freePorts } from "./free-ports.ts";
import { usualPorts } from "./lab-node.ts";
import type { Lab, LabHost, LabNetwork } from "./places.ts";

export interface HostsWish {
  /** Absolute. */
  readonly directory: string;
  readonly pace: number;
  readonly hosts: number;
  readonly workers: number;
  readonly kind: LabNetwork["kind"];
  readonly family: LabNetwork["family"];
}

/** Last numbers of addresses in the lab's network. */
const gatewayNumber = 1;
const endpointNumber = 10;
const firstMaster = 11;
const firstWorker = 101;

export async function planHosts(wish: HostsWish): Promise<Lab> {
  const digest = createHash("sha256").update(wish.directory).digest();
  const at = labAddresses(wish, digest);
  const isRoom = wish.kind === "rooms";
  // The balancer and the API servers have one port; what listens on 127.0.0.1 needs one for each host.
  const shared = isRoom ? usualPorts : await freePorts();
  const host = async (name: string, number: number, role: "control-plane" | "worker"): Promise<LabHost> => ({
    name,
    role,
    address: at(number),
    ports: isRoom ? usualPorts : { ...(await freePorts()), apiServer: shared.apiServer },
  });
  const masters = Array.from({ length: wish.hosts }, (_, index) =>
    host(`m${index + 1}`, firstMaster + index, "control-plane"),
  );
  const workers = Array.from({ length: wish.workers }, (_, index) =>
    host(`w${index + 1}`, firstWorker + index, "worker"),
  );
  return {
    directory: wish.directory,
    id: randomUUID(),
    pace: wish.pace,
    // Stand-ins behind a CRI socket: the real programs keep a pace of their own, too slow for so many.
    runtime: "cri",
    assets: null,
    hosts: await Promise.all([...masters, ...workers]),
    network: {
      kind: wish.kind,
      family: wish.family,
      link: isRoom ? `pl${digest.toString("hex").slice(0, 8)}` : null,
      gateway: at(gatewayNumber),
      prefixLength: wish.family === "ipv6" ? 64 : 24,
      endpoint: at(endpointNumber),
      port: shared.apiServer,
    },
  };
}

/**
 * 198.18.0.0/15 is for tests between networks (RFC 2544), fd00::/8 for networks of one's own (RFC 4193); of both a part that no
 * interface of this machine is in.
 */
export function labAddresses(
  { kind, family }: Pick<HostsWish, "kind" | "family">,
  digest: Buffer,
): (number: number) => string {
  const [first = 0, second = 0] = digest;
  if (kind === "loopback") return (number) => `127.${1 + (first % 254)}.${second}.${number}`;
  const taken = Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).map(({ address }) => address),
  );
  const isTaken = (prefix: string): boolean => taken.some((address) => address.startsWith(prefix));
  for (let step = 0; ; step += 1) {
    const index = (first * 256 + second + step) % 512;
    const prefix =
      family === "ipv6"
        ? `fd${digest.toString("hex", 2, 3)}:${digest.readUInt16BE(3).toString(16)}:${(0x1000 + index).toString(16)}::`
        : `198.${18 + (index >> 8)}.${index & 255}.`;
    if (!isTaken(prefix) || step === 512) return (number) => `${prefix}${number}`;
  }
}
