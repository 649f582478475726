// A rolling renewal of three masters over SSH under a constant write load (docs/lab.md): what fails, how long nothing is written, how
// many members are well, and the time of the whole against the sum of its restarts. As root, with etcd and sshd; else nothing is said.
// OUTPUTS: data for scripts/bench-page.mjs, docs/roll-under-load.svg; labs that are gone afterwards
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rollSvg } from "./roll-svg.mjs";
import { healthyOverTime, sumUp } from "./write-load.mjs";

const loadScript = join(import.meta.dirname, "write-load.mjs");
/** Of writes alone, before the roll and after it. */
const quietMs = 5000;
const stepMs = 15 * 60_000;

/** One lab for each variant; null where no lab of three hosts with SSH can be had. */
export async function rollRounds(perennial) {
  if (process.getuid?.() !== 0 || spawnSync("etcd", ["--version"]).error) return null;
  const today = await rollOnce(perennial, { more: [], isExpiredAfter: true });
  if (today === null) return null;
  return { today, old: await rollOnce(perennial, { more: ["--etcd-31"], isExpiredAfter: false }) };
}

async function rollOnce(perennial, { more, isExpiredAfter }) {
  const base = mkdtempSync(join(tmpdir(), "pr-"));
  const dir = join(base, "l");
  const renew = ["renew", "--yes", "-f", join(dir, "cluster.yaml"), "--state-dir", join(base, "state")];
  try {
    must(perennial, ["lab", "up", "--dir", dir, "--hosts", "3", ...more]);
    if (JSON.parse(readFileSync(join(dir, "lab.json"), "utf8")).network.kind !== "rooms") return null;
    const load = await startLoad(dir, join(base, "load.json"));
    await sleep(quietMs);
    const from = Date.now();
    await command(perennial, [...renew, "--all"]);
    const to = Date.now();
    await sleep(quietMs);
    const measured = await load.end();
    const run = { from, to, entries: newestJournal(join(base, "state")) };
    return {
      ...summary(measured, run),
      ...(isExpiredAfter && { recovery: recover(perennial, dir, renew, base) }),
    };
  } finally {
    spawnSync(perennial, ["lab", "down", "--dir", dir], { stdio: "ignore" });
    rmSync(base, { recursive: true, force: true });
  }
}

/** Everything has ended everywhere; ms until everything is proved, and of its restarts. */
function recover(perennial, dir, renew, base) {
  must(perennial, ["lab", "expire", "--dir", dir]);
  const from = Date.now();
  must(perennial, renew);
  const restarts = restartsOf(newestJournal(join(base, "state")));
  return { wallMs: Date.now() - from, restartsMs: sumOf(restarts) };
}

/** Everything that the rows and the drawing need. */
function summary({ members, writes, samples }, { from, to, entries }) {
  const restarts = restartsOf(entries);
  return {
    members,
    from,
    to,
    writes,
    healthy: healthyOverTime(samples),
    restarts,
    gates: gatesOf(entries),
    phases: { startedAt: entries[0]?.at ?? from, endedAt: entries.at(-1)?.at ?? to },
    quiet: sumUp({ writes, samples }, { to: from }),
    roll: sumUp({ writes, samples }, { from, to }),
    wallMs: to - from,
    restartsMs: sumOf(restarts),
  };
}

/**
 * From the line before the stop to the line after the proof that it is back, well and serving; of an API server that reads its new files by
 * itself, from the line before the wait for that.
 */
function restartsOf(entries) {
  const begun = new Map();
  const restarts = [];
  for (const [index, { at, body }] of entries.entries()) {
    const [, node, consumer] = /^([^/]+)\/bounce\/(.+)$/.exec(body.step ?? "") ?? [];
    if (node === undefined) continue;
    if (body.type === "intent" || (body.type === "bounce-begun" && !begun.has(body.step)))
      begun.set(body.step, at);
    if (body.type === "effect")
      restarts.push({
        node,
        consumer,
        startedAt: begun.get(body.step) ?? entries[index - 1]?.at ?? at,
        endedAt: at,
      });
  }
  return restarts;
}

function gatesOf(entries) {
  return entries.flatMap(({ at, body }) => {
    const [, node] = /^([^/]+)\/gate\//.exec(body.step ?? "") ?? [];
    return node !== undefined && body.type === "proof" ? [{ node, at }] : [];
  });
}

function sumOf(restarts) {
  return restarts.reduce((sum, { startedAt, endedAt }) => sum + endedAt - startedAt, 0);
}

function newestJournal(state) {
  const journals = readdirSync(state, { recursive: true })
    .filter((path) => path.endsWith("journal.jsonl"))
    .toSorted((a, b) => a.localeCompare(b));
  const lines = readFileSync(join(state, journals.at(-1) ?? ""), "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** Resolves when the first write was acknowledged. */
async function startLoad(dir, out) {
  const child = spawn(process.execPath, [loadScript, dir, out], { stdio: ["ignore", "pipe", "inherit"] });
  const gone = new Promise((done) => child.once("exit", done));
  await Promise.race([
    new Promise((done) => child.stdout.once("data", done)),
    gone.then(() => Promise.reject(new Error("the write load has ended before it began"))),
  ]);
  return {
    end: async () => {
      child.kill("SIGTERM");
      await gone;
      return JSON.parse(readFileSync(out, "utf8"));
    },
  };
}

/** A row for each promise, as scripts/bench-page.mjs reads it: gaps in milliseconds, wall times in seconds. */
export function rollData(rolls) {
  const rows = [
    rowsOf(rolls.today, "a rolling renewal"),
    ...(rolls.old ? [rowsOf(rolls.old, "with an emulated etcd 3.1, whose members are restarted")] : []),
  ];
  const recovery = rolls.today.recovery && {
    what: "over SSH, all expired, `renew --yes` until everything served is proved",
    against: "the sum of its restarts and reloads",
    ...ratio(rolls.today.recovery.wallMs, rolls.today.recovery.restartsMs),
    goal: null,
  };
  return {
    gaps: rows.map(({ gap }) => gap),
    times: [...rows.map(({ time }) => time), ...(recovery ? [recovery] : [])],
    isOfOld: Boolean(rolls.old),
  };
}

function rowsOf({ roll, quiet, wallMs, restartsMs }, what) {
  return {
    gap: {
      what: `${what}: the longest time without an acknowledged write`,
      against: "the same load with no roll",
      ...ratio(roll.longestGapMs, quiet.longestGapMs),
      goal: { mostMs: 150 },
      isMet: roll.failed === 0 && roll.isInOrder,
      note: `${roll.failed} of ${roll.writes.toLocaleString("en-US")} writes failed; never fewer than ${roll.fewestHealthy} of 3 members well`,
    },
    time: {
      what: `${what}: wall time`,
      against: "the sum of its restarts and reloads",
      ...ratio(wallMs, restartsMs),
      goal: { most: 1.3 },
    },
  };
}

function ratio(ours, theirs) {
  return { ours, theirs, ratio: ours / theirs };
}

/** `docs/roll-under-load.svg`, of the harder of the two. */
export function drawRoll(rolls, folder) {
  writeFileSync(join(folder, "roll-under-load.svg"), rollSvg(rolls.old ?? rolls.today));
}

function command(program, words) {
  return new Promise((done, fail) => {
    const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"], timeout: stepMs });
    let said = "";
    child.stderr.on("data", (chunk) => (said = `${said}${chunk}`.slice(-2000)));
    child.once("error", fail);
    child.once("exit", (code) =>
      code === 0 ? done() : fail(new Error(`${words.join(" ")}: ${code} ${said}`)),
    );
  });
}

function must(program, words) {
  const env = { ...process.env, KUBEBUILDER_ASSETS: "" };
  const how = { stdio: ["ignore", "ignore", "pipe"], env, timeout: stepMs };
  const { status, stderr, error } = spawnSync(program, words, how);
  if (error || status !== 0)
    throw new Error(`${words.join(" ")}: ${error?.message ?? `${status} ${String(stderr)}`}`);
}

function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
