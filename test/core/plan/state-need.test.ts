// The upper bound of what a run takes where its state lies.
import { describe, expect, it } from "vitest";
import { gather } from "../../../src/app/gather.ts";
import type { Plan } from "../../../src/core/model/plan.ts";
import { buildPlan } from "../../../src/core/plan/build.ts";
import { stateNeedOf } from "../../../src/core/plan/state-need.ts";
import { nodeAt, today } from "../../support/control-plane.ts";
import { fixture } from "../../support/fixtures.ts";

const request = {
  names: ["apiserver"],
  all: false,
  withinSeconds: 0,
  validitySeconds: 86_400,
  validityIsExplicit: false,
  keepKey: false,
  keyAlgorithm: null,
  addSans: [],
  allowLinksTo: [],
};

async function planOf(names: readonly string[]): Promise<Plan> {
  const { facts } = await gather(nodeAt(fixture("kubeadm-ha-expired/m1")), { id: null, params: {} }, today);
  return buildPlan(facts, { ...request, names }, { toolVersion: "1.2.3", root: "/" });
}

function sizesOf(plan: Plan, size: number): ReadonlyMap<string, number> {
  return new Map(plan.guards.map(({ address }) => [address, size]));
}

describe("stateNeedOf", () => {
  it("counts every file, folder, record and margin", async () => {
    const plan = await planOf(["apiserver"]);
    // Two before-images and two staged files; before, m1, etc, kubernetes, pki; plan, journal; 16 for the rest.
    expect(stateNeedOf(plan, sizesOf(plan, 1000), 4096).files).toBe(4 + 5 + 2 + 16);
  });

  it("rounds each file to whole blocks", async () => {
    const plan = await planOf(["apiserver"]);
    const need = (size: number, block: number): number => stateNeedOf(plan, sizesOf(plan, size), block).bytes;
    expect(need(4096, 4096)).toBe(need(1, 4096));
    // One block more for each of two before-images and two staged files.
    expect(need(4097, 4096) - need(4096, 4096)).toBe(4 * 4096);
    expect(need(1, 65_536)).toBeGreaterThan(need(1, 4096));
  });

  it("asks for more when more is renewed", async () => {
    const [one, two] = [await planOf(["apiserver"]), await planOf(["apiserver", "front-proxy-client"])];
    const need = (plan: Plan): number => stateNeedOf(plan, sizesOf(plan, 2000), 4096).bytes;
    expect(need(two)).toBeGreaterThan(need(one));
  });
});
