// A constant write load on the etcd of a lab, and what is seen of it: `node scripts/write-load.mjs DIR OUT`, ended by SIGTERM.
// One write after the other, each begun at the next member; a member that does not answer within 700 ms, or refuses, is passed over
// for the next. A write has failed when every member was tried three times. Beside it every member is asked for its health.
// INPUTS: DIR/lab.json, the API server's client pair for etcd as it is at the start. OUTPUTS: OUT, JSON, when it ends
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const attemptMs = 700;
const roundsOfAWrite = 3;
const sampleMs = 100;
/** Nobody has forgotten us for longer. */
const longestMs = 15 * 60_000;

/** ms since the epoch, with fractions. */
const now = () => performance.timeOrigin + performance.now();

function membersOf(dir) {
  const { hosts } = JSON.parse(readFileSync(join(dir, "lab.json"), "utf8"));
  const masters = hosts.filter(({ role }) => role !== "worker");
  // From here a collected address is the real node's.
  if (masters.some(({ rehearsed }) => rehearsed)) throw new Error("a rehearsal is not written to");
  const pki = join(dir, masters[0].name, "etc/kubernetes/pki");
  const tls = {
    ca: readFileSync(join(pki, "etcd/ca.crt")),
    cert: readFileSync(join(pki, "apiserver-etcd-client.crt")),
    key: readFileSync(join(pki, "apiserver-etcd-client.key")),
  };
  return masters.map(({ name, address, ports }) => ({
    name,
    host: address,
    port: ports.etcd,
    // A way of its own for the writes: a sample that waits must not hold them up.
    writes: new Agent({ ...tls, keepAlive: true, maxSockets: 1 }),
    samples: new Agent({ ...tls, keepAlive: true, maxSockets: 1 }),
  }));
}

/** The parsed answer; rejects after `attemptMs`, and for every answer but 200. */
function ask({ host, port }, agent, { method, path, body }) {
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, agent, method, path }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk) => (text += chunk));
      answer.once("error", fail);
      answer.once("end", () => {
        clearTimeout(timer);
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${answer.statusCode}`));
      });
    });
    const fail = (error) => {
      clearTimeout(timer);
      reject(error);
    };
    const timer = setTimeout(() => asked.destroy(new Error("no answer in time")), attemptMs);
    asked.once("error", fail);
    asked.end(body);
  });
}

const base64 = (text) => Buffer.from(text).toString("base64");

async function write(members, index) {
  const body = JSON.stringify({ key: base64("perennial-load"), value: base64(String(index)) });
  const startedAt = now();
  for (let attempt = 0; attempt < members.length * roundsOfAWrite; attempt += 1) {
    const member = members[(index + attempt) % members.length];
    try {
      const { header } = await ask(member, member.writes, { method: "POST", path: "/v3/kv/put", body });
      return { startedAt, endedAt: now(), attempts: attempt + 1, revision: Number(header.revision) };
    } catch {
      // A member that is being restarted: the next one.
    }
  }
  return { startedAt, endedAt: now(), attempts: members.length * roundsOfAWrite, revision: null };
}

/** `/health` of a member reads with the quorum. */
async function sampleForever(member, samples, isOver) {
  while (!isOver()) {
    const at = now();
    const answer = await ask(member, member.samples, { method: "GET", path: "/health" }).catch(() => null);
    samples.push([Math.round(at), Math.round(now()), answer?.health === "true" ? 1 : 0]);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, at + sampleMs - now())));
  }
}

async function main([dir, out]) {
  const members = membersOf(dir);
  const end = now() + longestMs;
  let isEnded = false;
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => (isEnded = true));
  const isOver = () => isEnded || now() > end;
  const samples = members.map(() => []);
  const sampling = members.map((member, index) => sampleForever(member, samples[index], isOver));
  const writes = [];
  for (let index = 0; !isOver(); index += 1) {
    const { startedAt, endedAt, attempts, revision } = await write(members, index);
    writes.push([round(startedAt), round(endedAt), attempts, revision]);
    if (index === 0) console.log("writing");
  }
  await Promise.all(sampling);
  for (const { writes: one, samples: other } of members) {
    one.destroy();
    other.destroy();
  }
  const names = members.map(({ name }) => name);
  writeFileSync(out, JSON.stringify({ members: names, writes, samples }));
}

function round(ms) {
  return Math.round(ms * 10) / 10;
}

/** What a load says: writes acknowledged and failed, the longest time without an acknowledgement, how many members were well at least. */
export function sumUp({ writes, samples }, { from = 0, to = Infinity } = {}) {
  const within = writes.filter(([startedAt, endedAt]) => endedAt >= from && startedAt <= to);
  const done = within.filter(([, , , revision]) => revision !== null);
  let longestGapMs = 0;
  let isInOrder = true;
  for (let index = 1; index < done.length; index += 1) {
    longestGapMs = Math.max(longestGapMs, done[index][1] - done[index - 1][1]);
    isInOrder &&= done[index][3] > done[index - 1][3];
  }
  const latencies = done.map(([startedAt, endedAt]) => endedAt - startedAt).toSorted((a, b) => a - b);
  return {
    writes: within.length,
    failed: within.length - done.length,
    isInOrder,
    longestGapMs,
    medianMs: latencies[Math.floor(latencies.length / 2)] ?? 0,
    fewestHealthy: Math.min(...healthyOverTime(samples, { from, to }).map(([, count]) => count)),
  };
}

/** `[ms, healthy members]`, whenever one has been heard. */
export function healthyOverTime(samples, { from = 0, to = Infinity } = {}) {
  const events = samples
    .flatMap((list, member) => list.map(([, heardAt, isWell]) => ({ heardAt, member, isWell })))
    .toSorted((a, b) => a.heardAt - b.heardAt);
  const known = samples.map(() => null);
  const counts = [];
  for (const { heardAt, member, isWell } of events) {
    known[member] = isWell;
    if (known.includes(null)) continue;
    const count = known.reduce((sum, one) => sum + one, 0);
    if (heardAt >= from && heardAt <= to) counts.push([heardAt, count]);
  }
  return counts;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main(process.argv.slice(2));
