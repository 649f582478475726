// Rewrites package-lock.json after a change of dependencies: versions and integrity hashes, no download addresses, so that
// the packages come from whatever registry npm is configured for. (npm's own option for it drops optional packages' versions.)
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "./run.mjs";

const root = resolve(import.meta.dirname, "..");
const file = join(root, "package-lock.json");

rmSync(file, { force: true });
run("npm", ["install", "--package-lock-only", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: root });
const lock = JSON.parse(readFileSync(file, "utf8"));
for (const entry of Object.values(lock.packages)) delete entry.resolved;
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
