// Saved plans: what moved since makes them stale, what did not leaves them good for days; a foreign hand during a run stops it.
import {
  chmodSync,
  chownSync,
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { runCli } from "../support/cli.ts";
import { freshFolder } from "../support/fixtures.ts";
import {
  allFiles,
  brokenPairs,
  expectNoKeys,
  expectRolledBack,
  expectTidy,
  expiredMaster,
  heldAt,
  keyPieces,
  on,
  pkiFile,
  runFolders,
  runsOf,
  validPairs,
  wholeTree,
} from "../support/operator.ts";

const request = ["apiserver", "admin.conf", "--key-algorithm", "ECDSA-P256"];

interface Saved {
  readonly root: string;
  readonly plan: string;
  readonly digest: string;
}

async function savedPlan(root = expiredMaster()): Promise<Saved> {
  const plan = join(freshFolder(), "p.json");
  const { code, err } = await on(root, "plan", ...request, "--out", plan);
  expect(code).toBe(0);
  const digest = /sha256:[0-9a-f]{64}/.exec(err)?.[0] ?? "";
  expect(readFileSync(plan, "utf8")).toContain(digest);
  return { root, plan, digest };
}

/** Everything below the root, the state directory's runs included. */
function everything(root: string): object {
  return {
    tree: wholeTree(root),
    runs: runFolders(root),
    files: allFiles(root).filter((path) => !path.includes("/lock/")),
  };
}

const certificate = pkiFile("apiserver.crt");

interface Move {
  readonly how: string;
  readonly move: (root: string) => void;
  /** What the message must name: where, and planned and found values. */
  readonly says: readonly string[];
}

const sha256 = /\b[0-9a-f]{8,64}\b.*\b[0-9a-f]{8,64}\b/;

const moves: readonly Move[] = [
  {
    how: "the bytes of a certificate",
    move: (root) => copyFileSync(join(root, pkiFile("etcd/peer.crt")), join(root, certificate)),
    says: ["/etc/kubernetes/pki/apiserver.crt"],
  },
  {
    how: "one line of a kubeconfig",
    move: (root) => writeFileSync(join(root, "etc/kubernetes/admin.conf"), "# by hand\n", { flag: "a" }),
    says: ["/etc/kubernetes/admin.conf"],
  },
  {
    how: "a mode",
    move: (root) => chmodSync(join(root, pkiFile("apiserver.key")), 0o640),
    says: ["/etc/kubernetes/pki/apiserver.key", "0600", "0640"],
  },
  {
    how: "an authority's certificate",
    move: (root) => copyFileSync(join(root, pkiFile("etcd/ca.crt")), join(root, pkiFile("ca.crt"))),
    says: ["/etc/kubernetes/pki/ca.crt"],
  },
  {
    how: "an authority's key",
    move: (root) => copyFileSync(join(root, pkiFile("etcd/ca.key")), join(root, pkiFile("ca.key"))),
    says: ["/etc/kubernetes/pki/ca.key"],
  },
  {
    how: "a file that was deleted",
    move: (root) => rmSync(join(root, certificate)),
    says: ["/etc/kubernetes/pki/apiserver.crt", "absent"],
  },
  {
    how: "a file that became a link to the same bytes",
    move: (root) => {
      renameSync(join(root, certificate), join(root, pkiFile("apiserver-2.crt")));
      symlinkSync("apiserver-2.crt", join(root, certificate));
    },
    says: ["/etc/kubernetes/pki/apiserver.crt", "apiserver-2.crt"],
  },
];

async function expectStale({ root, plan }: Saved, says: readonly string[]): Promise<string> {
  const before = everything(root);
  const result = await on(root, "apply", plan, "--yes");
  expect(result.code).toBe(4);
  expect(result.err).toMatch(/^error: .*plan is stale/);
  for (const text of says) expect(result.err).toContain(text);
  expect(everything(root)).toEqual(before);
  expectTidy(root, wholeTree(root));
  expectNoKeys(root, [result]);
  return result.err;
}

describe("a saved plan is stale", () => {
  it.each(moves)("after a change of $how", async ({ move, says }) => {
    const saved = await savedPlan();
    move(saved.root);
    const error = await expectStale(saved, says);
    if (says.length > 1) return;
    // People are told that it is another content, programs by which hashes.
    expect(error).not.toMatch(sha256);
    const data = await on(saved.root, "apply", saved.plan, "--yes", "-o", "json");
    expect(JSON.parse(data.out)).toMatchObject({ type: "error", code: "plan-stale" });
    expect(data.out).toMatch(sha256);
  });

  it.skipIf(process.getuid?.() !== 0)("after a change of owner", async () => {
    const saved = await savedPlan();
    chownSync(join(saved.root, certificate), 1, 2);
    await expectStale(saved, ["/etc/kubernetes/pki/apiserver.crt", "0:0", "1:2"]);
  });

  it("after a link was turned elsewhere, to the same bytes", async () => {
    const root = expiredMaster();
    for (const name of ["a.crt", "b.crt"]) copyFileSync(join(root, certificate), join(root, pkiFile(name)));
    rmSync(join(root, certificate));
    symlinkSync("a.crt", join(root, certificate));
    const saved = await savedPlan(root);
    rmSync(join(root, certificate));
    symlinkSync("b.crt", join(root, certificate));
    await expectStale(saved, ["/etc/kubernetes/pki/apiserver.crt", "a.crt", "b.crt"]);
  });

  it("after it was carried out", async () => {
    const saved = await savedPlan();
    expect(await on(saved.root, "apply", saved.plan, "--yes")).toMatchObject({ code: 0, err: "" });
    const result = await on(saved.root, "apply", saved.plan, "--yes");
    expect(result).toMatchObject({ code: 4 });
    expect(result.err).toMatch(/^error: run \S+ has already done this plan/);
  });
});

describe("a saved plan", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("of Wednesday holds on Saturday, and counts its days from then", async () => {
    const { root, plan, digest } = await savedPlan();
    // Times and the clock are not what a plan is about.
    utimesSync(join(root, certificate), 1_600_000_000.5, 1_600_000_000.5);
    const original = wholeTree(root);
    const saturday = Date.now() + 3 * 86_400_000;
    vi.useFakeTimers({ toFake: ["Date"], now: saturday });
    const words = ["apply", plan, "--yes", "--approved", digest, "--root", root];
    const applied = await runCli(words, { now: saturday });
    expect(applied).toMatchObject({ code: 0, err: "" });
    expect(validPairs(root, saturday + 364 * 86_400_000)).toHaveLength(3);
    expect((await runsOf(root))[0]?.startedAt).toBeGreaterThanOrEqual(saturday);
    await expectRolledBack(root, original);
  });

  it("is refused under another digest than the approved one", async () => {
    const { root, plan, digest } = await savedPlan();
    const before = everything(root);
    const other = `sha256:${"0".repeat(64)}`;
    const result = await on(root, "apply", plan, "--yes", "--approved", other);
    expect(result).toMatchObject({ code: 4, out: "" });
    expect(result.err).toContain(digest);
    expect(result.err).toContain(other);
    expect(everything(root)).toEqual(before);
  });

  it.each([
    ["before", 3_600_000, 7_200_000],
    ["after", -7_200_000, -3_600_000],
  ])("is refused %s its window, with the times, and nothing written", async (when, from, to) => {
    const { root, plan } = await savedPlan();
    const before = everything(root);
    const instant = (offset: number): string =>
      new Date(Math.floor((Date.now() + offset) / 1000) * 1000).toISOString().replace(".000", "");
    const window = `${instant(from)}/${instant(to)}`;
    const result = await on(root, "apply", plan, "--yes", "--window", window);
    expect(result).toMatchObject({ code: 4, out: "" });
    expect(result.err).toMatch(
      new RegExp(`^error: it is .* UTC, ${when} the window from .* UTC to .* UTC\n`),
    );
    expect(everything(root)).toEqual(before);
  });

  it("is done inside its window, under the approved digest, in local time", async () => {
    const { root, plan, digest } = await savedPlan();
    const local = (offset: number): string => {
      const date = new Date(Date.now() + offset);
      const two = (value: number): string => String(value).padStart(2, "0");
      return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
    };
    const window = `${local(-3_600_000)}/${local(3_600_000)}`;
    const words = ["apply", plan, "--yes", "--approved", digest, "--window", window];
    expect(await on(root, ...words)).toMatchObject({ code: 0, err: "" });
  });

  it.each([
    "tonight",
    "2026-11-22T22:00",
    "2026-11-22/2026-11-23",
    "2026-02-30T00:00/2026-03-05T00:00",
    "2026-11-23T02:00/2026-11-22T22:00",
  ])("does not take %s for a window", async (window) => {
    const { root, plan } = await savedPlan();
    expect(await on(root, "apply", plan, "--yes", "--window", window)).toMatchObject({ code: 2, out: "" });
  });

  it.each([
    ["a target", (text: string) => text.replaceAll("pki/apiserver.crt", "pki/sa.pub")],
    ["a mode", (text: string) => text.replace('"mode": "0600"', '"mode": "0666"')],
    [
      "the validity",
      (text: string) => text.replaceAll(/"validitySeconds": \d+/g, '"validitySeconds": 999999999'),
    ],
    ["a guard", (text: string) => text.replace(/"sha256": "[0-9a-f]{8}/, '"sha256": "00000000')],
    ["its end", (text: string) => text.slice(0, text.length / 2)],
  ])("that was edited by hand is refused: %s", async (_, edit) => {
    const { root, plan } = await savedPlan();
    const [before, text] = [everything(root), readFileSync(plan, "utf8")];
    writeFileSync(plan, edit(text));
    expect(readFileSync(plan, "utf8")).not.toBe(text);
    const result = await on(root, "apply", plan, "--yes");
    expect(result.code).toBe(4);
    expect(result.err).toContain("error: ");
    expect(everything(root)).toEqual(before);
  });
});

describe.concurrent("a foreign hand during a run", () => {
  const foreign = "-----BEGIN CERTIFICATE-----\nZm9yZWlnbg==\n-----END CERTIFICATE-----\n";

  it.each([
    ["run.after-all-staged", "apiserver.crt"],
    ["run.after-all-staged", "apiserver.key"],
    ["run.between-pair", "apiserver.crt"],
    ["file.before-rename:2", "apiserver.crt"],
    ["run.after-effect", "../admin.conf"],
    ["run.before-stage:3", "../admin.conf"],
  ])("at %s is noticed: %s survives, everything else is as before", async (failpoint, name) => {
    const root = expiredMaster();
    const original = wholeTree(root);
    const held = await heldAt(root, failpoint, "renew", ...request, "--yes");
    const keys = keyPieces(root);
    writeFileSync(join(root, pkiFile(name)), foreign);
    const isForeign = ([path]: readonly [string, string]): boolean => path === join(pkiFile(name));
    const written = Object.entries(wholeTree(root)).filter(isForeign);
    held.letGo();
    const stopped = await held.ended;
    expect(stopped).toMatchObject({ code: 1, signal: null });
    expect(stopped.err).toMatch(/^error: /);
    expect(stopped.err).toContain(join("/etc/kubernetes/pki", name));
    const after = wholeTree(root);
    expect(Object.entries(after).filter(isForeign)).toEqual(written);
    const others = (tree: Readonly<Record<string, string>>) =>
      Object.entries(tree).filter((entry) => !isForeign(entry));
    expect(others(after)).toEqual(others(original));
    expectTidy(root, original);
    expect((await runsOf(root)).map(({ state }) => state)).not.toContain("running-or-crashed");
    expectNoKeys(root, [stopped], keys);
  });

  it("at a file that was already swapped is not undone over it", async () => {
    const root = expiredMaster();
    const original = wholeTree(root);
    expect(await on(root, "renew", ...request, "--yes")).toMatchObject({ code: 0 });
    writeFileSync(join(root, certificate), foreign);
    const before = everything(root);
    const refused = await on(root, "rollback", "last", "--yes");
    expect(refused.code).toBe(4);
    expect(refused.err).toContain("/etc/kubernetes/pki/apiserver.crt");
    expect(everything(root)).toEqual(before);
    expectTidy(root, original);
  });

  it("leaves no mixed pair when kubeadm renews the same pair meanwhile", async () => {
    const root = expiredMaster();
    const other = expiredMaster();
    expect(await on(other, "renew", "apiserver", "--yes", "--key-algorithm", "ECDSA-P256")).toMatchObject({
      code: 0,
    });
    const held = await heldAt(root, "run.after-all-staged", "renew", ...request, "--yes");
    for (const name of ["apiserver.crt", "apiserver.key"])
      copyFileSync(join(other, pkiFile(name)), join(root, pkiFile(name)));
    held.letGo();
    expect(await held.ended).toMatchObject({ code: 1 });
    expect(brokenPairs(root)).toEqual([]);
    expect(validPairs(root)).toEqual(["apiserver"]);
  });
});
