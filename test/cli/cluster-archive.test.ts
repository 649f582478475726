// `--backup-to` with `-f`: one encrypted file for all nodes of a cluster file, on the operator's machine, before anything is changed.
import { mkdirSync, readFileSync, readdirSync, lstatSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Plan } from "../../src/core/model/plan.ts";
import { type Person, person, unpack } from "../support/age.ts";
import { type CliResult, runCli, spawnCli } from "../support/cli.ts";
import { freshFolder } from "../support/fixtures.ts";
import { allFiles, expiredMaster, keyPieces, leftovers, lockState, wholeTree } from "../support/operator.ts";

const names = ["m1", "m2"] as const;
const people = {} as { reader: Person };

beforeAll(async () => {
  people.reader = await person();
});

interface Scene {
  readonly roots: readonly string[];
  /** The operator's own part. */
  readonly state: string;
  readonly out: string;
  readonly before: readonly unknown[];
  trees(): readonly unknown[];
  /** A command line over the cluster. */
  words(...words: readonly string[]): readonly string[];
}

function scene(): Scene {
  const folder = freshFolder();
  const roots = names.map((name) => expiredMaster(`kubeadm-ha-expired/${name}`));
  const nodes = names.map((name, index) => `- {name: ${name}, root: ${roots[index] ?? ""}}`);
  const file = join(folder, "prod.yaml");
  const lines = ["apiVersion: perennial/v1", "kind: Cluster", "name: prod", "nodes:", ...nodes, ""];
  writeFileSync(file, lines.join("\n"));
  const [state, out] = [join(folder, "state"), join(folder, "out")];
  mkdirSync(out);
  const trees = (): readonly unknown[] => roots.map((root) => wholeTree(root));
  const words = (...more: readonly string[]): readonly string[] => [
    ...more,
    "-f",
    file,
    "--state-dir",
    state,
  ];
  return { roots, state, out, before: trees(), trees, words };
}

const backUpTo = (place: string): readonly string[] => [
  "--backup-to",
  place,
  "--backup-recipient",
  people.reader.recipient,
];

/** One pair of files of each node; ECDSA, to be quick. */
const renewal = ["renew", "apiserver", "--yes", "--key-algorithm", "ECDSA-P256"] as const;

/** The only run, by its name. */
function runIn({ state }: Scene): string {
  return readdirSync(join(state, "runs"))[0] ?? "";
}

/** What the one archive holds of each node is what that node kept. */
async function expectHeld(here: Scene, file: string): Promise<string> {
  const inside = await unpack(file, people.reader);
  expect(readdirSync(join(inside, "before"))).toEqual([...names]);
  for (const [index, name] of names.entries()) {
    const kept = join(here.roots[index] ?? "", "var/lib/perennial/clusters/prod/runs", runIn(here), "before");
    expect(allFiles(kept)).toContain(`${name}/etc/kubernetes/pki/apiserver.key`);
    expect(wholeTree(join(inside, "before", name))).toEqual(wholeTree(join(kept, name)));
  }
  return inside;
}

/** No text that was printed, and no file of the operator's, holds a private key of a node. */
function expectNoKeysHere({ state }: Scene, pieces: readonly string[], told: CliResult): void {
  const files = allFiles(state).map((path) => readFileSync(join(state, path), "latin1"));
  const text = [told.out, told.err, ...files].join("\n");
  expect(pieces.length).toBeGreaterThan(20);
  expect([text.includes("PRIVATE KEY"), pieces.filter((piece) => text.includes(piece))]).toEqual([false, []]);
}

describe("an encrypted backup of a cluster", () => {
  it("is one file with what every node kept; keys lie nowhere else; the nodes are taken back without it", async () => {
    const here = scene();
    const keys = here.roots.flatMap((root) => [...keyPieces(root)]);
    const result = await runCli(here.words(...renewal, ...backUpTo(here.out)));
    expect(result).toMatchObject({ code: 0, err: "" });
    const name = `perennial-prod-${runIn(here)}.tar.age`;
    expect(readdirSync(here.out)).toEqual([name]);
    expect(lstatSync(join(here.out, name)).mode & 0o7777).toBe(0o600);
    expect(result.out).toMatch(
      /\[back-up\] 4 files kept .*\n\[archive\] encrypted for 1 recipient and read back: .*\n\[issue\] /,
    );
    const inside = await expectHeld(here, join(here.out, name));
    expect(readdirSync(inside)).toEqual(["before", "manifest.json", "plan.json"]);
    const manifest = JSON.parse(readFileSync(join(inside, "manifest.json"), "utf8")) as {
      readonly cluster: string;
      readonly objects: readonly { readonly object: string }[];
    };
    expect([manifest.cluster, manifest.objects.map(({ object }) => object.split(":")[1])]).toEqual([
      "prod",
      [...Array<string>(2).fill("m1"), ...Array<string>(2).fill("m2")],
    ]);
    expectNoKeysHere(here, keys, result);
    rmSync(here.out, { recursive: true });
    expect(await runCli(here.words("rollback", "last", "--yes"))).toMatchObject({ code: 0, err: "" });
    expect(here.trees()).toEqual(here.before);
  });

  it("says in the plan whose keys leave their nodes, in both languages, the digest and the documents", async () => {
    const here = scene();
    const { recipient } = people.reader;
    const shown = `${recipient.slice(0, 16)}...${recipient.slice(-8)}`;
    const words = here.words("plan", "apiserver", ...backUpTo(here.out));
    const place = `${here.out}/perennial-prod-RUN.tar.age`;
    expect((await runCli(words)).out).toContain(
      `  2. archive: keys of m1, m2 leave their nodes, encrypted to ${shown}: what was saved up to here goes to ${place} on this machine and is read back\n`,
    );
    expect((await runCli(words, { lang: "zh" })).out).toContain(
      `  2. 归档（archive）：m1、m2 的私钥为 ${shown} 加密后离开所在节点：以上已保存的内容写到本机的 ${place} 并回读校验\n`,
    );
    const planned = async (more: readonly string[]): Promise<Plan> =>
      JSON.parse((await runCli(here.words("plan", "apiserver", "-o", "json", ...more))).out) as Plan;
    const [plan, other, bare] = [
      await planned(backUpTo(here.out)),
      await planned([...backUpTo(here.out), "--backup-recipient", (await person()).recipient]),
      await planned([]),
    ];
    expect(new Set([plan.digest, other.digest, bare.digest]).size).toBe(3);
    expect(plan.phases.map(({ id, nodes }) => [id, nodes.map(({ node }) => node)]).slice(0, 3)).toEqual([
      ["back-up", ["m1", "m2"]],
      ["archive", ["m1"]],
      ["issue", ["m1", "m2"]],
    ]);
    expect(plan.phases[1]?.nodes[0]?.steps).toEqual([
      {
        kind: "archive",
        id: "m1/archive",
        directory: here.out,
        name: null,
        recipients: [recipient],
        cluster: { name: "prod", keysOf: ["m1", "m2"] },
      },
    ]);
    // Certificates without their keys are no keys; a kubeconfig holds one.
    const kept = await planned(["--keep-key", ...backUpTo(here.out)]);
    expect(kept.phases[1]?.nodes[0]?.steps[0]).toMatchObject({ cluster: { keysOf: [] } });
    const runbook = (await runCli([...words, "--runbook"])).out;
    expect(runbook).toContain("keys of m1, m2 leave their nodes for it");
    expect(runbook).toContain(`age -r ${recipient} -o ${here.out}/perennial-prod-by-hand.tar.age-"$node"`);
    expect(here.trees()).toEqual(here.before);
  });

  it("that cannot be written changes nothing on any node, whenever that shows", async () => {
    const here = scene();
    const saved = join(freshFolder(), "plan.json");
    await runCli(here.words("plan", "apiserver", "--out", saved, ...backUpTo(here.out)));
    rmSync(here.out, { recursive: true });
    const missing = { code: 4, err: expect.stringContaining("there is no such directory") as string };
    expect(await runCli(here.words("plan", ...backUpTo(`${here.out}/`)))).toMatchObject(missing);
    expect(await runCli(here.words("apply", saved, "--yes"))).toMatchObject(missing);
    expect(await runCli(here.words("renew", "--yes", "--backup-to", "x"))).toMatchObject({ code: 2 });
    mkdirSync(here.out);
    const environment = { PERENNIAL_FAILPOINT: "archive.after-write:throw" };
    const failed = await runCli(here.words("apply", saved, "--yes"), { environment });
    expect(failed.code).toBe(1);
    expect([here.trees(), readdirSync(here.out)]).toEqual([here.before, []]);
    for (const root of here.roots) expect([leftovers(root), lockState(root)]).toEqual([[], "free"]);
  });

  it("killed by SIGKILL when it has its name is written anew by resume, once", async () => {
    const here = scene();
    const killed = await spawnCli(here.words(...renewal, ...backUpTo(here.out)), {
      PERENNIAL_FAILPOINT: "archive.after-publish",
    });
    expect(killed).toMatchObject({ signal: "SIGKILL" });
    expect(here.trees()).toEqual(here.before);
    const [name = ""] = readdirSync(here.out);
    const first = readFileSync(join(here.out, name));
    expect(await runCli(here.words("resume"))).toMatchObject({ code: 0, err: "" });
    expect(readdirSync(here.out)).toEqual([name]);
    expect(readFileSync(join(here.out, name)).equals(first)).toBe(false);
    await expectHeld(here, join(here.out, name));
  });
});
