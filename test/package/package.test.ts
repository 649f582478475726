// The packages as they are shipped: built without network, unpacked elsewhere, run with little around them.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { person } from "../support/age.ts";
import { fixture, freshFolder } from "../support/fixtures.ts";

const root = resolve(import.meta.dirname, "../..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

/** Stands in for the downloaded Node.js: small, and shows which one ran. */
function standIn(): string {
  const path = join(freshFolder(), "node");
  writeFileSync(path, `#!/bin/sh\nBUNDLED=yes exec '${process.execPath}' "$@"\n`, { mode: 0o755 });
  writeFileSync(join(path, "../LICENSE"), "Node.js is licensed for use as follows\n");
  return path;
}

function build(platforms: readonly string[], nodeBinary: string): string {
  const out = join(freshFolder(), "out");
  const words = platforms.flatMap((platform) => ["--platform", platform]);
  execFileSync(
    process.execPath,
    [join(root, "scripts/package.mjs"), "--out", out, "--node-binary", nodeBinary, ...words],
    { env: { PATH: process.env["PATH"] ?? "", SOURCE_DATE_EPOCH: "1700000000" } },
  );
  return out;
}

function unpack(archive: string): string {
  const folder = freshFolder();
  execFileSync("tar", ["-x", "-z", "-f", archive, "-C", folder]);
  return join(folder, archive.replace(/^.*\/|\.tar\.gz$/g, ""));
}

/** A folder with these programs only. */
function pathWith(...programs: readonly string[]): string {
  const folder = freshFolder();
  for (const program of programs) {
    const found = program === "node" ? process.execPath : `/usr/bin/${program}`;
    symlinkSync(found, join(folder, program));
  }
  return folder;
}

function run(
  command: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): { readonly code: number | null; readonly out: string; readonly err: string } {
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: "utf8", env: environment });
  return { code: status, out: stdout, err: stderr };
}

interface Loader {
  cacheOf(name: string): string;
}

/** Bundles anew; every file that esbuild has read for it, relative to the root. */
function inputsOfBundles(dist: string): readonly string[] {
  const program = `import { bundle } from ${JSON.stringify(join(root, "scripts/bundle.mjs"))};
    const metafiles = await bundle(${JSON.stringify(dist)});
    console.log(JSON.stringify(metafiles.flatMap(({ inputs }) => Object.keys(inputs))));`;
  const words = ["--input-type=module", "-e", program];
  return JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" })) as readonly string[];
}

describe("the packages", () => {
  let out = "";
  let again = "";
  let nodeBinary = "";

  beforeAll(() => {
    nodeBinary = standIn();
    out = build(["any", "linux-x64"], nodeBinary);
    again = build(["any", "linux-x64"], nodeBinary);
  });

  it("are the same bytes when they are built twice, and have the sums they are listed with", () => {
    for (const name of [`perennial-${version}.tar.gz`, `perennial-${version}-linux-x64.tar.gz`]) {
      expect(readFileSync(join(again, name)).equals(readFileSync(join(out, name)))).toBe(true);
    }
    const sums = spawnSync("sha256sum", ["-c", "SHA256SUMS"], { cwd: out, encoding: "utf8" });
    expect(sums.stdout).toBe(`perennial-${version}.tar.gz: OK\nperennial-${version}-linux-x64.tar.gz: OK\n`);
  });

  it("belong to root, are sorted, and have one time", () => {
    const archive = join(out, `perennial-${version}.tar.gz`);
    const lines = execFileSync("tar", ["-t", "-v", "--utc", "-f", archive], { encoding: "utf8" })
      .trimEnd()
      .split("\n");
    expect(new Set(lines.map((line) => /\s(\S+)\s+\d+ (\S+ \S+) /.exec(line)?.slice(1).join(" ")))).toEqual(
      new Set(["root/root 2023-11-14 22:13"]),
    );
    const paths = lines.map((line) => line.replace(/^.* /, ""));
    expect(paths).toEqual([...paths].sort());
    const top = `perennial-${version}`;
    for (const path of [
      "bin/perennial",
      "dist/check.cjs",
      "profiles/kubeadm/profile.yaml",
      "LICENSE",
      "README.zh.md",
      "THIRD-PARTY-LICENSES",
    ])
      expect(paths).toContain(`${top}/${path}`);
    expect(paths.filter((path) => path.endsWith(".cache") || path.includes("node_modules"))).toEqual([]);
  });

  it("check, renew and encrypt with a Node.js on the PATH and nothing else", async () => {
    const home = unpack(join(out, `perennial-${version}.tar.gz`));
    const environment = { PATH: pathWith("node", "sh", "readlink") };
    const tree = fixture("kubeadm-ha-expired/m1");
    expect(run(join(home, "bin/perennial"), ["version"], environment)).toEqual({
      code: 0,
      out: `perennial ${version}\n`,
      err: "",
    });
    expect(run(join(home, "bin/perennial"), ["check", "--root", tree], environment).code).toBe(3);
    const renewed = run(join(home, "bin/perennial"), ["renew", "--yes", "--root", tree], environment);
    expect(renewed.err).not.toContain("error:");
    expect(renewed.code).toBe(0);
    const backups = freshFolder();
    const { recipient } = await person();
    const words = ["renew", "scheduler.conf", "--yes", "--root", tree, "--backup-to", backups];
    const saved = run(join(home, "bin/perennial"), [...words, "--backup-recipient", recipient], environment);
    expect(saved).toMatchObject({ code: 0, err: "" });
    expect(readFileSync(join(backups, readdirSync(backups)[0] ?? ""), "latin1")).toMatch(
      /^age-encryption\.org\/v1\n-> X25519 /,
    );
    const checked = run(join(home, "bin/perennial"), ["--lang", "zh", "check", "--root", tree], environment);
    expect(checked.out).not.toContain("已过期");
  });

  it("are found through links to the command, under dash and busybox", () => {
    const home = unpack(join(out, `perennial-${version}.tar.gz`));
    const bin = freshFolder();
    symlinkSync(join(home, "bin/perennial"), join(bin, "first"));
    symlinkSync("first", join(bin, "perennial"));
    const environment = { PATH: `${pathWith("node", "sh", "readlink", "dash", "busybox")}:${bin}` };
    for (const [command, ...words] of [
      ["perennial"],
      ["dash", join(bin, "perennial")],
      ["busybox", "sh", join(bin, "first")],
    ] as const) {
      expect(run(command, [...words, "version"], environment).out).toBe(`perennial ${version}\n`);
    }
  });

  it("say what to do where there is no Node.js, or one that is too old", () => {
    const home = unpack(join(out, `perennial-${version}.tar.gz`));
    const without = run(join(home, "bin/perennial"), ["version"], { PATH: pathWith("sh", "readlink") });
    expect(without.code).toBe(1);
    expect(without.err).toContain("error: Node.js is not installed: there is no node\n");
    const old = join(freshFolder(), "old.cjs");
    writeFileSync(old, "Object.defineProperty(process.versions, 'node', { value: '18.20.0' });");
    const result = spawnSync(process.execPath, ["--require", old, join(home, "dist/loader.cjs"), "version"], {
      encoding: "utf8",
    });
    expect(result.status).toBe(1);
    expect(result.stderr).toBe(
      "error: Node.js 18.20.0 is too old\nhint: Perennial needs Node.js 20.19 or newer; the self-contained package brings it (glibc 2.28)\n",
    );
  });

  it("bring their own Node.js where that is promised", () => {
    const home = unpack(join(out, `perennial-${version}-linux-x64.tar.gz`));
    expect(readFileSync(join(home, "node/node"))).toEqual(readFileSync(nodeBinary));
    expect(statSync(join(home, "node/node")).mode & 0o777).toBe(0o755);
    const environment = { PATH: pathWith("sh", "readlink") };
    expect(run(join(home, "bin/perennial"), ["version"], environment).out).toBe(`perennial ${version}\n`);
    const tree = fixture("kubeadm-ha-expired/m1");
    expect(run(join(home, "bin/perennial"), ["check", "--root", tree], environment).code).toBe(3);
  });

  it("hold the licence of everything that is in them", () => {
    const dist = join(freshFolder(), "dist");
    const inputs = inputsOfBundles(dist);
    const folders = inputs.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
    const bundled = [...new Set(folders)].map((folder) => join(root, folder));
    expect(bundled.length).toBeGreaterThan(8);
    for (const name of [`perennial-${version}`, `perennial-${version}-linux-x64`]) {
      const home = unpack(join(out, `${name}.tar.gz`));
      const text = readFileSync(join(home, "THIRD-PARTY-LICENSES"), "utf8");
      expect(text.startsWith(readFileSync(join(dist, "THIRD-PARTY-LICENSES"), "utf8"))).toBe(true);
      for (const folder of bundled) {
        const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<
          string,
          string
        >;
        expect(text).toContain(`\n${about["name"]} ${about["version"]} (`);
        const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each)) ?? "";
        expect(text).toContain(readFileSync(join(folder, file), "utf8").trim());
      }
      expect(text.includes("Node.js 20.")).toBe(name.endsWith("x64"));
      expect(existsSync(join(home, "node/LICENSE"))).toBe(name.endsWith("x64"));
    }
  });

  it("take no code cache of another processor, with which Node.js would crash", () => {
    const home = unpack(join(out, `perennial-${version}.tar.gz`));
    const loader = createRequire(import.meta.url)(join(home, "dist/loader.cjs")) as Loader;
    expect(loader.cacheOf("/dist/check")).toBe(`/dist/check.${process.arch}.cache`);
    const built = readFileSync(join(root, "scripts/code-cache.cjs"), "utf8");
    expect(built).toContain("writeFileSync(cacheOf(");
  });

  it("name glibc and the ways on when the Node.js inside does not start", () => {
    const home = unpack(join(out, `perennial-${version}-linux-x64.tar.gz`));
    writeFileSync(join(home, "node/node"), "#!/bin/sh\necho 'version `GLIBC_2.28 not found' >&2\nexit 1\n");
    const environment = { PATH: pathWith("sh", "readlink", "uname", "getconf") };
    const { code, err } = run(join(home, "bin/perennial"), ["version"], environment);
    expect(code).toBe(1);
    expect(err).toMatch(/^error: .*glibc 2\.28 or newer is needed.*\(here: glibc \d+\.\d+, \S+\)\n/);
    expect(err).toContain("perennial collect");
    expect(err).toContain("plan --script");
    const chinese = run(join(home, "bin/perennial"), ["version"], { ...environment, LANG: "zh_CN.UTF-8" });
    expect(chinese.err).toContain("需要 glibc 2.28 或更高版本");
  });
});
