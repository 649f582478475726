// Which runtime is asked: the one that runs the pods, also while it lists none of them.
import { describe, expect, it } from "vitest";
import type { PodContainer, PodRuntime } from "../../../src/drivers/process/pod-runtime.ts";
import { openRuntimeChoice } from "../../../src/drivers/process/runtime-choice.ts";

const scheduler: PodContainer = {
  id: "c1",
  name: "kube-scheduler",
  namespace: "kube-system",
  pod: "kube-scheduler-m1",
  podUid: "u1",
  sandboxId: "s1",
  state: "running",
  startedAt: 0,
  image: null,
  pid: null,
};

function runtime(through: string, containers: () => readonly PodContainer[]): PodRuntime {
  return {
    name: "cri",
    socket: through,
    through,
    removes: true,
    list: async () => ({ containers: containers(), sandboxes: [] }),
    stop: async () => {},
    remove: async () => {},
    stopSandboxes: async () => {},
    removeSandboxes: async () => {},
  };
}

const isThere = ({ containers }: { readonly containers: readonly PodContainer[] }): boolean =>
  containers.length > 0;

describe("the choice of a runtime", () => {
  it("stays with the one that listed the pod, while between two lives another way sees the next one first", async () => {
    let life: readonly PodContainer[] = [scheduler];
    const choice = openRuntimeChoice([runtime("cri", () => life), runtime("ctr", () => [scheduler])]);
    expect((await choice.choose("kube-scheduler", isThere)).runtime.through).toBe("cri");
    life = [];
    expect((await choice.choose("kube-scheduler", isThere)).runtime.through).toBe("cri");
    life = [scheduler];
    expect((await choice.choose("kube-scheduler", isThere)).runtime.through).toBe("cri");
  });

  it("takes the first that lists it, whichever answers before", async () => {
    const choice = openRuntimeChoice([runtime("cri", () => []), runtime("docker", () => [scheduler])]);
    expect((await choice.choose("kube-scheduler", isThere)).runtime.through).toBe("docker");
  });
});
