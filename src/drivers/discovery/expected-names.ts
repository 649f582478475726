// Discovery functions `apiserver`, `etcd-peer`, `etcd-server`: which names a serving certificate must carry, and who says so.
import type { ExpectedSan } from "../../core/model/inventory.ts";
import { tryParseIpAddress } from "../../core/pki/ip-address.ts";
import { type Discovery, flagValue } from "./context.ts";

export type NamesFunction = "apiserver" | "etcd-peer" | "etcd-server";

/** `servers` are the `server:` fields of the node's kubeconfigs with the file each comes from. */
export function expectedNames(
  discovery: Discovery,
  which: NamesFunction,
  servers: readonly { readonly url: string; readonly path: string }[],
): readonly ExpectedSan[] {
  switch (which) {
    case "apiserver":
      return unique([
        ...apiserverNames(discovery),
        ...servers.flatMap((server) => hostOf(server.url, server.path)),
      ]);
    case "etcd-server":
      return unique(etcdNames(discovery, ["advertise-client-urls", "listen-client-urls"]));
    case "etcd-peer":
      return unique(etcdNames(discovery, ["initial-advertise-peer-urls", "listen-peer-urls"]));
  }
}

function apiserverNames(discovery: Discovery): readonly ExpectedSan[] {
  const entry = discovery.pods.get("kube-apiserver");
  if (!entry) return [];
  const advertise = flagValue(entry.pod, "advertise-address");
  const range = flagValue(entry.pod, "service-cluster-ip-range");
  const service = range === undefined ? undefined : firstAddress(range.split(",")[0] ?? "");
  // kubeadm's fixed names (app/phases/certs/certlist.go, pkiutil.GetAPIServerAltNames); the DNS domain is not in the manifest.
  const fixed = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
  return [
    ...(advertise === undefined ? [] : san(advertise, `--advertise-address of ${entry.manifest}`)),
    ...fixed.flatMap((name) => san(name, "every kubeadm API server")),
    ...(service === undefined ? [] : san(service, `--service-cluster-ip-range of ${entry.manifest}`)),
  ];
}

function etcdNames(discovery: Discovery, flags: readonly string[]): readonly ExpectedSan[] {
  const entry = discovery.pods.get("etcd");
  if (!entry) return [];
  return flags.flatMap((flag) =>
    (flagValue(entry.pod, flag) ?? "")
      .split(",")
      .filter((url) => url.startsWith("https://"))
      .flatMap((url) => hostOf(url, `--${flag} of ${entry.manifest}`)),
  );
}

/** The host of an https URL. By hand: the URL class costs a millisecond at start-up. */
export function hostOf(url: string, source: string): readonly ExpectedSan[] {
  const match = /^https:\/\/(?:\[([^\]]+)\]|([^:/?#@[\]]+))(?:[:/?#]|$)/i.exec(url);
  const host = match?.[1] ?? match?.[2] ?? "";
  return host === "" || host === "0.0.0.0" || host === "::" ? [] : san(host, source);
}

export function san(value: string, source: string): readonly ExpectedSan[] {
  return [{ kind: tryParseIpAddress(value) ? "ip" : "dns", value, source }];
}

/** The first usable address of a CIDR: `10.96.0.0/12` gives `10.96.0.1` (kubeadm constants.GetAPIServerVirtualIP). */
export function firstAddress(cidr: string): string | undefined {
  const base = cidr.split("/")[0] ?? "";
  if (tryParseIpAddress(base)?.length === 4) {
    const last = base.lastIndexOf(".");
    return `${base.slice(0, last + 1)}${Number(base.slice(last + 1)) + 1}`;
  }
  return tryParseIpAddress(base)?.length === 16 && base.endsWith("::") ? `${base}1` : undefined;
}

export function unique(sans: readonly ExpectedSan[]): readonly ExpectedSan[] {
  const seen = new Set<string>();
  return sans.filter((entry) => {
    const key = `${entry.kind}:${entry.value.toLowerCase()}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
