// (Facts, Request) -> Plan: decisions, refusals, guards, and the steps of each phase. Pure.
import { type Address, formatAddress } from "../model/address.ts";
import type { Refusal } from "../model/errors.ts";
import type { CertificateSlot, SlotId } from "../model/inventory.ts";
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
import { originalOf } from "../policy/originals.ts";
import { type Facts, type ObjectFacts, type SlotFacts, authorityOf } from "../policy/facts.ts";
import { octal } from "../policy/finding-of.ts";
import { formatKeySpec, keySpecOfSpki, parseKeySpec } from "../pki/keys.ts";
import { formatName, parseName } from "../pki/names.ts";
import { digestOfPlan } from "./digest.ts";
import { newModeOf } from "./new-mode.ts";
import { type LivePart, type LiveSteps, liveSteps, noLiveSteps } from "./live-steps.ts";
import { startNotices, startRefusals } from "./not-startable.ts";
import { noticesOf } from "./notices.ts";
import { type RecreatedAuthorities, recreateAuthorities } from "./recreate/authorities.ts";
import { isFileMissing, recreatedOriginal } from "./recreate/decide.ts";
import { recreationNotices } from "./recreate/notices.ts";
import { authorityFields, recreate } from "./recreate/recreate.ts";
import type { Install, Pairing } from "./pair-answers.ts";
import { refusalsOf } from "./refusals.ts";
import { sansFor } from "./named.ts";
import { select } from "./select.ts";
import { forgetStepsOf, installStep, selectSigned, signedRefusals, sourceObjects } from "./signed-plan.ts";
import { type Written, absentObject } from "./written.ts";

export interface PlanFrame {
  readonly toolVersion: string;
  readonly root: string;
  /** What runs on the node; absent when only its files are looked at. */
  readonly live?: LivePart;
}

/**
 * The whole plan; with refusals it has no steps and cannot be applied. With `signed` it installs the answers of a CA elsewhere and
 * issues nothing.
 */
export function buildPlan(given: Facts, request: RenewRequest, frame: PlanFrame, signed?: Pairing): Plan {
  const { plan, stuck } = draftPlan(given, { request, frame, signed, stuck: [] });
  return stuck.length === 0 ? plan : draftPlan(given, { request, frame, signed, stuck }).plan;
}

interface Draft {
  readonly request: RenewRequest;
  readonly frame: PlanFrame;
  readonly signed: Pairing | undefined;
  /** Processes that the plan would restart and nobody could start: known only once there is a plan. */
  readonly stuck: readonly Refusal[];
}

function draftPlan(
  given: Facts,
  { request, frame, signed, stuck }: Draft,
): { readonly plan: Plan; readonly stuck: readonly Refusal[] } {
  const authorities = recreateAuthorities(given, request);
  const { facts } = authorities;
  const decisions = signed ? selectSigned(facts, request, signed) : select(facts, request);
  const ofFiles = signed
    ? signedRefusals(facts, { decisions, request, pairing: signed })
    : [...authorities.refusals, ...refusalsOf(facts, decisions, request)];
  const refusals = [...ofFiles, ...stuck];
  const isPossible = refusals.length === 0;
  const renewed = isPossible ? slotsOf(facts, decisions, "renew") : [];
  const following = isPossible ? slotsOf(facts, decisions, "follow") : [];
  const installs = renewed.flatMap((slot) => signed?.installs.get(slot.slot.id) ?? []);
  const made = isPossible ? madeAgain(facts, authorities, { renewed, request }) : nothingMade;
  const written = [
    ...made.written,
    ...writtenObjects(facts, renewed, following, { keepKey: request.keepKey, installs }),
  ];
  const changed = new Set(renewed.map(({ slot }) => slot.id));
  const { processes: commands = {} } = request;
  const live =
    frame.live && isPossible ? liveSteps(facts, { ...frame.live, commands }, changed) : noLiveSteps;
  const node = facts.inventory.nodes[0]?.node ?? "";
  const filePhases = phasesOf(facts, { renewed, following, written, request, made, installs });
  const phases = withLive(filePhases, live, { node, installs });
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
      ...(isPossible ? authorities.notices : []),
      ...noticesOf(facts, {
        renewed,
        following,
        request,
        handled: handledBy(live),
        isSigned: signed !== undefined,
      }),
      ...recreationNotices(facts, { issues: made.issues, renewed }),
      ...(signed?.notices ?? []),
      ...(frame.live ? startNotices(live, frame.live.facts) : []),
    ],
    refusals,
    guards: guardsOf(facts, {
      changed: [...renewed, ...following],
      written,
      read: [...live.reads, ...made.read, ...sourceObjects(installs)],
    }),
    phases,
    ...(frame.live ? { restarts: live.restarts } : {}),
  };
  return {
    plan: { ...base, digest: digestOfPlan(base) },
    stuck: frame.live ? startRefusals(live, frame.live.facts) : [],
  };
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
      ? [{ address, facts: absentObject(slot.key.address, 0o600), content, isKey }]
      : [];
  };
  if (key === certificate)
    return write(certificate, { form: "pem-combined", slot: slot.slot.id, index }, true);
  return [
    ...(keepKey ? [] : write(key, { form: "pem-key", slot: slot.slot.id }, true)),
    ...write(certificate, { form: "pem-certificate", slot: slot.slot.id, index }, false),
  ];
}

/** The slot a copy follows, also one that this plan makes again. */
function originalSlot(facts: Facts, copy: SlotFacts): CertificateSlot | null {
  return originalOf(facts, copy)?.slot ?? recreatedOriginal(facts, copy);
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
    const original = slot.slot.management === "copy" ? originalSlot(facts, slot) : null;
    const source = original?.id ?? slot.slot.id;
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

interface Made {
  readonly issues: readonly IssueStep[];
  readonly written: readonly Written[];
  readonly read: readonly ObjectFacts[];
}

const nothingMade: Made = { issues: [], written: [], read: [] };

/** Authorities first, then what is missing below them. */
function madeAgain(
  facts: Facts,
  authorities: RecreatedAuthorities,
  { renewed, request }: { readonly renewed: readonly SlotFacts[]; readonly request: RenewRequest },
): Made {
  const all = renewed.filter(isFileMissing).map((slot) => {
    const sans = sansFor(slot.slot, request).map(({ kind, value }) => ({ kind, value }));
    return recreate(facts, slot, { request, sans });
  });
  return {
    issues: [...authorities.issues, ...all.map(({ issue }) => issue)],
    written: [...authorities.written, ...all.flatMap(({ written }) => written)],
    read: [...authorities.read, ...all.flatMap(({ read }) => read)],
  };
}

interface Parts {
  readonly made: Made;
  readonly renewed: readonly SlotFacts[];
  readonly following: readonly SlotFacts[];
  readonly written: readonly Written[];
  readonly request: RenewRequest;
  readonly installs: readonly Install[];
}

function phasesOf(facts: Facts, parts: Parts): readonly Phase[] {
  const { renewed, written, made } = parts;
  if (written.length === 0) return [];
  const taken = takenSlots(facts, parts);
  const steps = {
    issue: [
      ...made.issues,
      ...renewed.filter((slot) => !isFileMissing(slot)).map((slot) => makingStep(facts, slot, parts)),
      ...taken.map(takeStep),
    ],
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
  const ids = ["back-up", "issue", "stage", "swap", "prove"] as const;
  const node = written[0]?.facts.address.node ?? "";
  return ids.map((id) => ({ id, nodes: [{ node, steps: steps[id] }] }));
}

/** Originals that are not renewed themselves but have copies that follow them. */
function takenSlots(facts: Facts, { renewed, following }: Parts): readonly SlotFacts[] {
  const own = new Set(renewed.map((slot) => slot.slot.id));
  const ids = new Set(
    following.flatMap((copy) => originalSlot(facts, copy)?.id ?? []).filter((id) => !own.has(id)),
  );
  return [...ids].flatMap((id) => facts.slots.get(id) ?? []);
}

/**
 * etcd's data is saved before everything else; processes are restarted, and asked, when the files are proved. Pending keys are
 * removed by the last phase: up to then a rollback leaves the answers good for another try.
 */
function withLive(
  files: readonly Phase[],
  live: LiveSteps,
  { node, installs }: { readonly node: string; readonly installs: readonly Install[] },
): readonly Phase[] {
  const phase = (id: Phase["id"], steps: Phase["nodes"][number]["steps"]): readonly Phase[] =>
    steps.length === 0 ? [] : [{ id, nodes: [{ node, steps }] }];
  const phases = [
    ...phase("snapshot", live.snapshot),
    ...files,
    ...phase("restart", live.bounces),
    ...phase("prove-live", live.proof),
  ];
  const forgets = forgetStepsOf(installs);
  const last = phases.at(-1);
  if (forgets.length === 0 || !last) return phases;
  const nodes = last.nodes.map((each) => ({ ...each, steps: [...each.steps, ...forgets] }));
  return [...phases.slice(0, -1), { ...last, nodes }];
}

/** Consumers that the plan itself takes care of, or that need nothing. */
function handledBy({ restarts }: LiveSteps): ReadonlySet<string> {
  const isHandled = ({ reasons }: LiveSteps["restarts"][number]): boolean =>
    !reasons.some(({ code }) => code === "not-here" || code === "several-members");
  return new Set(restarts.filter(isHandled).map(({ consumer }) => consumer));
}

function stepId(kind: string, address: Address): string {
  return `${address.node}/${kind}${address.path}`;
}

function makingStep(facts: Facts, slot: SlotFacts, { request, installs }: Parts): MakingStep {
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

/** Written objects, and everything that is read to write them: issuers, templates, kept keys. */
function guardsOf(
  facts: Facts,
  {
    changed,
    written,
    read,
  }: {
    readonly changed: readonly SlotFacts[];
    readonly written: readonly Written[];
    readonly read: readonly ObjectFacts[];
  },
): readonly Guard[] {
  const isWritten = new Set(written.map((object) => object.address));
  const originals = changed
    .filter(({ slot }) => slot.management === "copy")
    .flatMap((copy) => {
      const original = originalOf(facts, copy);
      return original ? (facts.slots.get(original.slot.id) ?? []) : [];
    });
  const issuing = changed.filter(({ slot }) => slot.management !== "copy");
  const objects = [
    ...read,
    ...[...changed, ...originals].flatMap((slot) => slot.objects),
    ...issuing.flatMap((slot) => authorityOf(facts, slot.slot)?.objects ?? []),
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
