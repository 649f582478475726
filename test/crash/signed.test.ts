// Requests and the installation of answers as real processes, killed by SIGKILL; then done again, resumed, taken back.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { failpoints } from "../../src/engine/failpoints.ts";
import { type CaTeam, caTeamOf, signAll } from "../support/ca-team.ts";
import { certificateIn, controlPlane, pki } from "../support/control-plane.ts";
import {
  expectNoKeys,
  expectTidy,
  keyPieces,
  killedAt,
  leftovers,
  on,
  pointOf,
  unfinishedBy,
  wholeTree,
} from "../support/operator.ts";

const names = ["apiserver", "admin.conf"] as const;

interface Site {
  readonly root: string;
  readonly team: CaTeam;
  readonly original: Record<string, string>;
}

async function site(): Promise<Site> {
  const root = await controlPlane({ kubelet: "embedded" });
  mkdirSync(join(root, "var/lib"), { recursive: true });
  return { root, team: caTeamOf(root), original: wholeTree(root) };
}

function pending(root: string): readonly string[] {
  const folder = join(root, "var/lib/perennial/pending/m1");
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

function installed({ root, team }: Site): boolean {
  const answer = certificateIn(join(team.answers, "apiserver.crt"));
  return Buffer.compare(certificateIn(pki(root, "apiserver.crt")).der, answer.der) === 0;
}

const asking = [
  "pending.before-key",
  "pending.after-key",
  "pending.after-record",
  "pending.after-request",
  "pending.after-record:2",
  "state.after-create:2",
] as const;

describe.concurrent("requests killed with SIGKILL", () => {
  it.each(asking)("at %s are made by the same command again; what was handed out stays good", async (at) => {
    const here = await site();
    const { root, team } = here;
    const words = ["renew", ...names, "--csr-dir", team.requests];
    expect(await killedAt(root, at, ...words)).toMatchObject({ signal: "SIGKILL" });
    const read = (name: string): string => readFileSync(join(team.requests, name), "utf8");
    const out = existsSync(team.requests) ? readdirSync(team.requests) : [];
    const before = new Map(out.map((name) => [name, read(name)]));
    expect(wholeTree(root)).toEqual(here.original);
    expect(await on(root, ...words)).toMatchObject({ code: 0, err: "" });
    for (const [name, text] of before) expect(read(name)).toBe(text);
    signAll(team);
    expect(await on(root, "renew", "--signed", team.answers, "--yes")).toMatchObject({ code: 0, err: "" });
    expect(pending(root)).toEqual([]);
    expect(installed(here)).toBe(true);
  });
});

const installing = [
  "run.after-started",
  "run.after-issue",
  "run.before-stage",
  "run.before-verify-staged",
  "run.after-all-staged",
  "run.between-pair",
  "run.after-effect",
  "run.before-prove",
  "run.after-prove",
  "pending.before-remove",
  "pending.after-remove-record",
  "pending.after-remove",
  "pending.before-remove:2",
  "run.before-ended",
] as const;

describe.concurrent("an installation killed with SIGKILL", () => {
  it.each(installing)("at %s is resumed, and taken back to equality", async (at) => {
    const here = await site();
    const { root, team, original } = here;
    await on(root, "renew", ...names, "--csr-dir", team.requests);
    signAll(team);
    const words = ["renew", "--signed", team.answers, "--yes"];
    const killed = await killedAt(root, at, ...words);
    expect(killed).toMatchObject({ signal: "SIGKILL" });
    expect(await unfinishedBy(root)).not.toBeNull();
    const keys = keyPieces(root);
    const resumed = await on(root, "resume");
    expect(resumed).toMatchObject({ code: 0, err: "" });
    expect(installed(here)).toBe(true);
    expect(leftovers(root)).toEqual([]);
    expect(pending(root)).toEqual([]);
    expect(await on(root, "rollback", "last", "--yes")).toMatchObject({ code: 0, err: "" });
    expect(wholeTree(root)).toEqual(original);
    expectTidy(root, original);
    expectNoKeys(root, [killed, resumed], keys);
  });

  it("behind the staging needs neither the answers nor their folder; before it, it changes nothing", async () => {
    for (const [at, code] of [
      ["run.after-all-staged", 0],
      ["run.after-issue", 4],
    ] as const) {
      const here = await site();
      const { root, team, original } = here;
      await on(root, "renew", ...names, "--csr-dir", team.requests);
      signAll(team);
      await killedAt(root, at, "renew", "--signed", team.answers, "--yes");
      for (const name of readdirSync(team.answers)) rmSync(join(team.answers, name));
      const resumed = await on(root, "resume");
      expect([at, resumed.code]).toEqual([at, code]);
      if (code === 4) expect(wholeTree(root)).toEqual(original);
      expect(pending(root)).toHaveLength(code === 4 ? 4 : 0);
    }
  });
});

describe("the failpoints of pending keys", () => {
  it("are all in this table", () => {
    const all = failpoints.filter((point) => point.startsWith("pending."));
    const known = new Set([...asking, ...installing].map(pointOf));
    expect(all.filter((point) => !known.has(point))).toEqual([]);
  });
});
