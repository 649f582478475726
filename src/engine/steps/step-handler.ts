// What the engine asks of a step kind.
import type { Step } from "../../core/model/plan.ts";
import type { RunContext } from "../run-context.ts";

/** Who wants the rollback: a person, or the run itself because it failed. */
export type UndoCause = "operator" | "failure";

export interface StepHandler<S extends Step = Step> {
  /** True when it changes what programs see: the set is verified and `all-staged` journalled before the first such kind. */
  readonly changesLive: boolean;
  /** Does the steps of one phase, nodes and steps in the order of the plan. */
  apply(context: RunContext, steps: readonly S[]): Promise<void>;
  /** In a later process, behind `all-staged`: brings the steps to the state that `apply` leaves, whatever was done of them. */
  recover(context: RunContext, steps: readonly S[]): Promise<void>;
  /**
   * Gets ready to take the steps back, changing nothing live; refuses here or not at all. Works from the journal and the world,
   * whatever was done, undone or half done.
   */
  prepareUndo(context: RunContext, steps: readonly S[], cause: UndoCause): Promise<PreparedUndo>;
}

export interface PreparedUndo {
  /** formatAddress of the objects that `run` changes back. */
  readonly restored: readonly string[];
  /** Objects of others that it will not touch. */
  readonly leftAlone: readonly string[];
  /** Called once, phases in reverse. */
  run(): Promise<void>;
  /** Called once everything is back, phases in their own order: processes load the old bytes again. */
  afterwards?(): Promise<void>;
  /** Tidies up what was prepared when `run` is not called or fails. */
  discard(): Promise<void>;
}

/** For kinds that leave nothing behind. */
export async function nothingToUndo(): Promise<PreparedUndo> {
  return { restored: [], leftAlone: [], run: async () => {}, discard: async () => {} };
}
