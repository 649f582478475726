// Which step of a plan over several nodes an error is told of.
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/model/errors.ts";
import type { Plan, Step } from "../../src/core/model/plan.ts";
import type { StepRecord } from "../../src/engine/derive-run.ts";
import { openStep, stepOf } from "../../src/engine/failed-step.ts";

const done: StepRecord = {
  intent: true,
  effect: "aa",
  proof: null,
  undoIntent: false,
  undone: false,
  failed: null,
  instances: ["1"],
  original: ["1"],
};

function planOf(...ids: readonly string[]): Plan {
  const nodes = ids.map((id) => {
    const [node = "", kind = "", consumer = ""] = id.split("/");
    return { node, steps: [{ id, kind, consumer } as unknown as Step] };
  });
  return { phases: [{ id: "restart", nodes }] } as unknown as Plan;
}

const plan = planOf("m1/bounce/etcd", "m2/bounce/etcd", "m3/bounce/etcd", "m1/prove-live", "m2/prove-live");

describe("the step that an error is told of", () => {
  it("is that of the node under way, not of the first one with such a process", () => {
    const steps = new Map([["m1/bounce/etcd", done]]);
    const error = new AppError("bounce-failed", {
      consumer: "etcd",
      stage: "health",
      where: "etcd",
      reason: "x",
    });
    expect(stepOf(plan, { steps }, error)).toBe("m2/bounce/etcd");
    expect(stepOf(plan, { steps: new Map() }, error)).toBe("m1/bounce/etcd");
  });

  it("is the proof that is lacking", () => {
    const steps = new Map([["m1/prove-live", { ...done, effect: null, proof: "bb" }]]);
    const error = new AppError("live-proof-failed", { where: "etcd", reason: "x" });
    expect(stepOf(plan, { steps }, error)).toBe("m2/prove-live");
  });

  it("is none for an error that names nothing, and the first open one for whoever asks", () => {
    const steps = new Map([["m1/bounce/etcd", done]]);
    const lost = new AppError("host-lost", { host: "m2", reason: "gone" });
    expect(stepOf(plan, { steps }, lost)).toBe("");
    expect(openStep(plan, { steps }, () => true)).toBe("m2/bounce/etcd");
  });
});
