// Discovery of where etcd is: beside the API server, on other hosts, or alone on this one.
import { fileAddress } from "../../core/model/address.ts";
import { type Discovery, flagValue, pathIn } from "./context.ts";

/**
 * `stacked`: a member is here, or belongs here. `elsewhere`: the API server's etcd runs on other hosts (facts/kubeadm 1.4, last row).
 * `alone`: a host of etcd and nothing else, as kubeadm's guide for external etcd makes it (kubelet with etcd.yaml only).
 */
export type EtcdPlace = "stacked" | "elsewhere" | "alone";

export async function etcdPlace(discovery: Discovery): Promise<EtcdPlace> {
  const apiserver = discovery.pods.get("kube-apiserver");
  if (discovery.pods.has("etcd")) return (await isAlone(discovery)) ? "alone" : "stacked";
  const servers = apiserver ? flagValue(apiserver.pod, "etcd-servers") : undefined;
  if (!apiserver || servers === undefined || /127\.0\.0\.1|localhost|\[::1\]/.test(servers)) return "stacked";
  const address = fileAddress(discovery.view.node, apiserver.manifest);
  discovery.notes.push({ code: "external-etcd", address, detail: servers });
  return "elsewhere";
}

/** Nothing of a control plane is there, not even broken: a master that lost its manifests still has its CA and kubeconfigs. */
async function isAlone(discovery: Discovery): Promise<boolean> {
  const { profile, view } = discovery;
  const ofControlPlane = [
    ...profile.consumers.filter(({ name }) => name !== "etcd").map(({ manifest }) => manifest),
    ...profile.authorities.filter(({ part }) => part !== "etcd").map(({ certificate }) => certificate),
    ...profile.certificates.filter(({ part }) => part === undefined).map(({ certificate }) => certificate),
    ...profile.kubeconfigs.map(({ path }) => path),
  ];
  for (const template of ofControlPlane) {
    const reading = await view.read(pathIn(discovery, template));
    if (reading.state !== "absent" || reading.danglingLink !== null) return false;
  }
  return true;
}
