// `npm start`: set-up, build, and the main job on a throw-away cluster. Where etcd is installed it runs, and is really broken: lab up,
// expire, look, plan, renew, proof, down; with three masters and a worker over real SSH where hosts can be had (root, namespaces,
// sshd), else with one. Without etcd it is a control plane's files only: check, plan, renew, verify, undo.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { run } from "./run.mjs";
import { ensureDependencies } from "./setup.mjs";

const root = resolve(import.meta.dirname, "..");
const perennial = join(root, "bin/perennial");

ensureDependencies();
run(process.execPath, [join(root, "scripts/build.mjs")], { cwd: root });

const { build } = await import("esbuild");
const folder = mkdtempSync(join(tmpdir(), "perennial-demo-"));
const node = join(folder, "m1");
// Its sockets have short paths only.
const lab = join(folder, "lab");
const onLab = ["--root", join(lab, "m1"), "--probe"];
// However this ends, no process of the lab stays.
process.once("exit", clean);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
if (isInstalled("etcd")) {
  if (!canHaveHosts() || !demonstrateMany()) demonstrateLive();
} else {
  console.log("\netcd is not installed: what follows is done on files alone, nothing runs");
  await makeNode();
  demonstrate();
}

function isInstalled(program) {
  // sshd and ip are where a user's PATH may not lead.
  return [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"].some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What hosts of their own need; whether namespaces are allowed here only the attempt shows. */
function canHaveHosts() {
  return process.getuid?.() === 0 && ["ip", "nsenter", "ssh", "ssh-keygen", "sshd"].every(isInstalled);
}

/** False when this machine does not let us have hosts: then there is a demonstration with less. */
function demonstrateMany() {
  const inLab = (word, ...more) => ["lab", word, "--dir", lab, ...more];
  const file = join(lab, "cluster.yaml");
  const onNodes = ["-f", file, "--state-dir", join(folder, "state")];
  title(
    "Three masters and a worker on this machine, each with a root, processes and an address of its own",
    "real etcd and sshd, stand-ins for kubelet, API server, scheduler and controller-manager that treat certificates as 1.20 does",
  );
  const hosts = ["--hosts", "3", "--workers", "1", "--pace", "0.3", "--key-algorithm", "ECDSA-P256"];
  title("up", `$ perennial ${inLab("up", ...hosts).join(" ")}`);
  if (spawnSync(perennial, inLab("up", ...hosts), { stdio: "inherit" }).status !== 0) return false;
  show("all certificates ended ten days ago, and everything was restarted", inLab("expire"));
  show("what is stored on the nodes, read over SSH", ["check", "-f", file], 3);
  const startedAt = performance.now();
  show("the repair of all nodes with one command, and its proof", [
    "renew",
    "--yes",
    "--reason",
    "demonstration",
    ...onNodes,
  ]);
  console.log(`\nFrom dead to proven in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`);
  show("the processes say themselves how they are", inLab("status"));
  show("and away with it", inLab("down"));
  console.log(
    `\nThe command is ${perennial}; for a cluster to try it on: perennial lab up --dir DIR --hosts 3`,
  );
  return true;
}

function clean() {
  spawnSync(perennial, ["lab", "down", "--dir", lab], { stdio: "ignore" });
  rmSync(folder, { recursive: true, force: true });
}

function demonstrateLive() {
  const inLab = (word, ...more) => ["lab", word, "--dir", lab, ...more];
  const what =
    "real etcd, and stand-ins for kubelet, API server, scheduler and controller-manager that treat certificates as 1.20 does";
  title("A throw-away control plane on this machine", what);
  show("up", inLab("up"));
  show("its certificates ended ten days ago, and everything was restarted", inLab("expire"));
  show("what is wrong", ["--root", join(lab, "m1")], 3);
  show("what a renewal would do; nothing is changed yet", ["plan", ...onLab]);
  const startedAt = performance.now();
  show("the repair, with its proof: what is served, a read of etcd, a write to the API", [
    "renew",
    "--yes",
    "--reason",
    "demonstration",
    ...onLab,
  ]);
  console.log(`\nFrom dead to proven in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`);
  show("the processes say themselves how they are", inLab("status"));
  show("and away with it", inLab("down"));
  console.log(`\nThe command is ${perennial}; for a cluster to try it on: perennial lab up --dir DIR`);
}

async function makeNode() {
  const outfile = join(folder, "demo.mjs");
  await build({
    entryPoints: [join(root, "src/lab/demo.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  const { makeExpiredControlPlane } = await import(outfile);
  await makeExpiredControlPlane(node, Date.now());
}

function demonstrate() {
  title("A throw-away control plane whose certificates ended ten days ago", node);
  const before = treeOf(node);
  show("what is stored, and what is wrong", ["check", "--root", node], 3);
  show("what a renewal would do; nothing is changed yet", ["plan", "--root", node]);
  show("the renewal", ["renew", "--yes", "--reason", "demonstration", "--root", node]);
  verifyWithOpenssl();
  show("the same question again", ["check", "--root", node]);
  show("and back: every byte, mode and owner as before", ["rollback", "last", "--yes", "--root", node]);
  const isSame = treeOf(node) === before;
  console.log(
    isSame ? "\nCompared with the tree before: equal." : "\nCompared with the tree before: DIFFERENT.",
  );
  if (!isSame) process.exitCode = 1;
  console.log(`\nThe command is ${perennial}; try it on a copy of a node: perennial check --root DIR`);
}

function title(text, detail) {
  console.log(`\n=== ${text}\n    ${detail}`);
}

function show(text, words, expected = 0) {
  title(text, `$ perennial ${words.join(" ")}`);
  console.log();
  const { status } = spawnSync(perennial, words, { stdio: "inherit" });
  if (status === expected) return;
  console.error(`error: perennial ${words[0]} ended with ${status}, not ${expected}`);
  process.exit(1);
}

/** Somebody else's opinion, if openssl is there. */
function verifyWithOpenssl() {
  const pki = join(node, "etc/kubernetes/pki");
  const pairs = [
    ["ca.crt", ["apiserver.crt", "apiserver-kubelet-client.crt"]],
    [
      "etcd/ca.crt",
      ["apiserver-etcd-client.crt", "etcd/server.crt", "etcd/peer.crt", "etcd/healthcheck-client.crt"],
    ],
    ["front-proxy-ca.crt", ["front-proxy-client.crt"]],
  ];
  for (const [authority, leafs] of pairs) {
    const words = ["verify", "-CAfile", join(pki, authority), ...leafs.map((leaf) => join(pki, leaf))];
    if (authority === "ca.crt")
      title("what openssl says of them", `$ openssl verify -CAfile .../pki/${authority} ...`);
    const { status, error } = spawnSync("openssl", words, { stdio: "inherit" });
    if (error) return console.log("openssl is not here: not asked");
    if (status !== 0) process.exit(1);
  }
}

/** Everything a rollback must restore, the tool's own state left out. */
function treeOf(directory, prefix = "") {
  return readdirSync(join(directory, prefix), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((entry) => {
      const path = join(prefix, entry.name);
      if (path === "var/lib/perennial") return "";
      const { mode, uid, gid } = lstatSync(join(directory, path));
      if (entry.isDirectory()) return `${path} ${mode} ${uid}:${gid}\n${treeOf(directory, path)}`;
      const content = entry.isSymbolicLink()
        ? readlinkSync(join(directory, path))
        : createHash("sha256")
            .update(readFileSync(join(directory, path)))
            .digest("hex");
      return `${path} ${mode} ${uid}:${gid} ${content}\n`;
    })
    .join("");
}
