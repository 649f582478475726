// Whose log a file is, by its name: `kube-apiserver.log`, a pod's folder, a copied container log.

const known = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "etcd",
  "kubectl",
] as const;

/** null when the name says nothing. */
export function componentOfFile(path: string): string | null {
  const pod = /\/pods\/[^/]+\/([^/]+)\/[^/]+$/.exec(path)?.[1];
  if (pod !== undefined) return pod;
  const name = path.split("/").at(-1) ?? "";
  const hosted = /([a-z0-9-]+-hosted-apiserver|tke-[a-z]+-(?:api|controller))/.exec(name)?.[1];
  if (hosted !== undefined) return hosted;
  if (/apiserver/.test(name)) return "kube-apiserver";
  return known.find((component) => name.includes(component)) ?? null;
}
