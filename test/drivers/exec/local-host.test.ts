// This machine's shells against the contract of Host: dash, bash as sh, busybox.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { localHost } from "../../../src/drivers/exec/local-host.ts";
import { describeHost } from "../../contract/host-contract.ts";
import { failureOf } from "../../support/failures.ts";

const folder = mkdtempSync(join(tmpdir(), "shells-"));
/** bash is another one under this name: CentOS has it so. */
const bashAsSh = join(folder, "sh");
symlinkSync("/bin/bash", bashAsSh);
afterAll(() => rmSync(folder, { recursive: true }));

const shells: readonly (readonly [string, readonly [string, ...string[]]])[] = [
  ["dash", ["dash"]],
  ["bash as sh", [bashAsSh]],
  ["busybox", ["busybox", "sh"]],
];

for (const [name, shell] of shells) {
  if (spawnSync(shell[0], [...shell.slice(1), "-c", ":"]).status !== 0) continue;
  describeHost(name, () => {
    const host = localHost({ name: "here", shell });
    return Promise.resolve({ host, close: () => host.close() });
  });
}

describe("a local shell", () => {
  it("does not exist", async () => {
    const host = localHost({ name: "bare", shell: ["/nonexistent/sh"] });
    expect(await failureOf(host.sh(":"))).toMatchObject({ code: "host-unfit", missing: ["sh"] });
    await host.close();
    expect(await failureOf(host.sh(":"))).toEqual({
      code: "host-lost",
      host: "bare",
      reason: "it was closed",
    });
  });

  it("is not fooled by variables of its environment that have the loop's names, nor by TMOUT and IFS", async () => {
    const env = {
      PATH: process.env["PATH"],
      TMOUT: "1",
      IFS: "abc",
      w: "x",
      l: "y",
      CDPATH: "/tmp",
      LC_ALL: "de_DE.UTF-8",
    };
    const host = localHost({ name: "here", shell: [bashAsSh], env, shells: 1 });
    const pid = (await host.sh("echo $$")).stdout;
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect((await host.sh("echo $$")).stdout).toEqual(pid);
    await host.close();
  });
});
