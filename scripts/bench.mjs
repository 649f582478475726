// `npm run bench [-- PART...]`: ratios of interleaved runs, written to docs/benchmarks.md. Run it with nothing else running.
// A part is written down as soon as it is measured, and keeps what was measured earlier where its means are missing here.
// OUTPUTS: docs/benchmarks.json, docs/benchmarks.md, docs/roll-under-load.svg
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileRounds } from "./bench-files.mjs";
import { hostRounds } from "./bench-hosts.mjs";
import { labRounds } from "./bench-lab.mjs";
import { page, row } from "./bench-page.mjs";
import { rigRounds } from "./bench-rig.mjs";
import { drawRoll, rollData, rollRounds } from "./bench-roll.mjs";
import { bundleOptions } from "./bundle-options.mjs";
import { run } from "./run.mjs";
import { ensureDependencies } from "./setup.mjs";

const root = resolve(import.meta.dirname, "..");
const docs = join(root, "docs");
const perennial = join(root, "bin/perennial");
const kept = join(docs, "benchmarks.json");

/** Each gives its data, or null where it cannot be measured. */
const parts = {
  files: () => fileRounds(),
  parse: () => parsing(),
  rig: () => rigRounds(perennial, roundsOf("RIG", 3)),
  lab: () => labRounds(perennial, roundsOf("LAB", 5)),
  hosts: () => hostRounds(perennial),
  roll: () => rolling(),
};

function roundsOf(part, otherwise) {
  return Number(process.env[`PERENNIAL_BENCH_${part}_ROUNDS`] ?? otherwise);
}

async function measure(names) {
  for (const name of names) {
    console.log(`measuring ${name}`);
    const data = await parts[name]();
    if (data === null) {
      console.log(`  cannot be measured here`);
      continue;
    }
    const results = existsSync(kept) ? JSON.parse(readFileSync(kept, "utf8")) : {};
    results[name] = { on: machine(), data };
    writeFileSync(kept, `${JSON.stringify(results, null, 2)}\n`);
    writeFileSync(join(docs, "benchmarks.md"), page(results));
  }
  console.log(readFileSync(join(docs, "benchmarks.md"), "utf8"));
}

function machine() {
  const cores = `${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"})`;
  return `${cores}, Linux ${release()}, Node.js ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`;
}

async function parsing() {
  const { build } = await import("esbuild");
  const folder = mkdtempSync(join(tmpdir(), "perennial-bench-"));
  try {
    const outfile = join(folder, "parse.cjs");
    await build({ ...bundleOptions, entryPoints: [join(root, "scripts/bench-parse.ts")], outfile });
    const certificate = "kubeadm-valid/m1/etc/kubernetes/pki/apiserver.crt";
    run("tar", ["xzf", join(root, "test/fixtures/control-planes.tar.gz"), "-C", folder, certificate]);
    const { stdout, status } = spawnSync(process.execPath, [outfile, join(folder, certificate)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (status !== 0) throw new Error("the parsing benchmark failed");
    return parsingRows(JSON.parse(stdout));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function parsingRows({ ours, full, theirs }) {
  const perSecond = (ms) => Math.round(100_000 / (ms / 1000));
  const speed = (what, times) => {
    const measured = row(what, "node's X509Certificate with four getters", [times, theirs], { least: 10 });
    return { ...measured, note: `${perSecond(measured.ours).toLocaleString("en-US")} certificates a second` };
  };
  return [
    speed("parse 100,000 certificates", ours),
    speed("parse 100,000 certificates and read subject, SANs, serial, dates", full),
  ];
}

async function rolling() {
  const rolls = await rollRounds(perennial);
  if (rolls === null) return null;
  drawRoll(rolls, docs);
  return rollData(rolls);
}

delete process.env["NODE_EXTRA_CA_CERTS"];
delete process.env["NODE_OPTIONS"];
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) {
  console.error(`no part ${unknown.join(", ")}; there are: ${Object.keys(parts).join(", ")}`);
  process.exit(2);
}
ensureDependencies();
run(process.execPath, [join(root, "scripts/build.mjs")], { cwd: root });
await measure(asked.length > 0 ? asked : Object.keys(parts));
