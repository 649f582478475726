// Expired to proven on a real cluster: the real command against `kubeadm certs renew all` and the manifest shuffle.
// PERENNIAL_RIG names the folder of real-cluster.sh (up, expire, down), KUBEBUILDER_ASSETS the Kubernetes binaries. Takes over
// /etc/kubernetes and containerd of this machine: never on one whose cluster matters.
// OUTPUTS: rows for scripts/bench.mjs; the rig is up afterwards if it was before.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";

const manifests = "/etc/kubernetes/manifests";
const held = "/etc/kubernetes/bench-held";
/** What the runbooks wait between out and in. */
const shuffleSeconds = 20;
const readySeconds = 300;

/** Seconds of each way, per round, in turn. null without a rig. */
export function rigRounds(perennial, rounds) {
  const folder = process.env["PERENNIAL_RIG"];
  const assets = process.env["KUBEBUILDER_ASSETS"];
  if (!folder || !assets || !existsSync(join(folder, "real-cluster.sh"))) return null;
  const ours = [];
  const theirs = [];
  for (let round = 0; round < rounds; round += 1) {
    expire(folder);
    ours.push(timed(() => must(perennial, ["renew", "--yes"])));
    rmSync("/var/lib/perennial", { recursive: true, force: true });
    expire(folder);
    theirs.push(timed(() => shuffle(assets)));
  }
  return { ours, theirs };
}

function expire(folder) {
  must("bash", [join(folder, "real-cluster.sh"), "expire"]);
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

/** The kubelet of the rig is a plain process: the same words again, in the same place. */
function restartKubelet(assets) {
  const pid = readdirSync("/proc").find((name) => /^\d+$/.test(name) && commOf(name) === "kubelet");
  if (!pid) throw new Error("no kubelet runs");
  const words = readFileSync(`/proc/${pid}/cmdline`, "utf8")
    .split("\0")
    .filter((word) => word !== "");
  process.kill(Number(pid), "SIGTERM");
  while (existsSync(`/proc/${pid}`)) sleep(0.1);
  // Its own name may be found among the binaries only.
  const env = { ...process.env, PATH: `${assets}${delimiter}${process.env["PATH"] ?? ""}` };
  spawn(words[0], words.slice(1), { detached: true, stdio: "ignore", env }).unref();
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

function must(program, words) {
  const { status, stderr, error } = spawnSync(program, words, { stdio: ["ignore", "ignore", "pipe"] });
  if (error || status !== 0)
    throw new Error(`${program} ${words.join(" ")}: ${error?.message ?? `${status} ${stderr.toString()}`}`);
}

function sleep(seconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
}
