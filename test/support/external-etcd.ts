// A cluster with etcd on hosts of its own, cut out of the fixture of three masters as kubeadm's guide for external etcd makes it.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fixture } from "./fixtures.ts";

export const etcdServers = "https://192.0.2.11:2379,https://192.0.2.12:2379,https://192.0.2.13:2379";

/** A host with a kubelet that runs etcd only. The first one keeps the CA's key. */
export function etcdHost(name: "m1" | "m2" | "m3"): string {
  const root = fixture(`kubeadm-ha-expired/${name}`);
  const kubernetes = join(root, "etc/kubernetes");
  removeAll(kubernetes, (entry) => entry.endsWith(".conf"));
  removeAll(join(kubernetes, "manifests"), (entry) => entry !== "etcd.yaml");
  removeAll(join(kubernetes, "pki"), (entry) => entry !== "etcd");
  rmSync(join(root, "root"), { recursive: true, force: true });
  rmSync(join(root, "var/lib/kubelet"), { recursive: true, force: true });
  if (name !== "m1") rmSync(join(kubernetes, "pki/etcd/ca.key"));
  return root;
}

/** A master called `name` whose API server finds etcd elsewhere. */
export function masterWithout(name: string): string {
  const root = fixture("kubeadm-ha-expired/m2");
  const kubernetes = join(root, "etc/kubernetes");
  rmSync(join(kubernetes, "manifests/etcd.yaml"));
  // A copy of the year before, which has nothing to do with etcd.
  rmSync(join(root, "root"), { recursive: true, force: true });
  removeAll(join(kubernetes, "pki/etcd"), (entry) => entry !== "ca.crt");
  edit(join(kubernetes, "kubelet.conf"), "system:node:m2", `system:node:${name}`);
  edit(
    join(kubernetes, "manifests/kube-apiserver.yaml"),
    /--etcd-servers=\S+/,
    `--etcd-servers=${etcdServers}`,
  );
  return root;
}

function removeAll(folder: string, isOne: (entry: string) => boolean): void {
  for (const entry of readdirSync(folder)) if (isOne(entry)) rmSync(join(folder, entry), { recursive: true });
}

function edit(path: string, from: string | RegExp, to: string): void {
  const text = readFileSync(path, "utf8");
  const changed = typeof from === "string" ? text.replaceAll(from, to) : text.replace(from, to);
  if (changed === text) throw new TypeError(`nothing to change in ${path}`);
  writeFileSync(path, changed);
}
