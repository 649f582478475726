// The revision of an object: what `expect` compares.
import type { Observation } from "./ports/store.ts";

/** sha256 of the bytes (hex), or `absent`. */
export function revisionOf(observation: Observation): string {
  return observation.state === "present" ? observation.sha256 : "absent";
}
