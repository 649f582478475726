// Selections of a plan's steps.
import { type NodeName, parseAddress } from "../model/address.ts";
import type { CommandsByProcess } from "../model/live.ts";
import type { BounceStep, EtcdAccess, SnapshotStep } from "../model/live-step.ts";
import type { ArchiveStep, Content, Plan, StageStep, Step, SwapStep } from "../model/plan.ts";
import type { ForgetStep, InstallStep, IssueStep, IssueTemplate, TakeStep } from "../model/making-step.ts";

/** All steps in the order in which they run. */
export function allSteps(plan: Plan): readonly Step[] {
  return plan.phases.flatMap(({ nodes }) => nodes.flatMap(({ steps }) => steps));
}

/** True when the plan would change something. */
export function hasChanges(plan: Plan): boolean {
  return allSteps(plan).length > 0;
}

/** Steps that look at or change what runs, not only files. */
export function hasLiveSteps(plan: Plan): boolean {
  return allSteps(plan).some(({ kind }) => ["snapshot", "bounce", "ready", "prove-live"].includes(kind));
}

export function issueSteps(plan: Plan): readonly IssueStep[] {
  return allSteps(plan).filter((step) => step.kind === "issue");
}

export function installSteps(plan: Plan): readonly InstallStep[] {
  return allSteps(plan).filter((step) => step.kind === "install");
}

export function forgetSteps(plan: Plan): readonly ForgetStep[] {
  return allSteps(plan).filter((step) => step.kind === "forget");
}

export function archiveSteps(plan: Plan): readonly ArchiveStep[] {
  return allSteps(plan).filter((step) => step.kind === "archive");
}

export function snapshotSteps(plan: Plan): readonly SnapshotStep[] {
  return allSteps(plan).filter((step) => step.kind === "snapshot");
}

/** The objects that an installation is made from: needed until everything is staged, and no longer. */
export function sourcesOf({ answer, chain, key }: InstallStep): readonly string[] {
  const pending = key.mode === "pending" ? [key.file] : [];
  return [answer.file, ...chain.map(({ file }) => file), ...pending];
}

export function bounceSteps(plan: Plan): readonly BounceStep[] {
  return allSteps(plan).filter((step) => step.kind === "bounce");
}

/** The operator's commands that the steps hold: a saved plan needs nothing besides. */
export function commandsInPlan(plan: Plan): CommandsByProcess {
  return Object.fromEntries(
    bounceSteps(plan).flatMap(({ consumer, commands }) => (commands ? [[consumer, commands]] : [])),
  );
}

export function takeSteps(plan: Plan): readonly TakeStep[] {
  return allSteps(plan).filter((step) => step.kind === "take");
}

/** The node of every step, by id. */
export function nodesOfSteps({ phases }: Pick<Plan, "phases">): ReadonlyMap<string, NodeName> {
  return new Map(
    phases.flatMap(({ nodes }) =>
      nodes.flatMap(({ node, steps }) => steps.map(({ id }): [string, NodeName] => [id, node])),
    ),
  );
}

/** The part of a plan that concerns one node: what can be verified while the others are not done. */
export function planOfNode(plan: Plan, node: NodeName): Plan {
  return {
    ...plan,
    guards: plan.guards.filter(({ address }) => parseAddress(address).node === node),
    phases: plan.phases.map(({ id, nodes }) => ({ id, nodes: nodes.filter((each) => each.node === node) })),
  };
}

/** Without what it swaps only in a later phase than the one with step `id`: that is as it was before, and not yet to be verified. */
export function planUpTo(plan: Plan, id: string): Plan {
  const here = plan.phases.findIndex(({ nodes }) =>
    nodes.some(({ steps }) => steps.some((step) => step.id === id)),
  );
  const later = new Set(
    swapSteps({ ...plan, phases: plan.phases.slice(here + 1) }).map(({ object }) => object),
  );
  if (later.size === 0) return plan;
  const kept = stageSteps(plan).filter(({ object }) => !later.has(object));
  const slots = new Set(kept.flatMap(({ content }) => slotsOfContent(content)));
  const isDue = (step: Step): boolean => {
    if (step.kind === "stage") return !later.has(step.object);
    return step.kind === "issue" || step.kind === "install" || step.kind === "take"
      ? slots.has(step.slot)
      : true;
  };
  const phases = plan.phases.map(({ id: phase, nodes }) => ({
    id: phase,
    nodes: nodes.map(({ node, steps }) => ({ node, steps: steps.filter(isDue) })),
  }));
  return { ...plan, phases };
}

/** The objects that hold a template: one, or the certificate's and its key's. */
export function objectsOfTemplate(template: IssueTemplate): readonly string[] {
  if (template.form === "profile" || template.form === "authority") return [];
  if (template.form === "kubeconfig") return [template.file];
  return template.key === null ? [template.certificate] : [template.certificate, template.key];
}

/** The slots whose certificates or keys go into an object. */
export function slotsOfContent(content: Content): readonly string[] {
  if (content.form === "copy") return [];
  return content.form === "kubeconfig" ? content.users.map(({ slot }) => slot) : [content.slot];
}

/** True when the object that is replaced may hold a private key: every kubeconfig counts, most of them hold one. */
export function replacesKey({ form }: Content): boolean {
  return form !== "pem-certificate";
}

/** Other objects that an object's bytes are made from. */
export function sourcesOfContent(content: Content): readonly string[] {
  if (content.form === "copy") return [content.from];
  if (content.form === "kubeconfig-new") return [content.authority];
  return content.form === "kubeconfig" && content.from !== undefined ? [content.from] : [];
}

/** Identities with which a running server is asked: who swaps one of these files has etcd or the API asked in another name. */
export function liveSources(step: Step): readonly string[] {
  if (step.kind === "ready") return step.apis.map(({ kubeconfig }) => kubeconfig);
  if (step.kind !== "snapshot" && step.kind !== "bounce" && step.kind !== "prove-live") return [];
  const api = step.kind === "prove-live" && step.api !== null ? [step.api.kubeconfig] : [];
  return [...(step.access === null ? [] : identityOf(step.access)), ...api];
}

/** The stored client pair is used only where nothing can be signed. */
function identityOf({ authorityCertificate, authorityKey, client }: EtcdAccess): readonly string[] {
  if (authorityKey !== null) return [authorityCertificate, authorityKey];
  return client === null ? [authorityCertificate] : [authorityCertificate, client.certificate, client.key];
}

export function stageSteps(plan: Plan): readonly StageStep[] {
  return allSteps(plan).filter((step) => step.kind === "stage");
}

export function swapSteps(plan: Plan): readonly SwapStep[] {
  return allSteps(plan).filter((step) => step.kind === "swap");
}

/**
 * Swaps in the order of the plan, each together with those that must not be seen apart from it: the key and the certificate
 * of one slot on one node. Every step is in exactly one group. `only`: whole groups, not halves of them.
 */
export function swapGroups(
  plan: Plan,
  only: readonly SwapStep[] = swapSteps(plan),
): readonly (readonly SwapStep[])[] {
  const wanted = new Set(only.map(({ id }) => id));
  const groups: { readonly slots: Set<string>; readonly steps: SwapStep[] }[] = [];
  const contents = new Map(stageSteps(plan).map(({ object, content }) => [object, content]));
  for (const { node, step } of placedSwaps(plan)) {
    if (!wanted.has(step.id)) continue;
    const content = contents.get(step.object);
    const isHalf = content?.form === "pem-certificate" || content?.form === "pem-key";
    const slot = isHalf ? `${node}\n${content.slot}` : `${node}\n\n${step.id}`;
    const group = groups.find(({ slots }) => slots.has(slot));
    if (group) group.steps.push(step);
    else groups.push({ slots: new Set([slot]), steps: [step] });
  }
  return groups.map(({ steps }) => steps);
}

function placedSwaps(plan: Plan): readonly { readonly node: string; readonly step: SwapStep }[] {
  return plan.phases.flatMap(({ nodes }) =>
    nodes.flatMap(({ node, steps }) =>
      steps.flatMap((step) => (step.kind === "swap" ? [{ node, step }] : [])),
    ),
  );
}
