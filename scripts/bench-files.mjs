// What concerns one node's files: start-up, `check`, `renew`. With kubeadm (KUBEBUILDER_ASSETS) in a mount namespace of its own, with a
// throw-away tree at /etc/kubernetes.
//   node scripts/bench-files.mjs OUT.json     alone; `npm run bench` runs it
// OUTPUTS: OUT.json, the rows; what is mounted and written is gone afterwards
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { row } from "./bench-page.mjs";
import { run } from "./run.mjs";

const root = resolve(import.meta.dirname, "..");
const perennial = join(root, "bin/perennial");
const rounds = Number(process.env["PERENNIAL_BENCH_ROUNDS"] ?? 25);
const assets = process.env["KUBEBUILDER_ASSETS"];
const kubeadm = assets && existsSync(join(assets, "kubeadm")) ? join(assets, "kubeadm") : null;
const hasKubeadm = kubeadm !== null && process.getuid?.() === 0;
const live = "/etc/kubernetes";
const kubelet = "/var/lib/kubelet";

/** The rows, measured by a process of its own: mounts end with it. Never null: without kubeadm nothing is said of it. */
export function fileRounds() {
  const folder = mkdtempSync(join(tmpdir(), "perennial-bench-"));
  const out = join(folder, "rows.json");
  const made = hasKubeadm ? [live, kubelet].filter((path) => !existsSync(path)) : [];
  for (const path of made) mkdirSync(path, { recursive: true });
  const words = [...(hasKubeadm ? ["unshare", "-m"] : []), process.execPath, import.meta.filename, out];
  try {
    const { status } = spawnSync(words[0], words.slice(1), { stdio: "inherit" });
    if (status !== 0) throw new Error("the files could not be measured: the words are above");
    return { rows: JSON.parse(readFileSync(out, "utf8")), rounds, kubeadm: hasKubeadm ? "1.20.2" : null };
  } finally {
    for (const path of made) rmSync(path, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

function measure(out) {
  const folder = mkdtempSync(join(tmpdir(), "perennial-bench-"));
  try {
    run("tar", ["xzf", join(root, "test/fixtures/control-planes.tar.gz"), "-C", folder]);
    writeFileSync(out, JSON.stringify([...startUp(), ...checking(folder), ...renewing(folder)]));
  } finally {
    if (hasKubeadm) for (const path of [live, kubelet]) spawnSync("umount", [path]);
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
  useAsLive(tree);
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

/** With its kubelet's folder: what another kubelet has left is none of the fixture's. */
function useAsLive(tree) {
  for (const path of [live, kubelet]) {
    spawnSync("umount", [path]);
    run("mount", ["--bind", join(tree, path), path]);
  }
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
  useAsLive(tree);
  const config = kubeadmConfig(folder);
  const state = join(folder, "state");
  const forget = () => rmSync(state, { recursive: true, force: true });
  const liveRenew = (...words) => ({
    words: [perennial, "renew", "--all", "--yes", "--no-probe", "--state-dir", state, ...words],
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

if (process.argv[1] === import.meta.filename) measure(process.argv[2]);
