// The table of step kinds. A new kind (bounce a process, wait for a gate, take a snapshot) is a member of `Step` in
// core/model/plan.ts, a file in this folder with one StepHandler, and a row here; the compiler asks for the row. A kind that
// waits or restarts journals its own intent and effect, so that `recover` can tell what was begun (a stopped member is
// started first). Nodes are part of a step's addresses; a kind that needs one connection per node groups its steps itself.
import type { Step } from "../../core/model/plan.ts";
import { archive } from "./archive.ts";
import { backUp } from "./back-up.ts";
import { bounce } from "./bounce.ts";
import { forget } from "./forget.ts";
import { gate } from "./gate.ts";
import { install } from "./install.ts";
import { issue } from "./issue.ts";
import { proveLive } from "./prove-live.ts";
import { prove } from "./prove.ts";
import { ready } from "./ready.ts";
import { snapshot } from "./snapshot.ts";
import { stage } from "./stage.ts";
import type { StepHandler } from "./step-handler.ts";
import { swap } from "./swap.ts";
import { take } from "./take.ts";

type Handlers = { readonly [K in Step["kind"]]: StepHandler<Extract<Step, { kind: K }>> };

const handlers: Handlers = {
  snapshot,
  issue,
  install,
  take,
  "back-up": backUp,
  archive,
  stage,
  swap,
  prove,
  forget,
  bounce,
  gate,
  ready,
  "prove-live": proveLive,
};

/** The handler of a kind, for steps that all are of that kind. */
export function handlerOf(kind: Step["kind"]): StepHandler {
  // The table pairs each kind with its own steps; the union of handlers cannot say so.
  return handlers[kind];
}
