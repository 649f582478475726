// Turns profiles/*/profile.yaml into src/core/profile/profiles.gen.ts, so that nothing parses them at start-up, and
// bin/perennial-collect into a text of the bundle, src/app/collect-script.gen.ts.
// `--check` only compares, for the tests.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";

const root = resolve(import.meta.dirname, "..");
const targets = [
  { path: join(root, "src/core/profile/profiles.gen.ts"), source: profilesSource },
  { path: join(root, "src/app/collect-script.gen.ts"), source: collectSource },
];

function profilesSource() {
  const ids = readdirSync(join(root, "profiles"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const textOf = (id) => readFileSync(join(root, "profiles", id, "profile.yaml"), "utf8");
  // Of its parents' texts too: what they say is part of it.
  const digestOf = (id) => {
    const text = textOf(id);
    const { extends: parent } = parse(text);
    const under = parent === undefined ? "" : digestOf(parent);
    return createHash("sha256").update(under).update(text).digest("hex");
  };
  const entries = ids.map(
    (id) =>
      `  ${JSON.stringify(id)}: { digest: "sha256:${digestOf(id)}", data: ${JSON.stringify(parse(textOf(id)))} },`,
  );
  return [
    "// Generated from profiles/*/profile.yaml by scripts/generate.mjs; do not edit.",
    "",
    "/** Every built-in profile as plain data, with the digest of its source text. */",
    "export const profileData: Readonly<Record<string, { readonly digest: string; readonly data: unknown }>> = {",
    ...entries,
    "};",
    "",
  ].join("\n");
}

function collectSource() {
  const text = readFileSync(join(root, "bin/perennial-collect"), "utf8");
  return [
    "// Generated from bin/perennial-collect by scripts/generate.mjs; do not edit.",
    "",
    `export const collectScript: string = ${JSON.stringify(text)};`,
    "",
  ].join("\n");
}

/** A file that is right already stays untouched: others may be reading it. */
export function generate() {
  for (const { path, source } of targets) {
    const text = source();
    if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
  }
}

if (process.argv[1] === import.meta.filename) {
  if (!process.argv.includes("--check")) generate();
  else {
    const stale = targets.filter(({ path, source }) => readFileSync(path, "utf8") !== source());
    for (const { path } of stale)
      console.error(`error: ${path} is out of date\nhint: run node scripts/generate.mjs`);
    if (stale.length > 0) process.exit(1);
  }
}
