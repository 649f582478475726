// The digest of a plan: what an operator approves and what the engine checks again.
import { sha256Hex } from "../pki/fingerprints.ts";
import type { Plan } from "../model/plan.ts";

/**
 * `sha256:` over the canonical JSON of everything a plan does or relies on. Not covered: the clock, the request,
 * decisions, notices and refusals, which are for people.
 */
export function digestOfPlan(plan: Omit<Plan, "digest">): string {
  const { format, toolVersion, root, profile, guards, phases, nodes, manual } = plan;
  const covered = { format, toolVersion, root, profile, guards, phases, nodes, manual };
  return `sha256:${sha256Hex(new TextEncoder().encode(canonicalJson(covered)))}`;
}

/** JSON without white space and with the keys of every object in the order of their code units. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`);
  return `{${fields.join(",")}}`;
}
