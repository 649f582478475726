// `npm start`: set-up, build, and the main job on a throw-away expired control plane: check, plan, renew, verify, undo.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { run } from "./run.mjs";
import { ensureDependencies } from "./setup.mjs";

const root = resolve(import.meta.dirname, "..");
const perennial = join(root, "bin/perennial");

ensureDependencies();
run(process.execPath, [join(root, "scripts/build.mjs")], { cwd: root });

const { build } = await import("esbuild");
const folder = mkdtempSync(join(tmpdir(), "perennial-demo-"));
const node = join(folder, "m1");
try {
  await makeNode();
  demonstrate();
} finally {
  rmSync(folder, { recursive: true, force: true });
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
