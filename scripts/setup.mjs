// Installs the pinned dependencies when they are missing or not those of the lock file.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "./run.mjs";

const root = resolve(import.meta.dirname, "..");
const stamp = join(root, "node_modules", ".perennial-lock");

export function ensureDependencies() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(
      `error: Node.js ${process.versions.node} is too old\nhint: Perennial needs Node.js 20.19 or newer`,
    );
    process.exit(1);
  }
  const digest = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  // Not `npm ci`: it refuses a lock file without download addresses (see lock.mjs). Versions and hashes are the lock file's all the same.
  run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: root });
  writeFileSync(stamp, digest);
}
