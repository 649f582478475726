// The one order in which processes are restarted, by the engine and by hand: what others need comes first, and without a kubelet nothing
// starts; the controller-manager, which evicts, comes last.

export const restartOrder = [
  "kubelet",
  "etcd",
  "kube-apiserver",
  "kube-scheduler",
  "kube-controller-manager",
] as const;

/** Without what judges others: that waits for the workers as well. */
export const starts: readonly string[] = restartOrder.slice(0, -1);

/** What has no place of its own comes last. */
export function inOrderOfStarts(consumers: readonly string[]): readonly string[] {
  const names: readonly string[] = restartOrder;
  const place = (name: string): number => (names.includes(name) ? names.indexOf(name) : names.length);
  return consumers.toSorted((one, other) => place(one) - place(other));
}
