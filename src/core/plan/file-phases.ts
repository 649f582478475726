// The steps over files, phase by phase: issue, back up, stage, swap, prove.
import { type Address, formatAddress, type NodeName } from "../model/address.ts";
import type {
  ArchiveStep,
  BackUpStep,
  Phase,
  ProveStep,
  RenewRequest,
  StageStep,
  Step,
  SwapStep,
} from "../model/plan.ts";
import type { IssueStep, MakingStep, TakeStep, Template } from "../model/making-step.ts";
import { type Facts, type SlotFacts, authorityOf } from "../policy/facts.ts";
import { octal } from "../policy/finding-of.ts";
import { formatKeySpec, keySpecOfSpki, parseKeySpec } from "../pki/keys.ts";
import { formatName, parseName } from "../pki/names.ts";
import { sansFor } from "./named.ts";
import { replacesKey } from "./steps.ts";
import { newModeOf } from "./new-mode.ts";
import type { Install } from "./pair-answers.ts";
import { isFileMissing, originalSlot } from "./recreate/decide.ts";
import { authorityFields } from "./recreate/recreate.ts";
import { installStep } from "./signed-plan.ts";
import type { Written } from "./written.ts";

export interface FileParts {
  /** For what is made again. */
  readonly issues: readonly IssueStep[];
  readonly renewed: readonly SlotFacts[];
  readonly following: readonly SlotFacts[];
  readonly written: readonly Written[];
  readonly request: RenewRequest;
  readonly installs: readonly Install[];
  /** True for the nodes of a `cluster.yaml`, also when it names one only. */
  readonly isCluster: boolean;
}

export function filePhases(facts: Facts, parts: FileParts): readonly Phase[] {
  const { renewed, written, issues } = parts;
  if (written.length === 0) return [];
  const taken = takenSlots(facts, parts);
  const archived = archiveSteps(facts, parts);
  const steps = {
    issue: [
      ...issues,
      ...renewed.filter((slot) => !isFileMissing(slot)).map((slot) => makingStep(facts, slot, parts)),
      ...taken.map(takeStep),
    ],
    "back-up": written.map((object): BackUpStep => ({
      kind: "back-up",
      id: stepId("back-up", object.facts.address),
      object: object.address,
    })),
    archive: archived,
    stage: written.map((object): StageStep => ({
      kind: "stage",
      id: stepId("stage", object.facts.address),
      object: object.address,
      content: object.content,
      mode: octal(newModeOf(object.facts.mode, object.isKey)),
      ...(object.facts.sha256 === "absent"
        ? { owner: { uid: object.facts.uid, gid: object.facts.gid } }
        : undefined),
    })),
    swap: written.map((object): SwapStep => ({
      kind: "swap",
      id: stepId("swap", object.facts.address),
      object: object.address,
    })),
    prove: [...renewed, ...parts.following].map((slot): ProveStep => ({
      kind: "prove",
      id: `${slot.slot.node}/prove/${slot.slot.name}`,
      slot: slot.slot.id,
      name: slot.slot.name,
    })),
  };
  const ids = ["back-up", "archive", "issue", "stage", "swap", "prove"] as const;
  const nodes = facts.inventory.nodes.map(({ node }) => node);
  return ids
    .filter((id) => id !== "archive" || archived.length > 0)
    .map((id) => ({ id, nodes: byNode(steps[id], nodes) }));
}

/** Behind the before-images and etcd's data, in front of all that is new. One for the whole run: of several nodes its id has the first one's name. */
function archiveSteps(
  { inventory }: Facts,
  { written, request: { archive }, isCluster }: FileParts,
): readonly ArchiveStep[] {
  if (!archive) return [];
  const node = written[0]?.facts.address.node ?? "";
  const step: ArchiveStep = { kind: "archive", id: `${node}/archive`, ...archive };
  if (!isCluster) return [step];
  const left = new Set(written.filter(leavesWithKey).map(({ facts }) => facts.address.node));
  const keysOf = inventory.nodes.flatMap((each) => (left.has(each.node) ? [each.node] : []));
  return [{ ...step, cluster: { name: inventory.cluster, keysOf } }];
}

/** What was not there has no before-image. */
function leavesWithKey({ facts, content }: Written): boolean {
  return facts.sha256 !== "absent" && replacesKey(content);
}

/** The ids of steps begin with the name of their node, which holds no slash. */
function byNode(steps: readonly Step[], nodes: readonly NodeName[]): Phase["nodes"] {
  const [only] = nodes;
  if (nodes.length === 1 && only !== undefined) return [{ node: only, steps }];
  return nodes
    .map((node) => ({ node, steps: steps.filter(({ id }) => id.startsWith(`${node}/`)) }))
    .filter((each) => each.steps.length > 0);
}

/** Originals that are not renewed themselves but have copies that follow them. */
function takenSlots(facts: Facts, { renewed, following }: FileParts): readonly SlotFacts[] {
  const own = new Set(renewed.map((slot) => slot.slot.id));
  const ids = new Set(
    following.flatMap((copy) => originalSlot(facts, copy)?.id ?? []).filter((id) => !own.has(id)),
  );
  return [...ids].flatMap((id) => facts.slots.get(id) ?? []);
}

function stepId(kind: string, address: Address): string {
  return `${address.node}/${kind}${address.path}`;
}

function makingStep(facts: Facts, slot: SlotFacts, { request, installs }: FileParts): MakingStep {
  const install = installs.find((each) => each.slot === slot);
  return install ? installStep(facts, install, templateOf(slot)) : issueStep(facts, slot, request);
}

function issueStep(facts: Facts, slot: SlotFacts, request: RenewRequest): IssueStep {
  const authority = authorityOf(facts, slot.slot);
  if (slot.certificate.state !== "present" || !authority) {
    throw new TypeError(`${slot.slot.id} was planned without a certificate or an authority`);
  }
  const { leaf } = slot.certificate.value;
  const isKept = slot.key.state === "present" && request.keepKey;
  const algorithm = formatKeySpec(
    request.keyAlgorithm !== null
      ? parseKeySpec(request.keyAlgorithm)
      : isKept
        ? slot.key.value.spec
        : keySpecOfSpki(leaf.spkiDer),
  );
  return {
    kind: "issue",
    id: `${slot.slot.node}/issue/${slot.slot.name}`,
    slot: slot.slot.id,
    name: slot.slot.name,
    subject: formatName(parseName(leaf.subjectDer)),
    ...authorityFields(facts, authority),
    template: templateOf(slot),
    old: { serialHex: leaf.serialHex, notBefore: leaf.notBefore, notAfter: leaf.notAfter },
    key: request.keepKey ? { mode: "keep", algorithm } : { mode: "generate", algorithm },
    validitySeconds: request.validitySeconds,
    addSans: sansFor(slot.slot, request).map(({ kind, value }) => ({ kind, value })),
  };
}

function takeStep(slot: SlotFacts): TakeStep {
  if (slot.certificate.state !== "present")
    throw new TypeError(`${slot.slot.id} is followed without a certificate`);
  const { serialHex } = slot.certificate.value.leaf;
  const { id, name, node } = slot.slot;
  return { kind: "take", id: `${node}/take/${name}`, slot: id, name, template: templateOf(slot), serialHex };
}

function templateOf(slot: SlotFacts): Template {
  const { holder } = slot.slot;
  if (holder.form === "kubeconfig")
    return { form: "kubeconfig", file: formatAddress(holder.file), user: holder.user };
  const index = slot.certificate.state === "present" ? slot.certificate.value.leafIndex : 0;
  return {
    form: "pem",
    certificate: formatAddress(holder.certificate),
    index,
    key: holder.key === null ? null : formatAddress(holder.key),
  };
}
