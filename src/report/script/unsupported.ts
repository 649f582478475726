// Which steps of a plan the script cannot do: what has no old certificate or no old file to start from, what is restarted in the
// operator's own way.
import { assertNever } from "../../core/model/errors.ts";
import type { Plan, Step } from "../../core/model/plan.ts";
import { allSteps } from "../../core/plan/steps.ts";

/** Ids of the steps, in order; empty when the whole plan can be done by a script. */
export function unsupportedSteps(plan: Plan): readonly string[] {
  const missing = new Set(
    plan.guards.filter(({ presence }) => presence === "absent").map(({ address }) => address),
  );
  return allSteps(plan)
    .filter((step) => !isSupported(step, missing))
    .map(({ id }) => id);
}

function isSupported(step: Step, missing: ReadonlySet<string>): boolean {
  switch (step.kind) {
    case "issue":
      return isTemplate(step.template.form) && !step.recreates && isKnownKey(step.key.algorithm);
    case "back-up":
    case "swap":
      return !missing.has(step.object);
    case "stage":
      return !missing.has(step.object) && !["kubeconfig-new", "copy"].includes(step.content.form);
    case "install":
    case "forget":
    case "gate":
    case "ready":
    case "archive":
      return false;
    case "take":
    case "prove":
    case "snapshot":
    case "prove-live":
      return true;
    case "bounce":
      return step.commands === undefined;
    default:
      return assertNever(step);
  }
}

function isTemplate(form: string): boolean {
  return form === "pem" || form === "kubeconfig";
}

function isKnownKey(algorithm: string): boolean {
  return /^(RSA-\d+|ECDSA-P(256|384|521))$/.test(algorithm);
}
