// Facts of a host: they are this machine's, and the bounds of its clock hold.
import { readFileSync, statSync } from "node:fs";
import { hostname, machine, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { diskSpaceAt } from "../../../../src/drivers/shared/disk-space.ts";
import { remoteFacts } from "../../../../src/drivers/shared/remote/facts.ts";
import { failure } from "../../../contract/store-contract.ts";
import { hasShell, openLocalShell, type ShellName } from "../../../support/local-shell.ts";

const shells: readonly ShellName[] = ["dash", "bash", "busybox"];

describe.each(shells.filter(hasShell))("facts of a host, %s", (shell) => {
  const host = openLocalShell({ shell });
  afterAll(() => host.close());

  it("are this machine's, in one script", async () => {
    const folder = tmpdir();
    const paths = [join(folder, "not/yet there"), "/proc"];
    const facts = await remoteFacts(host, { paths });
    const space = diskSpaceAt(folder);
    expect(facts).toMatchObject({
      hostname: hostname(),
      machine: machine(),
      bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
      uid: process.getuid?.(),
      isRoot: process.getuid?.() === 0,
      missing: [],
      disks: [
        { path: folder, device: space.device, blockBytes: space.blockBytes },
        { path: "/proc", device: statSync("/proc").dev, freeBytes: null, freeFiles: null },
      ],
    });
    expect(Math.abs((facts.disks[0]?.freeBytes ?? 0) - (space.freeBytes ?? 0))).toBeLessThan(1e9);
    expect(host.scripts).toHaveLength(1);
  });

  it("bound how far the host's clock is ahead", async () => {
    const lateMs = 600_000;
    const { clock } = await remoteFacts(host, { now: () => Date.now() - lateMs });
    expect(clock.aheadAtLeastMs).toBeLessThanOrEqual(lateMs);
    expect(clock.aheadAtMostMs).toBeGreaterThanOrEqual(lateMs);
    expect(clock.aheadAtMostMs - clock.aheadAtLeastMs).toBeLessThan(10_000);
  });
});

describe("facts of a poor host", () => {
  const folder = "/nowhere";
  const host = openLocalShell({ tamper: (script, input) => [`PATH=${folder}\n${script}`, input] });
  afterAll(() => host.close());

  it("that has no programs are an error and not root", async () => {
    expect(await failure(remoteFacts(host))).toEqual({
      code: "command-failed",
      params: { command: "sh", reason: "dash: no answer" },
    });
  });
});
