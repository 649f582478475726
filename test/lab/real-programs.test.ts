// The lab with Kubernetes' own programs where they are: what the stand-ins promise of them is what they do.
import { existsSync, mkdtempSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readLab } from "../../src/lab/places.ts";
import { processesOf } from "../../src/lab/processes.ts";
import { labStatus } from "../../src/lab/status.ts";
import { type ProcessResult, spawnCli } from "../support/cli.ts";
import { hasEtcd } from "../support/etcd-server.ts";

const programs = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const;
const assets = process.env["KUBEBUILDER_ASSETS"] ?? "";
const isHere = hasEtcd && assets !== "" && programs.every((name) => existsSync(join(assets, name)));
const dir = join(mkdtempSync(join(tmpdir(), "rp-")), "l");
const root = join(dir, "m1");

const lab = (...words: readonly string[]): Promise<ProcessResult> =>
  spawnCli(["lab", ...words, "--dir", dir], { KUBEBUILDER_ASSETS: assets });

async function sick(): Promise<readonly string[]> {
  const [host] = await labStatus(readLab(dir));
  return host?.parts.filter(({ ailment }) => ailment !== null).map(({ name }) => name) ?? [];
}

/** What is really run under that name. */
function executables(): readonly string[] {
  const found = processesOf(readLab(dir)).filter(({ name }) => programs.some((each) => each === name));
  return found.map(({ pid }) => readlinkSync(`/proc/${pid}/exe`)).sort();
}

const reason = isHere ? "" : " (skipped: etcd or the programs in KUBEBUILDER_ASSETS are not here)";

describe.skipIf(!isHere).sequential(`a lab with the real API server${reason}`, () => {
  beforeAll(async () => {
    expect(await lab("up", "--pace", "0.1", "--key-algorithm", "ECDSA-P256")).toMatchObject({
      code: 0,
      err: "",
    });
  }, 900_000);

  afterAll(() => lab("down"));

  it("runs what the folder has, and everything is well", async () => {
    expect(executables()).toEqual(programs.map((name) => join(assets, name)));
    expect(await sick()).toEqual([]);
  });

  it("dies with its certificates and is brought back by one command", { timeout: 900_000 }, async () => {
    expect((await lab("expire")).code).toBe(0);
    expect(await sick()).toContain("kube-apiserver");
    const renewed = await spawnCli(["renew", "--yes", "--root", root, "--probe"]);
    expect(renewed).toMatchObject({ code: 0, err: "" });
    expect(renewed.out).toContain("the API accepts writes");
    expect(await sick()).toEqual([]);
    expect(executables()).toEqual(programs.map((name) => join(assets, name)));
  });
});
