// The script killed wherever it changes a file: running it again goes on, its undo restores, and neither leaves a key or the lock.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderScript } from "../../../src/report/script/render-script.ts";
import { runCli } from "../../support/cli.ts";
import { fixture } from "../../support/fixtures.ts";
import { planFor } from "../../support/script-plan.ts";
import {
  faultsOf,
  keysLeft,
  killedAfter,
  runScript,
  type ScriptResult,
  withText,
  workOf,
} from "../../support/script-run.ts";
import { snapshotTree } from "../../support/tree.ts";

const tree = "kubeadm-ecdsa-expired/m1";
const names = ["apiserver"];

/** Counts what changes files, and dies before the one of this number. What is on the disk already needs no sync here. */
const counting = `
hit() {
  echo >>"$HITS"
  [ "$(wc -l <"$HITS")" -ne "$KILL_AT" ] || kill -KILL $$
}
for program in mv cp ln chmod rm; do eval "$program() { hit; command $program \\"\\$@\\"; }"; done
sync() { hit; }
main "$@"
`;

interface Counted extends ScriptResult {
  readonly hits: number;
}

/** 0 kills nowhere. */
async function runCounted(
  script: string,
  words: readonly string[],
  options: { readonly root: string; readonly killAt: number },
): Promise<Counted> {
  const hits = join(mkdtempSync(join(tmpdir(), "hits-")), "hits");
  const environment = { HITS: hits, KILL_AT: String(options.killAt) };
  const result = await runScript(
    withText(script, 'main "$@"\n', counting),
    [...words, "--root", options.root],
    {
      environment,
    },
  );
  return { ...result, hits: readFileSync(hits, "utf8").length };
}

async function scriptFor(): Promise<string> {
  return renderScript(await planFor(fixture(tree), { names }), { lang: "en" });
}

/** Nobody has claimed the lock, or the newest claim says that it was given back. */
function isFree(root: string): boolean {
  const lock = join(root, "var/lib/perennial/lock");
  const claims = existsSync(lock) ? readdirSync(lock).filter((name) => /^\d+$/.test(name)) : [];
  const newest = claims.toSorted().at(-1);
  return newest === undefined || readFileSync(join(lock, newest), "utf8").includes('"state":"free"');
}

async function expectRenewed(root: string): Promise<void> {
  expect(await faultsOf(root, names)).toEqual([]);
  expect(Object.keys(snapshotTree(root)).filter((path) => path.includes("perennial-by-hand"))).toEqual([]);
}

/** Keys of new certificates in the working folder, and whether the lock is free. */
function leftIn(root: string): { readonly keys: readonly string[]; readonly isFree: boolean } {
  return { keys: existsSync(workOf(root)) ? keysLeft(root) : [], isFree: isFree(root) };
}

function copyOf(root: string): string {
  const copy = join(mkdtempSync(join(tmpdir(), "copy-")), "tree");
  execFileSync("cp", ["-a", root, copy]);
  return copy;
}

describe("a script that is killed", () => {
  it("goes on or goes back from wherever an apply was killed", { timeout: 900_000 }, async () => {
    const script = await scriptFor();
    const whole = await runCounted(script, ["apply", "--yes"], { root: fixture(tree), killAt: 0 });
    expect(whole).toMatchObject({ code: 0 });
    expect(whole.hits).toBeGreaterThan(15);
    for (let killAt = 1; killAt <= whole.hits; killAt += 1) {
      const root = fixture(tree);
      const before = snapshotTree(root);
      const killed = await runCounted(script, ["apply", "--yes"], { root, killAt });
      expect({ killAt, signal: killed.signal }).toEqual({ killAt, signal: "SIGKILL" });
      const other = copyOf(root);
      const applied = await runScript(script, ["apply", "--yes", "--root", root]);
      expect({ killAt, ...applied }).toMatchObject({ code: 0 });
      await expectRenewed(root);
      const undone = await runScript(script, ["undo", "--yes", "--root", other]);
      expect({ killAt, ...undone }).toMatchObject({ code: 0 });
      expect({ killAt, tree: snapshotTree(other) }).toEqual({ killAt, tree: before });
      for (const one of [root, other])
        expect({ killAt, ...leftIn(one) }).toEqual({ killAt, keys: [], isFree: true });
    }
  });

  it("goes back from wherever an undo was killed", { timeout: 900_000 }, async () => {
    const script = await scriptFor();
    const done = fixture(tree);
    const before = snapshotTree(done);
    expect(await runScript(script, ["apply", "--yes", "--root", done])).toMatchObject({ code: 0 });
    const whole = await runCounted(script, ["undo", "--yes"], { root: copyOf(done), killAt: 0 });
    expect(whole).toMatchObject({ code: 0 });
    expect(whole.hits).toBeGreaterThan(5);
    for (let killAt = 1; killAt <= whole.hits; killAt += 1) {
      const root = copyOf(done);
      const killed = await runCounted(script, ["undo", "--yes"], { root, killAt });
      expect({ killAt, signal: killed.signal }).toEqual({ killAt, signal: "SIGKILL" });
      const next = await runScript(script, ["undo", "--yes", "--root", root]);
      expect({ killAt, ...next }).toMatchObject({ code: 0 });
      expect({ killAt, tree: snapshotTree(root) }).toEqual({ killAt, tree: before });
      expect({ killAt, ...leftIn(root) }).toEqual({ killAt, keys: [], isFree: true });
    }
  });

  it("keeps the tool out until it went on, and says that it stopped midway", async () => {
    const root = fixture(tree);
    const script = renderScript(await planFor(root, { names: ["apiserver", "admin.conf"] }), { lang: "en" });
    const dying = killedAfter(script, "done m1/swap/etc/kubernetes/pki/apiserver.key");
    expect(await runScript(dying, ["apply", "--yes"])).toMatchObject({ signal: "SIGKILL" });
    expect(await runScript(script, ["status"])).toMatchObject({
      code: 0,
      text: expect.stringContaining("stopped midway") as string,
    });
    expect(await runCli(["renew", "apiserver", "--yes", "--root", root])).toMatchObject({ code: 5 });
    expect(await runScript(script, ["apply", "--yes"])).toMatchObject({ code: 0 });
    expect(await runScript(script, ["status"])).toMatchObject({
      code: 0,
      text: expect.stringContaining("it is done") as string,
    });
    expect(await runCli(["renew", "apiserver", "--yes", "--root", root])).toMatchObject({ code: 0 });
  });

  it("makes a before-image again that has the bytes and not yet the mode", async () => {
    const root = fixture(tree);
    const before = snapshotTree(root);
    const script = renderScript(await planFor(root, { names }), { lang: "en" });
    const dying = killedAfter(script, "done m1/back-up/etc/kubernetes/pki/apiserver.crt");
    expect(await runScript(dying, ["apply", "--yes"])).toMatchObject({ signal: "SIGKILL" });
    const images = readdirSync(workOf(root)).filter((name) => name.startsWith("before-"));
    expect(images.length).toBe(2);
    for (const name of images) chmodSync(join(workOf(root), name), 0o640);
    expect(await runScript(script, ["apply", "--yes"])).toMatchObject({ code: 0 });
    expect(await runScript(script, ["undo", "--yes"])).toMatchObject({ code: 0 });
    expect(snapshotTree(root)).toEqual(before);
  });
});
