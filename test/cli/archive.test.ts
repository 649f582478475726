// `--backup-to`: what an operator sees of the encrypted backup, what is refused beforehand, and what a reader gets out of it.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Plan } from "../../src/core/model/plan.ts";
import { type Person, person, unpack } from "../support/age.ts";
import { runCli } from "../support/cli.ts";
import { freshFolder } from "../support/fixtures.ts";
import {
  expectNoKeys,
  expectRolledBack,
  expectTidy,
  expiredMaster,
  keyPieces,
  on,
  renewal,
  runFolders,
  wholeTree,
} from "../support/operator.ts";

const people: { reader?: Person } = {};

beforeAll(async () => {
  people.reader = await person();
});

function reader(): Person {
  if (!people.reader) throw new Error("nobody is there yet");
  return people.reader;
}

const to = (place: string): readonly string[] => [
  "--backup-to",
  place,
  "--backup-recipient",
  reader().recipient,
];

async function planned(root: string, place: string): Promise<Plan> {
  const { code, out } = await on(root, "plan", "-o", "json", ...to(place));
  expect(code).toBe(0);
  return JSON.parse(out) as Plan;
}

/** What a test mounted, undone after it whatever happened. */
const undo: (() => void)[] = [];

afterEach(() => {
  for (const step of undo.splice(0).toReversed()) step();
});

function isMounted(folder: string, size: string): boolean {
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "perennial", folder]);
  if (status === 0) undo.push(() => void execFileSync("umount", ["-l", folder]));
  return status === 0;
}

const canMount = ((): boolean => {
  const can = isMounted(freshFolder(), "64k");
  for (const step of undo.splice(0)) step();
  return can;
})();

describe("an encrypted backup", () => {
  it("holds what was kept, the plan and a manifest; nothing of a key is printed or journalled", async () => {
    const [root, out] = [expiredMaster(), freshFolder()];
    const original = wholeTree(root);
    const keys = keyPieces(root);
    const result = await on(root, ...renewal, ...to(out));
    expect(result).toMatchObject({ code: 0, err: "" });
    const [folder = ""] = runFolders(root);
    const run = folder.slice(folder.lastIndexOf("/") + 1);
    const name = `perennial-m1-${run}.tar.age`;
    expect(readdirSync(out)).toEqual([name]);
    expect(lstatSync(join(out, name)).mode & 0o7777).toBe(0o600);
    const { size } = lstatSync(join(out, name));
    expect(result.out).toContain(
      `\n[archive] encrypted for 1 recipient and read back: ${join(out, name)}, ${size} bytes\n[issue] `,
    );

    const inside = await unpack(join(out, name), reader());
    expect(inside.endsWith(`/perennial-${run}`)).toBe(true);
    expect(readdirSync(inside).toSorted()).toEqual(["before", "manifest.json", "plan.json"]);
    expect(wholeTree(join(inside, "before"))).toEqual(wholeTree(join(folder, "before")));
    expect(readFileSync(join(inside, "plan.json"))).toEqual(readFileSync(join(folder, "plan.json")));
    const manifest = JSON.parse(readFileSync(join(inside, "manifest.json"), "utf8")) as {
      readonly objects: readonly { readonly object: string }[];
    };
    expect(manifest).toMatchObject({ format: "perennial/archive/v1", run, snapshots: [] });
    expect(manifest.objects.map(({ object }) => object)).toEqual([
      "file:m1:/etc/kubernetes/pki/apiserver.key",
      "file:m1:/etc/kubernetes/pki/apiserver.crt",
      "file:m1:/etc/kubernetes/admin.conf",
      "file:m1:/root/.kube/config",
    ]);
    // By hand, on a machine that has nothing else.
    const target = expiredMaster();
    execFileSync("rm", [join(target, "etc/kubernetes/pki/apiserver.key"), join(target, "root/.kube/config")]);
    execFileSync("cp", ["-a", `${inside}/before/m1/.`, target]);
    expect(wholeTree(join(target, "etc"))).toEqual(wholeTree(join(expiredMaster(), "etc")));

    expectNoKeys(root, [result], keys);
    expectTidy(root, original);
    rmSync(out, { recursive: true });
    await expectRolledBack(root, original);
  });

  it("is in the plan, its digest and its documents; the script leaves it to the tool", async () => {
    const [root, out] = [expiredMaster(), freshFolder()];
    const [plan, other] = [await planned(root, join(out, "a.tar.age")), await planned(root, out)];
    expect(plan.phases.map(({ id }) => id).slice(0, 3)).toEqual(["back-up", "archive", "issue"]);
    expect(plan.phases[1]?.nodes[0]?.steps).toEqual([
      {
        kind: "archive",
        id: "m1/archive",
        directory: out,
        name: "a.tar.age",
        recipients: [reader().recipient],
      },
    ]);
    expect(plan.digest).not.toBe(other.digest);
    const shown = `${reader().recipient.slice(0, 16)}...${reader().recipient.slice(-8)}`;
    expect((await on(root, "plan", ...to(out))).out).toContain(
      `  2. archive: encrypt what was saved up to here for ${shown}, write it to ${out}/perennial-m1-RUN.tar.age and read it back\n`,
    );
    const chinese = await runCli(["plan", "--root", root, ...to(out)], { lang: "zh" });
    expect(chinese.out).toContain(`归档（archive）：把以上已保存的内容为 ${shown} 加密`);
    expect((await on(root, "plan", "--runbook", ...to(out))).out).toContain(
      `age -r ${reader().recipient} -o ${out}/perennial-m1-by-hand.tar.age`,
    );
    const script = await on(root, "plan", "--script", ...to(out));
    expect([script.code, script.err]).toEqual([4, expect.stringContaining("m1/archive")]);
    expect(readdirSync(out)).toEqual([]);
  });

  it("is told of as data and in the report of the run", async () => {
    const [root, out] = [expiredMaster(), freshFolder()];
    const file = join(out, "a.tar.age");
    const result = await on(root, ...renewal, "-o", "json", ...to(file));
    const events = result.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly type: string });
    const { size } = lstatSync(file);
    const sha256 = execFileSync("sha256sum", [file], { encoding: "utf8" }).slice(0, 64);
    expect(events.filter(({ type }) => type === "archived")).toEqual([
      { type: "archived", archive: { file, bytes: size, sha256, files: 6 }, recipients: 1 },
    ]);
    const report = (await on(root, "runs", "report")).out;
    expect(report).toContain("## Encrypted archive");
    expect(report).toContain(sha256);
    expect((await on(root, "runs", "show")).out).toMatch(/ m1\/archive +done /);
    const again = await on(root, "plan", "--all", ...to(file));
    expect(again).toMatchObject({ code: 4, err: expect.stringContaining("a file has this name already") });
  });

  it("of a saved plan is written when it is applied, to the same place for the same people", async () => {
    const [root, out] = [expiredMaster(), freshFolder()];
    const saved = join(freshFolder(), "plan.json");
    await on(
      root,
      "plan",
      "admin.conf",
      "--key-algorithm",
      "ECDSA-P256",
      "--out",
      saved,
      ...to(join(out, "a.age")),
    );
    expect(await on(root, "apply", saved, "--yes")).toMatchObject({ code: 0, err: "" });
    const inside = await unpack(join(out, "a.age"), reader());
    expect(existsSync(join(inside, "before/m1/etc/kubernetes/admin.conf"))).toBe(true);
  });
});

describe("refused before anything is written", () => {
  it("one option without the other, and requests with a backup", async () => {
    const root = expiredMaster();
    const before = wholeTree(root);
    const out = freshFolder();
    for (const [words, reason] of [
      [["--backup-to", out], "--backup-to needs --backup-recipient"],
      [["--backup-recipient", reader().recipient], "--backup-recipient needs --backup-to"],
      [["--csr-dir", join(out, "csr"), ...to(out)], "--csr-dir and --backup-to exclude each other"],
    ] as const)
      expect(await on(root, ...renewal, ...words)).toMatchObject({
        code: 2,
        err: expect.stringContaining(reason),
      });
    expect(wholeTree(root)).toEqual(before);
  });

  it("a wrong recipient, at plan time; a secret key is not repeated", async () => {
    const root = expiredMaster();
    const out = freshFolder();
    const { recipient, identity } = reader();
    const wrong = `${recipient.slice(0, -3)}qqq`;
    const planWith = (given: string) => on(root, "plan", "--backup-to", out, "--backup-recipient", given);
    expect(await planWith(wrong)).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining(`error: ${wrong} is a damaged age recipient`),
    });
    const secret = await planWith(identity);
    expect(secret).toMatchObject({ code: 2, out: "", err: expect.stringContaining("is a secret key") });
    expect(secret.err).not.toContain(identity.slice(20));
    expect(readdirSync(out)).toEqual([]);
  });

  it("a place that is missing, at plan time and when it went away since", async () => {
    const root = expiredMaster();
    const before = wholeTree(root);
    const out = join(freshFolder(), "usb");
    mkdirSync(out);
    const saved = join(freshFolder(), "plan.json");
    await on(root, "plan", "--out", saved, ...to(join(out, "a.age")));
    rmSync(out, { recursive: true });
    const refused = { code: 4, err: expect.stringContaining("there is no such directory") as string };
    expect(await on(root, "plan", ...to(join(out, "a.age")))).toMatchObject(refused);
    expect(await on(root, "apply", saved, "--yes")).toMatchObject(refused);
    mkdirSync(out);
    writeFileSync(join(out, "a.age"), "theirs");
    expect(await on(root, "apply", saved, "--yes")).toMatchObject({ code: 4 });
    expect(readFileSync(join(out, "a.age"), "utf8")).toBe("theirs");
    expect(wholeTree(root)).toEqual(before);
  });

  it.skipIf(!canMount)("a place that is full or read-only", async () => {
    const root = expiredMaster();
    const before = wholeTree(root);
    const [full, readOnly] = [freshFolder(), freshFolder()];
    expect([isMounted(full, "64k"), isMounted(readOnly, "4m")]).toEqual([true, true]);
    execFileSync("mount", ["-o", "remount,ro", readOnly]);
    expect(await on(root, ...renewal, ...to(full))).toMatchObject({
      code: 4,
      err: expect.stringContaining("too full for the encrypted backup"),
    });
    expect(await on(root, ...renewal, ...to(readOnly))).toMatchObject({
      code: 4,
      err: expect.stringContaining("it cannot be written to (the file system is read-only (EROFS))"),
    });
    expect(readdirSync(full)).toEqual([]);
    expect(wholeTree(root)).toEqual(before);
  });
});
