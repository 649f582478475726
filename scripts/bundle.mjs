// Bundles the sources into a folder: the command line as one minified CommonJS file, the same with the code of `check` only (what
// people wait for and scripts repeat), the libraries of YAML and age, the Chinese texts and those that `check` does not say by themselves, and
// the loader that bin/perennial starts.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { build } from "esbuild";
import { bundleOptions } from "./bundle-options.mjs";
import { licencesOf } from "./licences.mjs";

const root = resolve(import.meta.dirname, "..");

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

/** Most nodes never need the library: kubeadm's own files are read without it. */
const yamlBesideUs = {
  name: "yaml-beside-us",
  setup(builder) {
    builder.onResolve({ filter: /^yaml$/ }, () => ({ path: "./yaml.cjs", external: true }));
  },
};

/** Only who encrypts needs it. */
const ageBesideUs = {
  name: "age-beside-us",
  setup(builder) {
    builder.onResolve({ filter: /^age-encryption$/ }, ({ path }) => ({ path, namespace: "age" }));
    builder.onResolve({ filter: /^\.\/age\.cjs$/ }, ({ path }) => ({ path, external: true }));
    builder.onLoad({ filter: /.*/, namespace: "age" }, () => ({
      contents: 'module.exports = require("./age.cjs");',
    }));
  },
};

/** What the command line takes from the Chinese texts, by the file that has it. */
const chineseNames = { zh: "zh", "cli-zh": "cliZh", details: "detailInChinese" };

/** Most people read English. Whoever does not waits for one more file, read at the first word of it. */
const chineseBesideUs = {
  name: "chinese-beside-us",
  setup(builder) {
    builder.onResolve({ filter: /\/messages\/(?:(?:cli-)?zh|zh\/details)\.ts$/ }, ({ path }) => ({
      path: basename(path, ".ts"),
      namespace: "chinese",
    }));
    builder.onResolve({ filter: /^\.\/chinese\.cjs$/ }, ({ path }) => ({ path, external: true }));
    builder.onLoad({ filter: /.*/, namespace: "chinese" }, ({ path }) => {
      const name = chineseNames[path];
      return { contents: `module.exports = { get ${name}() { return require("./chinese.cjs").${name}; } };` };
    });
  },
};

/** English that `check` does not say, by the file that has it: src/report reads it by getters, at the first word. */
const lateNames = {
  "en/inspect": "inspect",
  "en/live": "live",
  "en/plan": "plan",
  "en/refusals": "refusals",
  "en/runbook": "runbook",
  "en/runs": "runs",
  "cli-lab-en": "cliLabEn",
};

/** For the small bundle: what plans, runs and the lab say stands in a file that it requires when one of them is said after all. */
const lateBesideUs = {
  name: "late-beside-us",
  setup(builder) {
    builder.onResolve({ filter: /^\.\/(?:en\/[a-z-]+|cli-lab-en)\.ts$/ }, ({ importer, path }) => {
      const file = path.slice("./".length, -".ts".length);
      const isText = importer.includes("/report/messages/") && Object.hasOwn(lateNames, file);
      return isText ? { path: file, namespace: "late" } : undefined;
    });
    builder.onResolve({ filter: /^\.\/late\.cjs$/ }, ({ path }) => ({ path, external: true }));
    builder.onLoad({ filter: /.*/, namespace: "late" }, ({ path }) => {
      const name = lateNames[path];
      return { contents: `module.exports = { get ${name}() { return require("./late.cjs").${name}; } };` };
    });
  },
};

/** In the small bundle the other commands are known by name and help; the loader never starts it for them. */
const checkOnly = {
  name: "check-only",
  setup(builder) {
    builder.onResolve({ filter: /\/commands\/[a-z-]+\.ts$/ }, ({ kind, path }) =>
      kind === "dynamic-import" && !path.endsWith("/check.ts") ? { path, namespace: "elsewhere" } : undefined,
    );
    builder.onLoad({ filter: /.*/, namespace: "elsewhere" }, () => ({
      contents: 'throw new TypeError("this command is not in this bundle");',
    }));
  },
};

/** esbuild leaves letters in regular expressions as they are, whatever its charset: the loader, which reads latin1, would change them. */
function onlyAscii(path) {
  const text = readFileSync(path, "utf8");
  const escaped = text.replace(
    /[^\x00-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  if (escaped !== text) writeFileSync(path, escaped);
}

/** Empties `dist` first. Equal sources give equal bytes. Returns esbuild's metafiles: what each bundle was made of. */
export async function bundle(dist) {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  const make = async (name, options) => {
    const outfile = join(dist, `${name}.cjs`);
    const { metafile } = await build({
      ...bundleOptions,
      absWorkingDir: root,
      metafile: true,
      outfile,
      ...options,
    });
    onlyAscii(outfile);
    return metafile;
  };
  const entryPoints = [join(root, "src/cli/start.ts")];
  const plugins = [commanderWithoutChildren, yamlBesideUs, ageBesideUs, chineseBesideUs];
  const yaml = { contents: 'module.exports = require("yaml");', resolveDir: root };
  const age = { contents: 'export { Decrypter, Encrypter } from "age-encryption";', resolveDir: root };
  const chinese = {
    contents:
      'export { zh } from "./zh.ts"; export { cliZh } from "./cli-zh.ts"; export { detailInChinese } from "./zh/details.ts";',
    resolveDir: join(root, "src/report/messages"),
  };
  const late = {
    contents: Object.entries(lateNames)
      .map(([file, name]) => `export { ${name} } from "./${file}.ts";`)
      .join("\n"),
    resolveDir: join(root, "src/report/messages"),
  };
  const metafiles = [
    await make("perennial", { entryPoints, plugins }),
    await make("check", { entryPoints, plugins: [...plugins, checkOnly, lateBesideUs] }),
    await make("yaml", { stdin: yaml }),
    await make("age", { stdin: age }),
    await make("chinese", { stdin: chinese, plugins: [yamlBesideUs] }),
    await make("late", { stdin: late, plugins: [yamlBesideUs] }),
  ];
  copyFileSync(join(root, "src/cli/loader.cjs"), join(dist, "loader.cjs"));
  writeFileSync(join(dist, "THIRD-PARTY-LICENSES"), licencesOf(root, metafiles));
  return metafiles;
}
