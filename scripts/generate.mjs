// Turns profiles/*/profile.yaml into src/core/profile/profiles.gen.ts, so that nothing parses them at start-up.
// `--check` only compares, for the tests.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";

const root = resolve(import.meta.dirname, "..");
const target = join(root, "src/core/profile/profiles.gen.ts");

function profilesSource() {
  const ids = readdirSync(join(root, "profiles"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const entries = ids.map((id) => {
    const text = readFileSync(join(root, "profiles", id, "profile.yaml"), "utf8");
    const digest = createHash("sha256").update(text).digest("hex");
    return `  ${JSON.stringify(id)}: { digest: "sha256:${digest}", data: ${JSON.stringify(parse(text))} },`;
  });
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

/** A file that is right already stays untouched: others may be reading it. */
export function generate() {
  const source = profilesSource();
  if (!existsSync(target) || readFileSync(target, "utf8") !== source) writeFileSync(target, source);
}

if (process.argv[1] === import.meta.filename) {
  if (!process.argv.includes("--check")) generate();
  else if (readFileSync(target, "utf8") !== profilesSource()) {
    console.error("error: profiles.gen.ts is out of date\nhint: run node scripts/generate.mjs");
    process.exit(1);
  }
}
