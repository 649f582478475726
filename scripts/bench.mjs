// `npm run bench`: ratios of interleaved runs, written to docs/benchmarks.md. Run it with nothing else running.
// With kubeadm (KUBEBUILDER_ASSETS) it works in a mount namespace of its own, with a throw-away tree at /etc/kubernetes.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bundleOptions } from "./bundle-options.mjs";
import { labRounds } from "./bench-lab.mjs";
import { rigRounds } from "./bench-rig.mjs";
import { run } from "./run.mjs";
import { ensureDependencies } from "./setup.mjs";

const root = resolve(import.meta.dirname, "..");
const perennial = join(root, "bin/perennial");
const rounds = Number(process.env["PERENNIAL_BENCH_ROUNDS"] ?? 25);
const assets = process.env["KUBEBUILDER_ASSETS"];
const kubeadm = assets && existsSync(join(assets, "kubeadm")) ? join(assets, "kubeadm") : null;
const hasKubeadm = kubeadm !== null && process.getuid?.() === 0;
const live = "/etc/kubernetes";

delete process.env["NODE_EXTRA_CA_CERTS"];
delete process.env["NODE_OPTIONS"];

/** Set-up and build, then the measuring part, in a mount namespace when kubeadm is to be measured. */
function outside() {
  ensureDependencies();
  run(process.execPath, [join(root, "scripts/build.mjs")], { cwd: root });
  const rig = rigRounds(perennial, Number(process.env["PERENNIAL_BENCH_RIG_ROUNDS"] ?? 3));
  const lab = labRounds(perennial, Number(process.env["PERENNIAL_BENCH_LAB_ROUNDS"] ?? 5));
  const env = {
    ...process.env,
    PERENNIAL_BENCH_INSIDE: "1",
    PERENNIAL_BENCH_RIG: JSON.stringify(rig),
    PERENNIAL_BENCH_LAB: JSON.stringify(lab),
  };
  const isMade = hasKubeadm && !existsSync(live);
  if (isMade) mkdirSync(live, { recursive: true });
  const words = hasKubeadm
    ? ["unshare", "-m", process.execPath, import.meta.filename]
    : [process.execPath, import.meta.filename];
  const { status } = spawnSync(words[0], words.slice(1), { stdio: "inherit", env });
  if (isMade) rmSync(live, { recursive: true, force: true });
  process.exit(status ?? 1);
}

async function inside() {
  const folder = mkdtempSync(join(tmpdir(), "perennial-bench-"));
  try {
    run("tar", ["xzf", join(root, "test/fixtures/control-planes.tar.gz"), "-C", folder]);
    const files = [...startUp(folder), ...checking(folder), ...renewing(folder)];
    const rows = [...files, ...(await parsing(folder)), ...recovering()];
    write(rows);
  } finally {
    if (hasKubeadm) spawnSync("umount", [live]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs each command once per round, in turn; the first round warms up and is not counted. Milliseconds, per command. */
function interleave(commands, { count = rounds, before = () => {} } = {}) {
  const times = commands.map(() => []);
  for (let round = 0; round <= count; round += 1) {
    commands.forEach((command, index) => {
      before(index);
      const started = process.hrtime.bigint();
      const { status, stderr, error } = spawnSync(command.words[0], command.words.slice(1), {
        stdio: ["ignore", "ignore", "pipe"],
        env: { ...process.env, ...command.env },
      });
      const ms = Number(process.hrtime.bigint() - started) / 1e6;
      if (error || !(command.exits ?? [0]).includes(status))
        throw new Error(`${command.words.join(" ")}: ${error?.message ?? `${status} ${stderr.toString()}`}`);
      if (round > 0) times[index].push(ms);
    });
  }
  return times;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Round by round: the machine's speed drifts, its ratios less so. */
function row(what, against, [ours, theirs], goal) {
  const ratio = median(ours.map((ms, index) => ms / theirs[index]));
  return { what, against, ours: median(ours), theirs: median(theirs), ratio, goal };
}

function startUp() {
  const times = interleave([{ words: [perennial, "version"] }, { words: ["node", "-e", "0"] }], {
    count: rounds * 2,
  });
  return [row("start-up (`perennial version`)", "`node -e 0`", times, { most: 1.4 })];
}

function checking(folder) {
  const tree = join(folder, "kubeadm-valid/m1");
  const pki = "etc/kubernetes/pki";
  const rows = [];
  const leafs = [
    "apiserver",
    "apiserver-etcd-client",
    "apiserver-kubelet-client",
    "front-proxy-client",
    "etcd/server",
    "etcd/peer",
    "etcd/healthcheck-client",
    "ca",
    "etcd/ca",
    "front-proxy-ca",
  ];
  const script = [
    ...leafs.map((leaf) => `openssl x509 -in ${pki}/${leaf}.crt -noout -enddate -subject`),
    ...["admin", "controller-manager", "scheduler", "kubelet"].map(
      (name) =>
        `grep client-certificate-data etc/kubernetes/${name}.conf | sed 's/.*: //' | base64 -d | openssl x509 -noout -enddate -subject`,
    ),
  ].join("\n");
  const at = ["--at", "2026-12-01"];
  const ours = { words: [perennial, "check", "--root", tree, ...at], exits: [0, 3] };
  const openssl = { words: ["sh", "-c", `cd ${tree} && ${script}`], exits: [0, 1] };
  rows.push(
    row("`check` of a control plane", "openssl in a loop, dates only", interleave([ours, openssl]), null),
  );
  if (!hasKubeadm) return rows;
  useAsLive(join(tree, "etc/kubernetes"));
  const config = kubeadmConfig(folder);
  const liveCheck = { words: [perennial, "check", ...at], exits: [0, 3] };
  const theirs = { words: [kubeadm, "certs", "check-expiration", "--config", config] };
  rows.push(
    row(
      "`check` of a control plane",
      "`kubeadm certs check-expiration --config`",
      interleave([liveCheck, theirs], { count: rounds * 2 }),
      { most: 0.9 },
    ),
  );
  return rows;
}

function kubeadmConfig(folder) {
  const config = join(folder, "kubeadm.yaml");
  writeFileSync(
    config,
    "apiVersion: kubeadm.k8s.io/v1beta2\nkind: ClusterConfiguration\nkubernetesVersion: v1.20.2\n",
  );
  return config;
}

function useAsLive(directory) {
  spawnSync("umount", [live]);
  run("mount", ["--bind", directory, live]);
}

function tenKeys() {
  return `const {generateKeyPair}=require("node:crypto");for(let i=0;i<10;i++)generateKeyPair("rsa",{modulusLength:2048,publicKeyEncoding:{type:"spki",format:"der"},privateKeyEncoding:{type:"pkcs1",format:"pem"}},(e)=>{if(e)throw e})`;
}

function renewing(folder) {
  const original = join(folder, "kubeadm-valid/m1");
  const tree = join(folder, "renewed");
  const fresh = () => {
    rmSync(join(tree, "var/lib/perennial"), { recursive: true, force: true });
    if (!existsSync(tree)) cpSync(original, tree, { recursive: true, verbatimSymlinks: true });
  };
  const renew = (...words) => ({ words: [perennial, "renew", "--all", "--yes", "--root", tree, ...words] });
  const floor = { words: ["node", "-e", tenKeys()] };
  const rows = [
    row(
      "`renew --all`, ten RSA-2048 leafs",
      "ten key generations in one process",
      interleave([renew(), floor], { before: fresh }),
      { most: 1.15 },
    ),
  ];
  if (!hasKubeadm) return rows;
  fresh();
  useAsLive(join(tree, "etc/kubernetes"));
  const config = kubeadmConfig(folder);
  const state = join(folder, "state");
  const forget = () => rmSync(state, { recursive: true, force: true });
  const liveRenew = (...words) => ({
    words: [perennial, "renew", "--all", "--yes", "--no-probe", "--state-dir", state, ...words],
    // 3: only /etc/kubernetes is the fixture's; the kubelet's own certificate, elsewhere, is reported as missing.
    exits: [0, 3],
  });
  const theirs = { words: [kubeadm, "certs", "renew", "all", "--config", config] };
  const against = "`kubeadm certs renew all`";
  const [all, keep, ecdsa, kubeadmTimes] = interleave(
    [liveRenew(), liveRenew("--keep-key"), liveRenew("--key-algorithm", "ECDSA-P256"), theirs],
    { before: forget },
  );
  rows.push(row("`renew --all`, ten RSA-2048 leafs", against, [all, kubeadmTimes], { most: 0.9 }));
  rows.push(row("`renew --all --keep-key`", against, [keep, kubeadmTimes], { most: 0.25 }));
  rows.push(row("`renew --all --key-algorithm ECDSA-P256`", against, [ecdsa, kubeadmTimes], { most: 0.25 }));
  return rows;
}

/** Measured outside: the lab's processes live in no mount namespace. Nothing is said of a way that is not here. */
function recovering() {
  return [...recoveringRig(), ...recoveringLab()];
}

/** Nobody else's way leads through the lab: the other time is that of the same renewal on the files alone. */
function recoveringLab() {
  const lab = JSON.parse(process.env["PERENNIAL_BENCH_LAB"] ?? "null");
  if (lab === null) return [];
  const what = "`perennial lab` of one host, all expired, `renew --yes` until everything served is proved";
  return [row(what, "the same, files alone (`--no-probe`)", [lab.live, lab.files], null)];
}

/** On the machine's own /etc/kubernetes. */
function recoveringRig() {
  const rig = JSON.parse(process.env["PERENNIAL_BENCH_RIG"] ?? "null");
  if (rig === null) return [];
  const against = "`kubeadm certs renew all`, manifests out, 20 s, manifests in, kubelet restarted, /readyz";
  const what = "a real expired cluster, `renew --yes` until everything served is proved";
  return [row(what, against, [rig.ours, rig.theirs], { mostMs: 15_000 })];
}

async function parsing(folder) {
  const { build } = await import("esbuild");
  const outfile = join(folder, "parse.cjs");
  await build({ ...bundleOptions, entryPoints: [join(root, "scripts/bench-parse.ts")], outfile });
  const certificate = join(folder, "kubeadm-valid/m1/etc/kubernetes/pki/apiserver.crt");
  const { stdout, status } = spawnSync(process.execPath, [outfile, certificate], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error("the parsing benchmark failed");
  const { ours, full, theirs } = JSON.parse(stdout);
  const perSecond = (ms) => Math.round(100_000 / (ms / 1000));
  const speed = (what, times) => ({
    what,
    against: "node's X509Certificate with four getters",
    ours: median(times),
    theirs: median(theirs),
    ratio: median(theirs.map((ms, index) => ms / times[index])),
    goal: { least: 10 },
    note: `${perSecond(median(times)).toLocaleString("en-US")} certificates a second`,
  });
  return [
    speed("parse 100,000 certificates", ours),
    speed("parse 100,000 certificates and read subject, SANs, serial, dates", full),
  ];
}

function write(rows) {
  const verdict = ({ ratio, goal, ours }) => {
    if (!goal) return "";
    if (goal.mostMs !== undefined)
      return `<= ${goal.mostMs / 1000} s: ${ours <= goal.mostMs ? "met" : "**missed**"}`;
    const isMet = goal.most === undefined ? ratio >= goal.least : ratio <= goal.most;
    return `${goal.most === undefined ? `>= ${goal.least}x` : `<= ${goal.most}x`}: ${isMet ? "met" : "**missed**"}`;
  };
  const lines = rows.map(
    (r) =>
      `| ${r.what} | ${r.against} | ${r.ours.toFixed(1)} | ${r.theirs.toFixed(1)} | **${r.ratio.toFixed(2)}x** | ${verdict(r)} | ${r.note ?? ""} |`,
  );
  const text = [
    "# Benchmarks",
    "",
    "Written by `npm run bench`: whole processes, run in turn, round after round; the ratio is the median of the rounds' ratios.",
    "Absolute times are medians in milliseconds and belong to the machine; read the ratios. A ratio of parsing says how many times",
    "faster ours is; every other ratio is ours divided by theirs.",
    "",
    `Measured on ${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}), Linux ${release()}, Node.js ${process.versions.node}, ${rounds} rounds${hasKubeadm ? ", kubeadm 1.20.2" : "; no kubeadm here, so nothing is said of it"}.`,
    "",
    "| what | against | ours, ms | theirs, ms | ratio | goal | |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
  writeFileSync(join(root, "docs/benchmarks.md"), text);
  console.log(text);
}

if (process.env["PERENNIAL_BENCH_INSIDE"] !== "1") outside();
else await inside();
