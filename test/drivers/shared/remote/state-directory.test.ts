// The state directory behind a shell: the contract in three shells, and the lock over it.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRemoteStateDirectory } from "../../../../src/drivers/shared/remote/state-directory.ts";
import { acquireLock, type Lock, type LockPorts } from "../../../../src/engine/lock.ts";
import { describeStateDirectory } from "../../../contract/state-contract.ts";
import { failure } from "../../../contract/store-contract.ts";
import { hasShell, openLocalShell, type ShellName } from "../../../support/local-shell.ts";

const shells: readonly ShellName[] = ["dash", "bash", "busybox"];
const hosts = shells.filter(hasShell).map((shell) => openLocalShell({ shell }));
afterAll(async () => {
  for (const host of hosts) await host.close();
});

for (const host of hosts) {
  const timeUnitMs = host.name === "busybox" ? 1000 : 0.5;
  describeStateDirectory(`remote, ${host.name}`, (path) => openRemoteStateDirectory({ host, path }), {
    rivals: 5,
    timeUnitMs,
  });
}

describe("the lock over a state directory behind a shell", () => {
  const [host] = hosts;
  if (!host) throw new Error("no shell");
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "perennial-lock-"));
    path = join(folder, "perennial");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function portsOf(pid: number, life: "alive" | "dead"): LockPorts {
    const actor = { user: "root", sudoUser: null, sshConnection: null, host: "m1", bootId: "boot" };
    return {
      state: openRemoteStateDirectory({ host: host!, path }),
      processes: {
        self: () => ({ ...actor, pid, processStart: "1" }),
        isAlive: () => life,
      },
      clock: { now: () => 1_795_366_561_947 },
      failpoints: { hit: () => undefined },
    };
  }

  it("is given to one of two who want it at the same time, and to the next when it is free", async () => {
    const [one, two] = [portsOf(1, "alive"), portsOf(2, "alive")];
    const ends = await Promise.allSettled([
      acquireLock(one, { what: "renew" }),
      acquireLock(two, { what: "renew" }),
    ]);
    const locks = ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
    expect(locks).toHaveLength(1);
    const lost = ends.find((end) => end.status === "rejected");
    expect(lost?.reason).toMatchObject({ code: "locked", params: { host: "m1", what: "renew" } });
    const [lock] = locks as [Lock];
    await lock.fence();
    await lock.release();
    const next = await acquireLock(two, { what: "rollback" });
    expect(next.token).toBeGreaterThan(lock.token);
    expect((await failure(lock.fence())).code).toBe("lock-lost");
    await next.release();
  });

  it("of a dead holder is taken over, and its fence fails from then on", async () => {
    const old = await acquireLock(portsOf(1, "alive"), { what: "renew" });
    const thief = await acquireLock(portsOf(2, "dead"), { what: "resume" });
    expect(await failure(old.fence())).toMatchObject({
      code: "lock-lost",
      params: { path: `${path}/lock`, token: 1, found: 2 },
    });
    await thief.fence();
    expect(readdirSync(join(path, "lock"))).toEqual(["00000001", "00000002"]);
  });
});
