// (Facts, Request) -> Plan: decisions, refusals, guards, and the steps of each phase. Pure.
import { type Address, formatAddress } from "../model/address.ts";
import type { SlotId } from "../model/inventory.ts";
import type {
  BackUpStep,
  Content,
  Decision,
  Guard,
  IssueStep,
  MakingStep,
  Phase,
  Plan,
  ProveStep,
  RenewRequest,
  StageStep,
  SwapStep,
  TakeStep,
  Template,
} from "../model/plan.ts";
import { originalOf } from "../policy/certificate-checks.ts";
import { type Facts, type ObjectFacts, type SlotFacts, authorityOf } from "../policy/facts.ts";
import { octal } from "../policy/finding-of.ts";
import { sha256Hex } from "../pki/fingerprints.ts";
import { formatKeySpec, keySpecOfSpki, parseKeySpec } from "../pki/keys.ts";
import { formatName, parseName } from "../pki/names.ts";
import { digestOfPlan } from "./digest.ts";
import { noticesOf } from "./notices.ts";
import type { Install, Pairing } from "./pair-answers.ts";
import { refusalsOf } from "./refusals.ts";
import { sansFor, select } from "./select.ts";
import { forgetStepsOf, installStep, selectSigned, signedRefusals, sourceObjects } from "./signed-plan.ts";

export interface PlanFrame {
  readonly toolVersion: string;
  readonly root: string;
}

/** One object that will be replaced, with how its bytes are made. */
interface Written {
  readonly address: string;
  readonly facts: ObjectFacts;
  readonly content: Content;
  readonly isKey: boolean;
}

/**
 * The whole plan; with refusals it has no steps and cannot be applied. With `signed` it installs the answers of a CA elsewhere and
 * issues nothing.
 */
export function buildPlan(facts: Facts, request: RenewRequest, frame: PlanFrame, signed?: Pairing): Plan {
  const decisions = signed ? selectSigned(facts, request, signed) : select(facts, request);
  const refusals = signed
    ? signedRefusals(facts, { decisions, request, pairing: signed })
    : refusalsOf(facts, decisions, request);
  const isPossible = refusals.length === 0;
  const renewed = isPossible ? slotsOf(facts, decisions, "renew") : [];
  const following = isPossible ? slotsOf(facts, decisions, "follow") : [];
  const installs = renewed.flatMap((slot) => signed?.installs.get(slot.slot.id) ?? []);
  const written = writtenObjects(facts, renewed, following, { ...request, installs });
  const phases = phasesOf(facts, { renewed, following, written, request, installs });
  const base = {
    format: "perennial/plan/v1" as const,
    toolVersion: frame.toolVersion,
    cluster: facts.inventory.cluster,
    root: frame.root,
    profile: facts.inventory.profile,
    createdAt: new Date(facts.at).toISOString(),
    request,
    decisions,
    notices: [
      ...noticesOf(facts, { renewed, following, request, isSigned: signed !== undefined }),
      ...(signed?.notices ?? []),
    ],
    refusals,
    guards: guardsOf(facts, { renewed, following, written, installs }),
    phases,
  };
  return { ...base, digest: digestOfPlan(base) };
}

/** True when the plan would change something. */
export function hasChanges(plan: Plan): boolean {
  return plan.phases.some((phase) => phase.nodes.some((node) => node.steps.length > 0));
}

function slotsOf(
  facts: Facts,
  decisions: readonly Decision[],
  action: "renew" | "follow",
): readonly SlotFacts[] {
  return decisions
    .filter((decision) => decision.action === action)
    .flatMap((decision) => facts.slots.get(decision.slot) ?? []);
}

/** How keys and certificates are to be written. */
type Manner = Pick<RenewRequest, "keepKey"> & { readonly installs: readonly Install[] };

function writtenObjects(
  facts: Facts,
  renewed: readonly SlotFacts[],
  following: readonly SlotFacts[],
  manner: Manner,
): readonly Written[] {
  const pem = renewed.flatMap((slot) => pemObjects(slot, manner));
  return [...pem, ...kubeconfigObjects(facts, [...renewed, ...following])];
}

/** Key before certificate: the order kubeadm writes them in. */
function pemObjects(slot: SlotFacts, { keepKey, installs }: Manner): readonly Written[] {
  const { holder } = slot.slot;
  if (holder.form !== "pem" || slot.certificate.state !== "present") return [];
  // A chain from elsewhere takes the place of all that is there: its leaf comes first.
  const index = installs.some((install) => install.slot === slot) ? 0 : slot.certificate.value.leafIndex;
  const certificate = formatAddress(holder.certificate);
  const key = holder.key === null ? certificate : formatAddress(holder.key);
  const write = (address: string, content: Content, isKey: boolean): readonly Written[] => {
    const facts = slot.objects.find((object) => formatAddress(object.address) === address);
    if (facts) return [{ address, facts, content, isKey }];
    return isKey && slot.key.state === "missing"
      ? [{ address, facts: absent(slot.key.address), content, isKey }]
      : [];
  };
  if (key === certificate)
    return write(certificate, { form: "pem-combined", slot: slot.slot.id, index }, true);
  return [
    ...(keepKey ? [] : write(key, { form: "pem-key", slot: slot.slot.id }, true)),
    ...write(certificate, { form: "pem-certificate", slot: slot.slot.id, index }, false),
  ];
}

/** A key that is gone is made anew where it was. */
function absent(address: Address): ObjectFacts {
  return {
    address,
    sha256: "absent",
    size: 0,
    mode: 0o600,
    uid: 0,
    gid: 0,
    link: null,
    linkLeavesTree: false,
  };
}

/** Several users of one kubeconfig are one write. */
function kubeconfigObjects(facts: Facts, slots: readonly SlotFacts[]): readonly Written[] {
  const byFile = new Map<
    string,
    { readonly facts: ObjectFacts; readonly users: { user: string; slot: SlotId }[] }
  >();
  for (const slot of slots) {
    const { holder } = slot.slot;
    const [object] = slot.objects;
    if (holder.form !== "kubeconfig" || !object) continue;
    const address = formatAddress(holder.file);
    const entry = byFile.get(address) ?? { facts: object, users: [] };
    const source =
      slot.slot.management === "copy" ? (originalOf(facts, slot)?.slot.id ?? slot.slot.id) : slot.slot.id;
    entry.users.push({ user: holder.user, slot: source });
    byFile.set(address, entry);
  }
  return [...byFile].map(([address, entry]) => ({
    address,
    facts: entry.facts,
    content: { form: "kubeconfig", users: entry.users },
    isKey: false,
  }));
}

interface Parts {
  readonly renewed: readonly SlotFacts[];
  readonly following: readonly SlotFacts[];
  readonly written: readonly Written[];
  readonly request: RenewRequest;
  readonly installs: readonly Install[];
}

function phasesOf(facts: Facts, parts: Parts): readonly Phase[] {
  const { renewed, written, installs } = parts;
  if (written.length === 0) return [];
  const taken = takenSlots(facts, parts);
  const steps = {
    issue: [...renewed.map((slot) => makingStep(facts, slot, parts)), ...taken.map(takeStep)],
    "back-up": written.map((object): BackUpStep => ({
      kind: "back-up",
      id: stepId("back-up", object.facts.address),
      object: object.address,
    })),
    stage: written.map((object): StageStep => ({
      kind: "stage",
      id: stepId("stage", object.facts.address),
      object: object.address,
      content: object.content,
      mode: octal(newMode(object)),
    })),
    swap: written.map((object): SwapStep => ({
      kind: "swap",
      id: stepId("swap", object.facts.address),
      object: object.address,
    })),
    prove: [
      ...[...renewed, ...parts.following].map((slot): ProveStep => ({
        kind: "prove",
        id: `${slot.slot.node}/prove/${slot.slot.name}`,
        slot: slot.slot.id,
        name: slot.slot.name,
      })),
      ...forgetStepsOf(installs),
    ],
  };
  const ids = ["back-up", "issue", "stage", "swap", "prove"] as const;
  const node = renewed[0]?.slot.node ?? parts.following[0]?.slot.node ?? "";
  return ids.map((id) => ({ id, nodes: [{ node, steps: steps[id] }] }));
}

/** Originals that are not renewed themselves but have copies that follow them. */
function takenSlots(facts: Facts, { renewed, following }: Parts): readonly SlotFacts[] {
  const own = new Set(renewed.map((slot) => slot.slot.id));
  const ids = new Set(
    following.flatMap((copy) => originalOf(facts, copy)?.slot.id ?? []).filter((id) => !own.has(id)),
  );
  return [...ids].flatMap((id) => facts.slots.get(id) ?? []);
}

function stepId(kind: string, address: Address): string {
  return `${address.node}/${kind}${address.path}`;
}

/** A private key's file ends 0600 whatever it was; everything else keeps its mode. */
function newMode(object: Written): number {
  return object.isKey ? object.facts.mode & 0o600 : object.facts.mode;
}

function makingStep(facts: Facts, slot: SlotFacts, { request, installs }: Parts): MakingStep {
  const install = installs.find((each) => each.slot === slot);
  return install ? installStep(facts, install, templateOf(slot)) : issueStep(facts, slot, request);
}

function issueStep(facts: Facts, slot: SlotFacts, request: RenewRequest): IssueStep {
  const authority = authorityOf(facts, slot.slot);
  if (slot.certificate.state !== "present" || !authority?.signing) {
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
    authority: authority.slot.name,
    authorityCertificate: formatAddress(authority.slot.certificate),
    authorityKey: formatAddress(authority.slot.key),
    authoritySerialHex: authority.signing.serialHex,
    authoritySha256: sha256Hex(authority.signing.der),
    template: templateOf(slot),
    old: { serialHex: leaf.serialHex, notBefore: leaf.notBefore, notAfter: leaf.notAfter },
    key: request.keepKey ? { mode: "keep", algorithm } : { mode: "generate", algorithm },
    validitySeconds: request.validitySeconds,
    notAfterCap: authority.signing.notAfter,
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

/** Written objects, and everything that is read to write them: issuers, templates, kept keys. */
function guardsOf(
  facts: Facts,
  { renewed, following, written, installs }: Omit<Parts, "request">,
): readonly Guard[] {
  const isWritten = new Set(written.map((object) => object.address));
  const originals = following.flatMap((copy) => {
    const original = originalOf(facts, copy);
    return original ? (facts.slots.get(original.slot.id) ?? []) : [];
  });
  const objects = [
    ...[...renewed, ...following, ...originals].flatMap((slot) => slot.objects),
    ...renewed.flatMap((slot) => authorityOf(facts, slot.slot)?.objects ?? []),
    ...sourceObjects(installs),
    ...written.map((object) => object.facts),
  ];
  const byAddress = new Map(objects.map((object) => [formatAddress(object.address), object]));
  return [...byAddress]
    .map(([address, object]): Guard => ({
      address,
      presence: object.sha256 === "absent" ? "absent" : "present",
      sha256: object.sha256,
      mode: octal(object.mode),
      uid: object.uid,
      gid: object.gid,
      link: object.link,
      use: isWritten.has(address) ? "written" : "read",
    }))
    .sort((a, b) => (a.address < b.address ? -1 : 1));
}
