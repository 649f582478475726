// Rewrites the terminal sessions in the documents by running their commands on fresh copies of the fixtures.
//
// A session stands between `<!-- session: NAME -->` and `<!-- /session -->`. What changes from run to run (serials, digests, run ids,
// today's date) is made the same each time. `--check` writes nothing: it runs every command and holds the markers and exit codes.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";

const root = resolve(import.meta.dirname, "..");
const tool = "bin/perennial";
const node = "/tmp/m1";
const pki = `${node}/etc/kubernetes/pki`;
const unpack =
  "tar xzf test/fixtures/control-planes.tar.gz -C /tmp --strip-components=1 kubeadm-ha-expired/m1";

/**
 * Scenarios: sessions that share one copy of the node, in order. A step is a command with its exit code; `keep` shows so many
 * lines of the beginning and the end; `hidden` is not shown; `tellExit` shows the exit code.
 */
const scenarios = [
  [
    {
      name: "check",
      steps: [
        { run: unpack },
        { run: `${tool} check --root ${node}`, exit: 3, tellExit: true, keep: [26, 4] },
      ],
    },
    { name: "plan", steps: [{ run: `${tool} plan --root ${node}`, keep: [23, 9] }] },
    { name: "renew", steps: [{ run: `${tool} renew --yes --root ${node} | tail -n 5` }] },
    {
      name: "verify",
      steps: [
        { run: `(cd ${pki} && openssl verify -CAfile ca.crt apiserver.crt apiserver-kubelet-client.crt)` },
        { run: `(cd ${pki} && openssl verify -CAfile etcd/ca.crt etcd/server.crt etcd/peer.crt)` },
        { run: `(cd ${pki} && openssl verify -CAfile front-proxy-ca.crt front-proxy-client.crt)` },
      ],
    },
    {
      name: "rollback",
      steps: [
        { run: `${tool} rollback last --yes --root ${node} | tail -n 3` },
        { run: `openssl x509 -noout -enddate -in ${node}/etc/kubernetes/pki/apiserver.crt` },
      ],
    },
    { name: "runs", steps: [{ run: `${tool} runs list --root ${node}` }] },
  ],
  [
    {
      name: "overview",
      steps: [
        { run: unpack, hidden: true },
        { run: `${tool} --root ${node} | tail -n 5`, exit: null },
      ],
    },
    {
      name: "diagnose",
      steps: [
        {
          run: `echo 'Error: context deadline exceeded' | ${tool} diagnose - --root ${node}`,
          exit: 3,
          tellExit: true,
        },
      ],
    },
    {
      name: "approve",
      steps: [
        { run: `${tool} plan --root ${node} --out /tmp/m1.plan | tail -n 1` },
        { run: "ls -l /tmp/m1.plan | cut -c1-10" },
        {
          run: `${tool} apply /tmp/m1.plan --approved sha256:0000 --yes --root ${node} > /dev/null`,
          exit: 4,
          tellExit: true,
        },
        {
          run: `${tool} apply /tmp/m1.plan --approved DIGEST --ticket CHG-1234 --yes --root ${node} | tail -n 3`,
          digestFrom: "/tmp/m1.plan",
        },
      ],
    },
    {
      name: "by-hand",
      steps: [
        { run: `cd ${node}/var/lib/perennial/runs/RUN/before/m1`, newestRun: true },
        {
          run: `cp -a . ${node}`,
          in: "var/lib/perennial/runs/RUN/before/m1",
          newestRun: true,
        },
        { run: `openssl x509 -noout -enddate -in ${node}/etc/kubernetes/pki/apiserver.crt` },
        { run: `${tool} runs show last --root ${node} | head -n 2`, hidden: true },
      ],
    },
  ],
  [
    {
      name: "resume",
      steps: [
        { run: unpack, hidden: true },
        {
          run: `PERENNIAL_FAILPOINT=run.after-swap ${tool} renew --yes --root ${node}`,
          hidden: true,
          exit: 137,
        },
        { run: `${tool} renew --yes --root ${node} > /dev/null`, exit: 6, tellExit: true },
        { run: `${tool} resume --root ${node} | tail -n 3` },
      ],
    },
  ],
  [
    {
      name: "locked",
      steps: [
        { run: unpack, hidden: true },
        {
          run: `PERENNIAL_FAILPOINT=lock.after-acquire:hold=/tmp/held ${tool} renew --yes --root ${node}`,
          background: true,
        },
        { run: `${tool} renew --yes --root ${node} > /dev/null`, exit: 5, tellExit: true },
      ],
    },
  ],
  [
    {
      name: "refused",
      steps: [
        { run: unpack, hidden: true },
        { run: `${tool} renew sa --root ${node}`, exit: 4, tellExit: true, keepFrom: "error:" },
      ],
    },
    {
      name: "inspect",
      steps: [{ run: `${tool} inspect ${node}/etc/kubernetes/pki/apiserver.crt`, exit: 3 }],
    },
  ],
];

/** The same sessions in Chinese, under NAME-zh. */
const chinese = new Set([
  "check",
  "plan",
  "renew",
  "verify",
  "rollback",
  "runs",
  "overview",
  "diagnose",
  "approve",
  "by-hand",
  "resume",
  "locked",
  "refused",
]);

const names = new Set(scenarios.flat().map(({ name }) => name));
const isKnown = (name) =>
  names.has(name) || (name.endsWith("-zh") && chinese.has(name.slice(0, -"-zh".length)));

const fixedNow = Date.UTC(2026, 10, 22, 16, 0);
const dayMs = 86_400_000;
const open = /^<!-- session: ([a-z-]+) -->$/;
const close = "<!-- /session -->";

function documents() {
  const found = ["README.md", "README.zh.md", "CONTRIBUTING.md", "SECURITY.md"].filter((name) =>
    existsSync(join(root, name)),
  );
  const below = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" });
  return [...found, ...below.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)].sort();
}

/** The text with each session replaced; throws for markers that do not pair or are not known. */
function rewrite(name, text, sessions) {
  const out = [];
  let inside = null;
  for (const line of text.split("\n")) {
    const start = open.exec(line)?.[1];
    if (start !== undefined) {
      if (inside !== null) throw new Error(`${name}: session ${inside} is not closed`);
      if (!isKnown(start)) throw new Error(`${name}: no session is called ${start}`);
      inside = start;
      out.push(line, "```console", sessions.get(start) ?? "", "```");
    } else if (line === close) {
      if (inside === null) throw new Error(`${name}: ${close} without a beginning`);
      inside = null;
      out.push(line);
    } else if (inside === null) out.push(line);
  }
  if (inside !== null) throw new Error(`${name}: session ${inside} is not closed`);
  return out.join("\n");
}

/** A folder in which the commands run as shown: our own bundle behind bin/perennial, the fixtures where they are. */
function workshop() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "perennial-sessions-")));
  const bundle = join(folder, "perennial.cjs");
  buildSync({
    entryPoints: [join(root, "src/cli/start.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    logLevel: "error",
  });
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, tool), `#!/bin/sh\nexec "${process.execPath}" "${bundle}" "$@"\n`, {
    mode: 0o755,
  });
  symlinkSync(join(root, "test"), join(folder, "test"));
  return folder;
}

async function runAll(folder) {
  const normalise = normaliser();
  const sessions = new Map();
  const failures = [];
  // The commands are the same in both languages: to see that they hold, one is enough.
  for (const lang of isCheck ? ["en"] : ["en", "zh"]) {
    for (const scenario of scenarios) {
      const place = mkdtempSync(join(folder, "tmp-"));
      const background = [];
      for (const session of scenario) {
        const lines = [];
        for (const step of session.steps)
          lines.push(...(await runStep({ folder, place, step, lang, normalise, background, failures })));
        if (lang === "en") sessions.set(session.name, lines.join("\n"));
        else if (chinese.has(session.name)) sessions.set(`${session.name}-zh`, lines.join("\n"));
      }
      for (const child of background) await stop(child);
    }
  }
  return { sessions, failures };
}

async function runStep({ folder, place, step, lang, normalise, background, failures }) {
  const command = shownCommand(step, { place, lang });
  const real = command.replaceAll("/tmp", place);
  const cwd = step.in === undefined ? folder : join(place, "m1", withRun(step.in, place));
  const env = { PATH: process.env["PATH"], HOME: place, LANG: "C.UTF-8" };
  if (step.background === true) {
    background.push(spawn("sh", ["-c", `exec env ${real}`], { cwd, env, stdio: "ignore" }));
    await until(() => existsSync(join(place, "held")));
    return [];
  }
  const result = spawnSync("sh", ["-c", `exec 2>&1; ${real}`], { cwd, env, encoding: "utf8" });
  const status = result.status ?? 128 + 9;
  const expected = step.exit === undefined ? 0 : step.exit;
  if (expected !== null && status !== expected)
    failures.push(`${command}: exit ${status} instead of ${expected}\n${result.stdout}`);
  if (step.hidden === true) return [];
  const output = shorten(result.stdout.replaceAll(place, "/tmp").replace(/\n$/, "").split("\n"), step);
  const lines = output.length === 1 && output[0] === "" ? [] : output;
  const tail = step.tellExit === true ? [`exit ${status}`] : [];
  return [`$ ${command}${step.tellExit === true ? '; echo "exit $?"' : ""}`, ...lines, ...tail].map((line) =>
    normalise(line.trimEnd()),
  );
}

function shownCommand(step, { place, lang }) {
  const localised = lang === "zh" ? step.run.replaceAll(`${tool} `, `${tool} --lang zh `) : step.run;
  const withDigest =
    step.digestFrom === undefined
      ? localised
      : localised.replace("DIGEST", digestIn(step.digestFrom.replace("/tmp", place)));
  return step.newestRun === true ? withRun(withDigest, place) : withDigest;
}

function digestIn(path) {
  return JSON.parse(readFileSync(path, "utf8")).digest;
}

function withRun(text, place) {
  const runs = join(place, "m1/var/lib/perennial/runs");
  return text.includes("RUN") ? text.replace("RUN", readdirSync(runs).sort().at(-1) ?? "RUN") : text;
}

function shorten(lines, { keep, keepFrom }) {
  if (keepFrom !== undefined) {
    const from = lines.findIndex((line) => line.startsWith(keepFrom) || /^(error|错误)/.test(line));
    return from <= 0 ? lines : ["[...]", ...lines.slice(from)];
  }
  if (keep === undefined || lines.length <= keep[0] + keep[1]) return lines;
  return [...lines.slice(0, keep[0]), "[...]", ...lines.slice(-keep[1])];
}

async function until(isTrue) {
  for (let tries = 0; tries < 300 && !isTrue(); tries += 1) await new Promise((done) => setTimeout(done, 50));
}

function stop(child) {
  return new Promise((done) => {
    child.once("exit", done);
    child.kill("SIGKILL");
  });
}

/** The n-th different value of a kind becomes the n-th made-up one; today becomes a fixed day, and what counts from it moves with it. */
function normaliser() {
  const seen = new Map();
  const standIn = (kind, value, make) => {
    const key = `${kind} ${value}`;
    if (!seen.has(key))
      seen.set(key, make([...seen.keys()].filter((known) => known.startsWith(`${kind} `)).length));
    return seen.get(key);
  };
  const hex = (text, length) => createHash("sha256").update(text).digest("hex").slice(0, length);
  const now = Date.now();
  const daysSince = Math.floor(now / dayMs) - Math.floor(fixedNow / dayMs);
  return (line) =>
    line
      .replace(/\d{8}T\d{6}Z-[0-9a-f]{6}/g, (run) =>
        standIn("run", run, (n) => `20261122T1600${String(n).padStart(2, "0")}Z-${hex(`run ${n}`, 6)}`),
      )
      .replace(/sha256:[0-9a-f]{64}/g, (digest) =>
        standIn("digest", digest, (n) => `sha256:${hex(`digest ${n}`, 64)}`),
      )
      .replace(/(?<![0-9a-f:])[0-9a-f]{32}(?![0-9a-f])/g, (serial) =>
        standIn("serial", serial, (n) => hex(`serial ${n}`, 32)),
      )
      .replace(/[A-Z][a-z]{2} \d{2}, \d{4} \d{2}:\d{2} UTC/g, (text) =>
        nearNow(text, Date.parse(text.replace(" UTC", "Z")), now),
      )
      .replace(/\d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})? UTC/g, (text) =>
        nearNow(text, Date.parse(text.replace(" UTC", "Z").replace(" ", "T")), now),
      )
      .replace(/(\d+)( days ago| 天前)/g, (_, days, rest) => `${Number(days) - daysSince}${rest}`)
      .replace(/(?<=pid |ps -fp )\d+/g, "4242")
      .replace(hostPattern(), "m1");
}

function hostPattern() {
  const host = spawnSync("hostname", { encoding: "utf8" }).stdout.trim();
  return new RegExp(`(?<=@|on |在 )${host === "" ? "no-host" : host}\\b`, "g");
}

/** Today, or a year from it, within an hour. */
function nearNow(text, at, now) {
  for (const days of [0, 365]) {
    if (Math.abs(at - now - days * dayMs) > 3_600_000) continue;
    const fixed = new Date(fixedNow + days * dayMs).toUTCString();
    const [, day, month, year] = fixed.split(" ");
    return /^\d/.test(text)
      ? `${new Date(fixedNow + days * dayMs).toISOString().slice(0, 10)} 16:00 UTC`
      : `${month} ${day}, ${year} 16:00 UTC`;
  }
  return text;
}

const isCheck = process.argv.includes("--check");
const folder = workshop();
try {
  const { sessions, failures } = await runAll(folder);
  const used = new Set();
  for (const name of documents()) {
    const text = readFileSync(join(root, name), "utf8");
    const next = rewrite(name, text, sessions);
    for (const line of text.split("\n")) used.add(open.exec(line)?.[1]);
    if (!isCheck && next !== text) {
      writeFileSync(join(root, name), next);
      console.log(`${name} rewritten`);
    }
  }
  for (const failure of failures) console.error(`error: ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
  else if (isCheck) console.log(`${[...used].filter((name) => name !== undefined).length} sessions hold`);
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
