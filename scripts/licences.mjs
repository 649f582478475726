// The licences of what is in the bundles, out of the packages that esbuild has read.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Folders of the packages, relative to the root, of which a bundle holds something. */
function packageFolders(metafiles) {
  const inputs = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap((output) => Object.entries(output.inputs)),
  );
  const folders = inputs
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    // The innermost: a package may bring another version of its own.
    .map(([path]) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0])
    .filter((folder) => folder !== undefined);
  return [...new Set(folders)];
}

function licenceOf(root, folder) {
  const home = join(root, folder);
  const { name, version, license } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  const files = readdirSync(home).filter((file) => /^(licen[cs]e|notice)/i.test(file));
  if (files.length === 0) throw new Error(`${name} ${version} has no licence in ${home}`);
  const texts = files.sort().map((file) => readFileSync(join(home, file), "utf8").trim());
  return { title: `${name} ${version} (${license})`, text: texts.join("\n\n") };
}

const head = "Parts of others in Perennial, each with its licence. Perennial's own licence is in LICENSE.\n";

export function licenceSection({ title, text }) {
  return `\n${"=".repeat(80)}\n${title}\n${"=".repeat(80)}\n\n${text}\n`;
}

/** Sorted by name; throws when a package has no licence. */
export function licencesOf(root, metafiles) {
  const sections = packageFolders(metafiles).map((folder) => licenceSection(licenceOf(root, folder)));
  return head + [...new Set(sections)].sort().join("");
}
