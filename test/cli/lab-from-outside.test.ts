// `lab expire`, `status` and `down` on what is no lab of this machine: a host's own view of it has the root `/`.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { freshFolder } from "../support/fixtures.ts";
import { snapshotTree } from "../support/tree.ts";

describe.each([
  ["lab of one host", {}],
  ["lab of several hosts", { network: { kind: "files", link: null } }],
])("the directory of a %s", (_, more) => {
  let folder: string;
  let elsewhere: string;
  let dir: string;
  beforeEach(() => {
    folder = freshFolder();
    elsewhere = join(folder, "machine");
    dir = join(folder, "lab");
    mkdirSync(join(elsewhere, "etc/kubernetes/pki"), { recursive: true });
    writeFileSync(join(elsewhere, "etc/kubernetes/pki/ca.crt"), "not yours\n");
    mkdirSync(dir);
  });

  const describeLab = (host: object): void =>
    writeFileSync(
      join(dir, "lab.json"),
      JSON.stringify({ id: "x", pace: 1, runtime: "cri", assets: null, ...more, hosts: [host] }),
    );

  async function expectRefused(command: string): Promise<void> {
    const before = snapshotTree(folder);
    const { code, out, err } = await runCli(["lab", command, "--dir", dir]);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain(
      `${join(dir, "lab.json")} could not be read: a root outside of the lab's directory: `,
    );
    expect(snapshotTree(folder)).toEqual(before);
  }

  it.each(["down", "expire", "status"])(
    "with a host whose root lies outside: %s touches nothing",
    async (command) => {
      describeLab({ name: "m1", ports: {}, root: elsewhere });
      await expectRefused(command);
    },
  );

  it.each(["..", "../machine", "."])("with a host called %s: nothing is removed", async (name) => {
    describeLab({ name, ports: {} });
    await expectRefused("down");
  });

  it("with a host's folder that is a link out of it: nothing is expired", async () => {
    symlinkSync(elsewhere, join(dir, "m1"));
    describeLab({ name: "m1", ports: {} });
    await expectRefused("expire");
  });

  it("with something else in its file is no lab", async () => {
    writeFileSync(join(dir, "lab.json"), "{}");
    const { code, err } = await runCli(["lab", "down", "--dir", dir]);
    expect(code).toBe(1);
    expect(err).toContain("could not be read: it describes no lab");
  });
});
