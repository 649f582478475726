// What is shipped, as it is started: the launcher, the loader, the bundles. Whatever Node.js would load late has to be loadable there.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { finished, type ProcessResult } from "../support/cli.ts";
import { fixture } from "../support/fixtures.ts";
import { snapshotTree } from "../support/tree.ts";

const root = resolve(import.meta.dirname, "../..");
let home: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "shipped-"));
  mkdirSync(join(home, "bin"));
  copyFileSync(join(root, "bin/perennial"), join(home, "bin/perennial"));
  const program = `import { bundle } from ${JSON.stringify(join(root, "scripts/bundle.mjs"))}; await bundle(${JSON.stringify(join(home, "dist"))});`;
  execFileSync(process.execPath, ["--input-type=module", "-e", program]);
});

const environment = { PATH: process.env["PATH"] ?? "", LANG: "C", TERM: "xterm" };

function run(...words: readonly string[]): Promise<ProcessResult> {
  return finished(spawn(join(home, "bin/perennial"), words, { env: environment }));
}

/** At a terminal of its own (script(1)), which shows everything in one stream; the answer is typed once the question is there. */
async function atTerminal(
  words: readonly string[],
  { question, answer }: { readonly question: string; readonly answer: string },
): Promise<ProcessResult> {
  const line = [join(home, "bin/perennial"), ...words].join(" ");
  const child = spawn("script", ["-qec", line, "/dev/null"], { env: environment });
  let seen = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const before = seen.includes(question);
    seen += chunk.toString();
    if (!before && seen.includes(question)) child.stdin.write(`${answer}\n`);
  });
  const result = await finished(child);
  child.stdin.destroy();
  return result;
}

describe("the shipped command", () => {
  it("has no import() left: the loader's script could not do it", () => {
    const bundles = readdirSync(join(home, "dist")).filter((name) => name.endsWith(".cjs"));
    expect(bundles).toContain("perennial.cjs");
    for (const name of bundles)
      expect(readFileSync(join(home, "dist", name), "latin1"), name).not.toMatch(/(?<![\w$.])import\(/);
  });

  it("has in the file beside check every text that check leaves out, and none of them in check", () => {
    const texts = (name: string): string => readFileSync(join(home, "dist", name), "latin1");
    const late: unknown = createRequire(import.meta.url)(join(home, "dist/late.cjs"));
    const asked = [...texts("check.cjs").matchAll(/require\("\.\/late\.cjs"\)\.(\w+)/g)].map(
      ([, name]) => name,
    );
    expect(new Set(asked)).toEqual(new Set(Object.keys(Object(late))));
    expect(asked).toContain("refusals");
    for (const sentence of [
      "The plan has no steps: there is nothing to do.",
      "Every certificate has ended at",
    ]) {
      const holders = ["perennial.cjs", "late.cjs", "check.cjs"].filter((name) =>
        texts(name).includes(sentence),
      );
      expect(holders, sentence).toEqual(["perennial.cjs", "late.cjs"]);
    }
  });

  it("has no letter beyond ASCII, in regular expressions neither: the loader would read two or three others", () => {
    const bundles = readdirSync(join(home, "dist")).filter((name) => name.endsWith(".cjs"));
    for (const name of bundles)
      expect(readFileSync(join(home, "dist", name), "utf8"), name).toMatch(/^\p{ASCII}*$/u);
  });

  it.each([
    ["en", "Only 'yes' will be accepted to go on: "],
    ["zh", "只有输入 yes 才会继续："],
  ])("asks at a terminal, and does as it is answered (%s)", async (language, question) => {
    const tree = fixture("kubeadm-ecdsa-expired/m1");
    const before = snapshotTree(tree);
    const words = ["renew", "apiserver", "--root", tree, "--lang", language];
    const declined = await atTerminal(words, { question, answer: "no" });
    expect(declined, declined.out).toMatchObject({ code: 4 });
    expect(snapshotTree(tree)).toEqual(before);
    const agreed = await atTerminal(words, { question, answer: "yes" });
    expect(agreed, agreed.out).toMatchObject({ code: 0 });
    expect(snapshotTree(tree)).not.toEqual(before);
  });

  it("reads a profile with the YAML library", async () => {
    const profile = join(root, "profiles/kubeadm/profile.yaml");
    expect(await run("profile", "lint", profile)).toMatchObject({ code: 0, err: "" });
  });
});
