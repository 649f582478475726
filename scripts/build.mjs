// Builds dist/: one minified CommonJS file, the loader that bin/perennial starts, and a V8 code cache for this Node.js.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { generate } from "./generate.mjs";

const root = resolve(import.meta.dirname, "..");
const dist = join(root, "dist");

/** commander loads child_process for a feature we do not use, and with it node's network code: 5 ms of every start. */
const commanderWithoutChildren = {
  name: "commander-without-children",
  setup(builder) {
    builder.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes("/commander/") ? { path: "child_process", namespace: "unused" } : undefined,
    );
    builder.onLoad({ filter: /.*/, namespace: "unused" }, () => ({ contents: "module.exports = {};" }));
  },
};

async function bundle() {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist);
  await build({
    entryPoints: [join(root, "src/cli/start.ts")],
    outfile: join(dist, "perennial.cjs"),
    bundle: true,
    minify: !process.env["NOMIN"],
    platform: "node",
    format: "cjs",
    target: "node20",
    logLevel: "warning",
    legalComments: "none",
    // ASCII, so that the loader may read it as latin1, which is what V8 keeps in one byte a character.
    charset: "ascii",
    plugins: [commanderWithoutChildren],
  });
  copyFileSync(join(root, "src/cli/loader.cjs"), join(dist, "loader.cjs"));
}

/** Runs `check` once on a real tree, so that the cache holds what that path compiles. Without tar there is no cache, only time lost. */
function makeCodeCache() {
  const folder = mkdtempSync(join(tmpdir(), "perennial-build-"));
  try {
    const archive = join(root, "test/fixtures/control-planes.tar.gz");
    const unpacked = spawnSync("tar", ["xzf", archive, "-C", folder, "--no-same-owner"]);
    if (unpacked.status !== 0) return;
    const words = ["check", "--root", join(folder, "kubeadm-ha-expired/m1")];
    const env = { ...process.env };
    delete env["NODE_OPTIONS"];
    spawnSync(process.execPath, [join(root, "scripts/code-cache.cjs"), dist, ...words], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

generate();
await bundle();
makeCodeCache();
