// Builds dist/: the bundles of bundle.mjs, and V8 code caches for this Node.js.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bundle } from "./bundle.mjs";
import { generate } from "./generate.mjs";

const root = resolve(import.meta.dirname, "..");
const dist = join(root, "dist");

/** Runs each bundle once on a real tree, so that the cache holds what that path compiles. Without tar there is no cache, only time lost. */
function makeCodeCaches() {
  const folder = mkdtempSync(join(tmpdir(), "perennial-build-"));
  try {
    const archive = join(root, "test/fixtures/control-planes.tar.gz");
    const unpacked = spawnSync("tar", ["xzf", archive, "-C", folder, "--no-same-owner"]);
    if (unpacked.status !== 0) return;
    const node = ["--root", join(folder, "kubeadm-ha-expired/m1")];
    makeCodeCache("check", ["check", ...node]);
    makeCodeCache("perennial", ["renew", "--yes", "--key-algorithm", "ECDSA-P256", ...node]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeCodeCache(name, words) {
  const env = { ...process.env };
  delete env["NODE_OPTIONS"];
  spawnSync(process.execPath, [join(root, "scripts/code-cache.cjs"), dist, name, ...words], {
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
}

generate();
await bundle(dist);
makeCodeCaches();
