// Builds dist/: one minified CommonJS file, started by bin/perennial through a small loader that keeps a V8 code cache.
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "..");
const dist = join(root, "dist");
await import("./generate.mjs");
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);

const shared = {
  bundle: true,
  minify: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  logLevel: "warning",
  legalComments: "none",
};
await build({
  ...shared,
  entryPoints: [join(root, "src/cli/start.ts")],
  outfile: join(dist, "perennial.cjs"),
});
