// What the commands of a runbook share: what they are, where objects lie, what working files are called.
import { parseAddress } from "../core/model/address.ts";
import type { Guard, Plan } from "../core/model/plan.ts";
import { shellQuote } from "./shell.ts";

/** Commands of a step, how to undo it; both are lines of sh. */
export interface StepCommands {
  readonly run: readonly string[];
  readonly undo: readonly string[];
}

/** Where the object really is on the machine: below the plan's root, behind links. */
export function realPath(address: string, plan: Plan): string {
  const guard = guardOf(address, plan);
  const { store, path: own } = parseAddress(address);
  const path = guard?.link ?? own;
  // Answers lie wherever the operator has them.
  if (store === "answer") return path;
  return plan.root === "/" ? path : `${plan.root.replace(/\/$/, "")}${path}`;
}

export function guardOf(address: string, plan: Plan): Guard | undefined {
  return plan.guards.find((guard) => guard.address === address);
}

export function at(address: string, plan: Plan): string {
  return shellQuote(realPath(address, plan));
}

/** Base name of a slot's working files: letters, digits, dots and dashes only. */
export function work(slot: string): string {
  return slot.replace(/[^A-Za-z0-9.-]+/g, "_");
}
