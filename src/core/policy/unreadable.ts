// Files that are there and closed to the user who asks: nothing follows from them about the node. Pure.
import type { AnyFinding, Finding } from "../model/finding.ts";

/** Root would read it; an I/O error, a directory in its place and the like are the node's own fault. */
export function isUnreadableForUs(finding: AnyFinding): finding is Finding<"object-unreadable"> {
  return finding.code === "object-unreadable" && isForbidden(finding.params.reason);
}

/** The system's code by itself, or behind what says which file it was (`its key PATH cannot be read: EACCES`). A path may hold the same letters. */
export function isForbidden(reason: string): boolean {
  return /^(?:EACCES|EPERM)\b|: (?:EACCES|EPERM)$/.test(reason);
}
