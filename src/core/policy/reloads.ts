// Which processes read a changed certificate by themselves (facts/reload-and-order 2.1). Pure.
import type { KeepRunningReason, ProcessSlot } from "../model/live.ts";

/** null for processes that read their files once. */
export function reloadOf({ consumer, version }: ProcessSlot): KeepRunningReason | null {
  const since = consumer === "etcd" ? "3.2" : consumer === "kube-apiserver" ? "1.19" : null;
  if (since === null || version === null) return null;
  const [major = 0, minor = 0] = since.split(".").map(Number);
  return isAtLeast(version, major, minor) ? { code: "reloads", since, version } : null;
}

/** A version that is not known is none. */
export function isAtLeast(version: string | null, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = (version ?? "").split(".").map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
