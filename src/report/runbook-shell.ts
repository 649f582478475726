// The shell commands that do by hand what one step of a plan does: POSIX sh, openssl, kubectl for kubeconfigs.
import { assertNever } from "../core/model/errors.ts";
import type { Plan, Step } from "../core/model/plan.ts";
import { archiveCommands, backUpCommands, stageCommands, swapCommands } from "./runbook-files.ts";
import { issueCommands, installCommands, forgetCommands, takeCommands } from "./runbook-issue.ts";
import {
  bounceCommands,
  proveLiveCommands,
  snapshotCommands,
  gateCommands,
  readyCommands,
} from "./runbook-live.ts";
import type { StepCommands } from "./runbook-paths.ts";
import { proveCommands } from "./runbook-prove.ts";

export function commandsOf(step: Step, plan: Plan): StepCommands {
  switch (step.kind) {
    case "issue":
      return issueCommands(step, plan);
    case "install":
      return installCommands(step, plan);
    case "forget":
      return { run: forgetCommands(step), undo: [":"] };
    case "take":
      return takeCommands(step, plan);
    case "back-up":
      return backUpCommands(step, plan);
    case "archive":
      return archiveCommands(step, plan);
    case "stage":
      return stageCommands(step, plan);
    case "swap":
      return swapCommands(step, plan);
    case "prove":
      return proveCommands(step, plan);
    case "snapshot":
      return snapshotCommands(step);
    case "bounce":
      return bounceCommands(step);
    case "gate":
      return gateCommands(plan);
    case "ready":
      return readyCommands(step);
    case "prove-live":
      return proveLiveCommands(step);
    default:
      return assertNever(step);
  }
}
