// (Facts, Request) -> Plan: decisions, refusals, guards, and the steps of each phase. Pure.
import type { Decision } from "../model/decision.ts";
import type { Refusal } from "../model/refusal.ts";
import type { IssueStep } from "../model/making-step.ts";
import type { Notice } from "../model/notice.ts";
import type { Phase, Plan, RenewRequest } from "../model/plan.ts";
import type { Facts, ObjectFacts, SlotFacts } from "../policy/facts.ts";
import { digestOfPlan } from "./digest.ts";
import { clockRefusals } from "./clock-doubts.ts";
import { externalEtcdNotices } from "./external-etcd.ts";
import { filePhases } from "./file-phases.ts";
import { guardsOf } from "./guards.ts";
import type { ManyPart } from "./arrange.ts";
import { planMany } from "./plan-many.ts";
import { type LivePart, type LiveSteps, liveSteps, noLiveSteps } from "./live-steps.ts";
import { startNotices, startRefusals } from "./not-startable.ts";
import { sansFor } from "./named.ts";
import { manualSteps, platformNotices, platformRefusals } from "./manual.ts";
import { noticesOf } from "./notices.ts";
import type { Install, Pairing } from "./pair-answers.ts";
import { type RecreatedAuthorities, recreateAuthorities } from "./recreate/authorities.ts";
import { isFileMissing } from "./recreate/decide.ts";
import { recreationNotices } from "./recreate/notices.ts";
import { recreate } from "./recreate/recreate.ts";
import { refusalsOf } from "./refusals.ts";
import { select } from "./select.ts";
import { forgetStepsOf, selectSigned, signedRefusals, sourceObjects } from "./signed-plan.ts";
import type { Written } from "./written.ts";
import { writtenObjects } from "./written-objects.ts";

export interface PlanFrame {
  readonly toolVersion: string;
  readonly root: string;
  /** What runs on the node; absent when only its files are looked at. */
  readonly live?: LivePart;
  /** What is known of all nodes of a `cluster.yaml`; then `live` is absent. */
  readonly many?: ManyPart;
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
  const ownRefusals = refusalsOfDraft(facts, { decisions, request, signed, authorities });
  const changed = new Set(slotsOf(facts, decisions, "renew").map(({ slot }) => slot.id));
  const signedElsewhere = signed ? [...signed.installs.values()] : [];
  const { processes: commands = {} } = request;
  const wanted =
    frame.live && ownRefusals.length === 0
      ? liveSteps(facts, { ...frame.live, commands }, { changed, installs: signedElsewhere })
      : noLiveSteps;
  const refusals = [...ownRefusals, ...wanted.refusals, ...stuck];
  const isPossible = refusals.length === 0;
  const renewed = isPossible ? slotsOf(facts, decisions, "renew") : [];
  const following = isPossible ? slotsOf(facts, decisions, "follow") : [];
  const installs = renewed.flatMap((slot) => signed?.installs.get(slot.slot.id) ?? []);
  const made = isPossible ? madeAgain(facts, authorities, { renewed, request }) : nothingMade;
  const written = [
    ...made.written,
    ...writtenObjects(facts, renewed, following, { keepKey: request.keepKey, installs }),
  ];
  const { issues } = made;
  const isCluster = frame.many !== undefined;
  const files = filePhases(facts, { renewed, following, written, request, issues, installs, isCluster });
  const whole =
    frame.many && planMany(facts, { part: frame.many, files, changed, installs, isPossible, commands });
  const live = whole?.live ?? (isPossible ? wanted : noLiveSteps);
  const node = facts.inventory.nodes[0]?.node ?? "";
  const manual = manualSteps(facts, renewed);
  const phases = whole?.phases ?? withLive(files, live, { node, installs });
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
      ...clockNotices(facts, request),
      ...(isPossible ? authorities.notices : []),
      ...(whole?.notices ?? []),
      ...noticesOfDraft(facts, { renewed, following, request, issues, live, frame, signed }),
    ],
    refusals: [...refusals, ...(whole?.refusals ?? [])],
    guards: guardsOf(facts, {
      changed: [...renewed, ...following],
      written,
      read: [...live.reads, ...made.read, ...sourceObjects(installs)],
    }),
    phases: (whole?.refusals ?? []).length > 0 ? [] : phases,
    ...(manual.length === 0 || (whole?.refusals ?? []).length > 0 ? {} : { manual }),
    ...(whole ? { nodes: whole.cluster } : {}),
    ...(frame.live || whole ? { restarts: live.restarts } : {}),
  };
  return {
    plan: { ...base, digest: digestOfPlan(base) },
    stuck: frame.live ? startRefusals(wanted, frame.live.facts) : [],
  };
}

interface Decided extends Pick<Draft, "request" | "signed"> {
  readonly decisions: readonly Decision[];
  readonly authorities: RecreatedAuthorities;
}

/** What keeps the plan from being made, whatever runs on the node. */
function refusalsOfDraft(
  facts: Facts,
  { decisions, request, signed, authorities }: Decided,
): readonly Refusal[] {
  return [
    ...platformRefusals(facts),
    ...(request.acceptClock === true ? [] : clockRefusals(facts)),
    ...(signed
      ? signedRefusals(facts, { decisions, request, pairing: signed })
      : [...authorities.refusals, ...refusalsOf(facts, decisions, request)]),
  ];
}

function clockNotices(facts: Facts, { acceptClock }: RenewRequest): readonly Notice[] {
  const doubts = acceptClock === true ? clockRefusals(facts) : [];
  return doubts.length === 0 ? [] : [{ code: "clock-accepted", doubts }];
}

interface Selected extends Pick<Draft, "request" | "frame" | "signed"> {
  readonly renewed: readonly SlotFacts[];
  readonly following: readonly SlotFacts[];
  readonly issues: readonly IssueStep[];
  readonly live: LiveSteps;
}

/** What the operator is told of what is selected, and of what becomes of it. */
function noticesOfDraft(
  facts: Facts,
  { renewed, following, request, issues, live, frame, signed }: Selected,
): readonly Notice[] {
  return [
    ...platformNotices(facts, renewed),
    ...externalEtcdNotices(facts, renewed),
    ...noticesOf(facts, {
      renewed,
      following,
      request,
      handled: handledBy(live),
      isSigned: signed !== undefined,
    }),
    ...live.notices,
    ...recreationNotices(facts, { issues, renewed }),
    ...(signed?.notices ?? []),
    ...(frame.live ? startNotices(live, frame.live.facts) : []),
  ];
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
