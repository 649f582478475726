// Expired to proven on a real cluster: the real command against `kubeadm certs renew all` and the manifest shuffle.
// PERENNIAL_RIG names the folder of real-cluster.sh (up, expire, down), KUBEBUILDER_ASSETS the Kubernetes binaries. Takes over
// /etc/kubernetes and containerd of this machine: never on one whose cluster matters.
// OUTPUTS: data for scripts/bench-page.mjs; the rig is up afterwards if it was before.
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

const manifests = "/etc/kubernetes/manifests";
const held = "/etc/kubernetes/bench-held";
/** What the runbooks wait between out and in. */
const shuffleSeconds = 20;
const readySeconds = 300;
const goneSeconds = 30;

/** Milliseconds of each way, per round, in turn; null without a rig. One that was not up is made, and taken down again. */
export function rigRounds(perennial, rounds) {
  const folder = process.env["PERENNIAL_RIG"];
  const assets = process.env["KUBEBUILDER_ASSETS"];
  if (!folder || !assets || !existsSync(join(folder, "real-cluster.sh"))) return null;
  const isOurs = !existsSync("/etc/kubernetes");
  // A cluster whose kubelet is not the rig's is somebody's.
  if (!isOurs && !(existsSync(pidFile()) && commOf(kubeletPid()) === "kubelet")) return null;
  const state = mkdtempSync(join(tmpdir(), "perennial-bench-state-"));
  try {
    if (isOurs) onRig(folder, "up");
    return inTurn({ perennial, rounds, folder, assets, state });
  } finally {
    if (isOurs) onRig(folder, "down");
    rmSync(state, { recursive: true, force: true });
  }
}

function inTurn({ perennial, rounds, folder, assets, state }) {
  const ours = [];
  const theirs = [];
  for (let round = 0; round < rounds; round += 1) {
    onRig(folder, "expire");
    ours.push(timed(() => must(perennial, ["renew", "--yes", "--state-dir", state])));
    console.log(`rig, round ${round + 1}: ours ${(ours.at(-1) / 1000).toFixed(1)} s`);
    onRig(folder, "expire");
    theirs.push(timed(() => shuffle(assets)));
    console.log(`rig, round ${round + 1}: theirs ${(theirs.at(-1) / 1000).toFixed(1)} s`);
  }
  return { ours, theirs };
}

function onRig(folder, command) {
  must("bash", [join(folder, "real-cluster.sh"), command]);
}

/** Where the rig's script looks for its kubelet. */
function pidFile() {
  return join(process.env["RIG_WORK"] ?? join(process.env["TMPDIR"] ?? "/tmp", "rig"), "kubelet.pid");
}

/** `kubeadm certs renew all`, manifests out, 20 s, manifests in, kubelet restarted, until /readyz says ok. */
function shuffle(assets) {
  must(join(assets, "kubeadm"), ["certs", "renew", "all"]);
  mkdirSync(held, { recursive: true });
  const files = readdirSync(manifests);
  for (const file of files) renameSync(join(manifests, file), join(held, file));
  sleep(shuffleSeconds);
  for (const file of files) renameSync(join(held, file), join(manifests, file));
  rmSync(held, { recursive: true });
  restartKubelet(assets);
  const address = /advertise-address=(\S+)/.exec(
    readFileSync(join(manifests, "kube-apiserver.yaml"), "utf8"),
  )?.[1];
  const end = Date.now() + readySeconds * 1000;
  while (!isReady(address)) {
    if (Date.now() > end) throw new Error("the API server is not ready after the shuffle");
    sleep(0.2);
  }
}

function isReady(address) {
  const words = ["-sk", "--max-time", "2", `https://${address}:6443/readyz`];
  return spawnSync("curl", words, { encoding: "utf8" }).stdout === "ok";
}

/**
 * The kubelet of the rig is a plain process: the same words again, in the same place. A shell starts it, and ends: a child of ours
 * would stay a zombie when the rig kills it, since nothing here waits for children, and its pid is the rig's to know.
 */
function restartKubelet(assets) {
  const pid = kubeletPid();
  if (commOf(pid) !== "kubelet") throw new Error("no kubelet runs");
  const words = readFileSync(`/proc/${pid}/cmdline`, "utf8")
    .split("\0")
    .filter((word) => word !== "");
  process.kill(Number(pid), "SIGTERM");
  const end = Date.now() + goneSeconds * 1000;
  while (commOf(pid) === "kubelet" && !isZombie(pid)) {
    if (Date.now() > end) throw new Error("the kubelet does not end");
    sleep(0.1);
  }
  // Its own name may be found among the binaries only.
  const env = { ...process.env, PATH: `${assets}${delimiter}${process.env["PATH"] ?? ""}` };
  const log = join(dirname(pidFile()), "kubelet.log");
  const script = `file=$1; log=$2; shift 2; nohup "$@" </dev/null >>"$log" 2>&1 & echo $! >"$file"`;
  must("sh", ["-c", script, "sh", pidFile(), log, ...words], env);
}

function isZombie(pid) {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}

function kubeletPid() {
  return readFileSync(pidFile(), "utf8").trim();
}

function commOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}

function timed(action) {
  const started = process.hrtime.bigint();
  action();
  return Number(process.hrtime.bigint() - started) / 1e6;
}

/** What it says goes into a file: daemons that it leaves behind would hold a pipe open. */
function must(program, words, env = process.env) {
  const said = join(tmpdir(), `perennial-bench-${process.pid}.out`);
  const output = openSync(said, "w", 0o600);
  try {
    const { status, error } = spawnSync(program, words, { stdio: ["ignore", output, output], env });
    if (error || status !== 0)
      throw new Error(
        `${program} ${words.join(" ")}: ${error?.message ?? `${status} ${readFileSync(said, "utf8").slice(-2000)}`}`,
      );
  } finally {
    closeSync(output);
    rmSync(said, { force: true });
  }
}

function sleep(seconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
}
