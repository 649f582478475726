// Files that are there and closed to the user who asks: nothing follows from them about the node. Pure.
import type { AnyFinding, Finding } from "../model/finding.ts";

/** Root would read it; an I/O error, a directory in its place and the like are the node's own fault. */
export function isUnreadableForUs(finding: AnyFinding): finding is Finding<"object-unreadable"> {
  return finding.code === "object-unreadable" && isForbidden(finding.params.reason);
}

export function isForbidden(reason: string): boolean {
  return /^(?:EACCES|EPERM)\b/.test(reason);
}
