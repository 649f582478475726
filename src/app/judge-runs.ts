// What is wrong with runs, from what is kept of them: one that was cut off or is at work, and what could not be read. Loaded only where there are runs.
import { fileAddress } from "../core/model/address.ts";
import { type AppError, codedError, isAppError } from "../core/model/errors.ts";
import type { AnyFinding, FindingParams, HolderLife, NodePlace } from "../core/model/finding.ts";
import type { Actor } from "../core/model/run.ts";
import { isOpen } from "../engine/derive-run.ts";
import { showRun } from "../engine/runs.ts";
import { hasLiveSteps } from "../core/plan/steps.ts";
import { type HeldLock, orError } from "./kept-runs.ts";
import { type FoundRun, openAmong, type RunFault, type RunPlace, surveyRuns } from "./run-copies.ts";

export interface RunFindings {
  readonly findings: readonly AnyFinding[];
  /** Runs whose temporary files are their own: they are open, or nobody knows that they are not. */
  readonly open: readonly string[];
}

export interface JudgedRuns {
  /** Where one and the same run may be known. */
  readonly places: readonly RunPlace[];
  /** Of every place that is written to under them. */
  readonly locks: readonly { readonly place: RunPlace; readonly lock: HeldLock | AppError | null }[];
  /** ms, of this machine's clock: a lock is as old as it is whatever instant was asked about. */
  readonly now: number;
  /** Set where the answer is about a cluster and the runs are one node's own. */
  readonly own?: NodePlace;
  /** Set where the answer is about one node and the runs are a cluster's: its name. */
  readonly cluster?: string;
  /** True where a running node is dialled only when that is said: below another root. */
  readonly isBelowRoot?: boolean;
}

/** A holder that cannot be looked up counts as at work for so long: the copies of a journal grow at the end of each node only. */
const heardMs = 30 * 60_000;

/** Never rejects with a coded error: what cannot be read is a finding. */
export async function judgeRuns(judged: JudgedRuns): Promise<RunFindings> {
  const { places, locks, now, own } = judged;
  const { found, faults } = await surveyRuns(places);
  const ofOwn = own === undefined ? {} : { own };
  const open = openAmong(found);
  const lockFaults = locks.flatMap(({ place, lock }) =>
    isAppError(lock) ? [{ place, run: null, error: lock }] : [],
  );
  const held = locks.flatMap(({ lock }) => (lock === null || isAppError(lock) ? [] : [lock]));
  const ended = new Set(found.filter(({ view }) => !isOpen(view)).map(({ run }) => run));
  const unknown = faults.flatMap(({ run }) => (run === null || ended.has(run) ? [] : [run]));
  return {
    findings: withoutRepeats([
      ...(open ? [openFinding(open, holderAmong(held), { now, whose: await whoseIs(open, judged) })] : []),
      ...[...faults, ...lockFaults].map((fault) =>
        faultFinding(fault, { isEnded: fault.run !== null && ended.has(fault.run), ofOwn }),
      ),
    ]),
    open: [...(open ? [open.run] : []), ...unknown],
  };
}

/** A state directory that cannot be opened says so to every question. */
export function withoutRepeats(findings: readonly AnyFinding[]): readonly AnyFinding[] {
  const told = new Map(findings.map((finding) => [textOf(finding), finding]));
  return [...told.values()];
}

function textOf({ node, code, name, params }: AnyFinding): string {
  return JSON.stringify([node, code, name, params]);
}

type OfOwn = Pick<FindingParams["run-unfinished"], "own">;
type Whose = Omit<FindingParams["run-unfinished"], "run">;

/** What decides which command goes on with it. */
async function whoseIs(open: FoundRun, { own, cluster, isBelowRoot }: JudgedRuns): Promise<Whose> {
  const { actor, startedAt } = open.view;
  return {
    ...(own === undefined ? {} : { own }),
    ...(cluster === undefined
      ? {}
      : { cluster: { name: cluster, user: whoIs(actor), host: actor.host, startedAt } }),
    ...(isBelowRoot === true && (await isOfLiveNode(open)) ? { needsProbe: true as const } : {}),
  };
}

/** A plan that cannot be read is told by whoever goes on with the run. */
async function isOfLiveNode({ from, run }: FoundRun): Promise<boolean> {
  const details = await orError(showRun(from.state, run));
  return !isAppError(details) && hasLiveSteps(details.plan);
}

function openFinding(
  open: FoundRun,
  held: HeldLock | null,
  { now, whose }: { readonly now: number; readonly whose: Whose },
): AnyFinding {
  const { run } = open;
  const subject = subjectOf(open.from, run);
  if (held === null)
    return { ...subject, code: "run-unfinished", severity: "critical", params: { run, ...whose } };
  const { holder, sinceAt, what } = held.record;
  const heardAt = Math.max(open.heardAt, sinceAt);
  const isHeard = now - heardAt < heardMs;
  const life: HolderLife = held.life === "alive" ? "alive" : isHeard ? "heard" : "silent";
  const { host, pid } = holder;
  return {
    ...subject,
    code: "run-locked",
    severity: life === "silent" ? "critical" : "warning",
    params: { run, ...whose, what, holder: whoIs(holder), host, pid, sinceAt, heardAt, life },
  };
}

/** Who is dead for one of the places, which his machine may be, is dead for all of them. */
function holderAmong(held: readonly HeldLock[]): HeldLock | null {
  const idOf = ({ holder }: HeldLock["record"]): string =>
    [holder.host, holder.bootId, holder.pid, holder.processStart].join(" ");
  const dead = new Set(held.filter(({ life }) => life === "dead").map(({ record }) => idOf(record)));
  const others = held.filter(({ record }) => !dead.has(idOf(record)));
  const newest = others.toSorted((a, b) => b.record.token - a.record.token);
  return newest.find(({ life }) => life === "alive") ?? newest[0] ?? null;
}

function whoIs({ user, sudoUser }: Actor): string {
  return sudoUser === null ? user : `${user} (${sudoUser})`;
}

function faultFinding(
  { place, run, error }: RunFault,
  { isEnded, ofOwn }: { readonly isEnded: boolean; readonly ofOwn: OfOwn },
): AnyFinding {
  const coded = codedError(error);
  if (run === null)
    return {
      ...subjectOf(place, "runs"),
      code: "runs-unreadable",
      severity: "warning",
      params: { error: coded },
    };
  return {
    ...subjectOf(place, run),
    code: "journal-unreadable",
    severity: isEnded ? "warning" : "critical",
    params: { run, ...ofOwn, error: coded, isEnded },
  };
}

function subjectOf(
  { node, state }: RunPlace,
  name: string,
): Pick<AnyFinding, "node" | "slot" | "name" | "address"> {
  const named = node ?? "";
  return { node: named, slot: null, name, address: fileAddress(named, state.path) };
}
