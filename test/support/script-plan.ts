// Plans of throw-away control planes for scripts of `plan --script`.
import { localNode } from "../../src/app/local-node.ts";
import { planRenewal } from "../../src/app/renewal.ts";
import type { BounceStep, ProveLiveStep } from "../../src/core/model/live-step.ts";
import type { Plan, RenewRequest } from "../../src/core/model/plan.ts";
import { renewRequest } from "./renew-request.ts";

/** As the command line would plan it at this moment, with keys that are made quickly. */
export function planFor(root: string, wish: Partial<RenewRequest> = {}): Promise<Plan> {
  const local = localNode({ root, stateDirectory: null, allowLinksTo: [], environment: {} });
  const request = { ...renewRequest, keyAlgorithm: "ECDSA-P256", ...wish } as const;
  return planRenewal(local, { id: null, params: {} }, request, Date.now());
}

/** The plan with a restart of kube-apiserver, and a listener at this port that has to present the new certificate. */
export function withRestart(plan: Plan, port: number): Plan {
  const demand = {
    id: "m1/kube-apiserver:6443",
    endpoint: { scheme: "https", host: "127.0.0.1", port, serverName: "m1" },
    slot: "m1/apiserver",
    sha256: null,
  } as const;
  const bounce: BounceStep = {
    kind: "bounce",
    id: "m1/bounce/kube-apiserver",
    consumer: "kube-apiserver",
    when: "always",
    graceSeconds: 7,
    reloadSeconds: 0,
    timeoutSeconds: 10,
    health: { form: "http", endpoint: demand.endpoint, path: "/livez" },
    demands: [demand],
    access: null,
  };
  const prove: ProveLiveStep = {
    kind: "prove-live",
    id: "m1/prove-live",
    demands: [demand],
    access: null,
    health: [],
    api: {
      kubeconfig: "file:m1:/etc/kubernetes/admin.conf",
      user: "kubernetes-admin",
      endpoint: demand.endpoint,
    },
  };
  const phase = (id: "restart" | "prove-live", step: BounceStep | ProveLiveStep): Plan["phases"][number] => ({
    id,
    nodes: [{ node: "m1", steps: [step] }],
  });
  return { ...plan, phases: [...plan.phases, phase("restart", bounce), phase("prove-live", prove)] };
}
