// The state directory behind a shell: the contract in three shells, and the lock over it.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRemoteStateDirectory } from "../../../../src/drivers/shared/remote/state-directory.ts";
import { acquireLock, type Lock, type LockPorts } from "../../../../src/engine/lock.ts";
import { describeStateDirectory } from "../../../contract/state-contract.ts";
import { bytesOf, failure } from "../../../contract/store-contract.ts";
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

describe("a state directory behind a shell", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "perennial-state-"));
    path = join(folder, "lib/perennial");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is refused below a folder that others may write to, and nothing is made", async () => {
    const [host] = hosts;
    if (!host) throw new Error("no shell");
    mkdirSync(join(folder, "lib"));
    const state = openRemoteStateDirectory({ host, path });
    expect(await state.create("a", bytesOf("a"))).toBe(true);
    chmodSync(folder, 0o775);
    const reason = `owned by uid ${process.getuid?.()}, mode 0775`;
    const refused = { code: "state-unsafe", params: { path: folder, fault: "unsafe", reason } };
    expect(await failure(state.read("a"))).toEqual(refused);
    expect(await failure(state.append("b", bytesOf("b")))).toEqual(refused);
    chmodSync(folder, 0o755);
    expect(await state.list("")).toEqual(["a"]);
  });

  it.skipIf(process.geteuid?.() !== 0)(
    "that is root's is refused as such to whoever is not root",
    async () => {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      const other = openLocalShell({ tamper: (script, input) => [`id() { echo 1234; }\n${script}`, input] });
      try {
        const params = { path, fault: "of-root", reason: "owned by uid 0" };
        const state = openRemoteStateDirectory({ host: other, path });
        expect(await failure(state.read("a"))).toEqual({ code: "state-unsafe", params });
      } finally {
        await other.close();
      }
    },
  );

  it("that cannot be looked at is refused with the system's code", async () => {
    const words = "x: cannot stat: Permission denied";
    const blind = openLocalShell({
      tamper: (script, input) => [`stat() { echo '${words}'; return 1; }\n${script}`, input],
    });
    try {
      const params = { path, fault: "not-opened", reason: "EACCES" };
      const state = openRemoteStateDirectory({ host: blind, path });
      expect(await failure(state.read("a"))).toEqual({ code: "state-unsafe", params });
    } finally {
      await blind.close();
    }
  });

  it("says that a sync failed, and leaves no half file (fault 37)", async () => {
    const said = ["dd() { echo 'x: fsync failed: Input/output error' >&2; return 1; }"];
    const failing = openLocalShell({ tamper: (script, input) => [`${said.join("")}\n${script}`, input] });
    try {
      const state = openRemoteStateDirectory({ host: failing, path });
      const params = { operation: "fsync", cause: "EIO" };
      const append = await failure(state.append("journal", bytesOf("1\n")));
      const create = await failure(state.create("plan", bytesOf("{}")));
      for (const error of [append, create])
        expect(error).toMatchObject({ code: "store-write-failed", params });
      expect(readdirSync(path)).toEqual(["journal"]);
    } finally {
      await failing.close();
    }
  });

  it("takes calls of one turn in their order, with one script", async () => {
    const [host] = hosts;
    if (!host) throw new Error("no shell");
    const state = openRemoteStateDirectory({ host, path });
    const before = host.scripts.length;
    await Promise.all(["1\n", "22\n", "333\n"].map((line) => state.append("journal", bytesOf(line))));
    expect(host.scripts.length - before).toBe(1);
    expect(readFileSync(join(path, "journal"), "utf8")).toBe("1\n22\n333\n");
  });
});

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

  function portsOf(pid: number, life: "alive" | "dead", at = path): LockPorts {
    const actor = { user: "root", sudoUser: null, sshConnection: null, host: "m1", bootId: "boot" };
    return {
      state: openRemoteStateDirectory({ host: host!, path: at }),
      processes: {
        self: () => ({ ...actor, pid, processStart: "1" }),
        isAlive: () => life,
      },
      clock: { now: () => 1_795_366_561_947, elapsedMs: () => 0 },
      failpoints: { hit: () => undefined },
    };
  }

  it("is given to one of two who want it at the same time, and to the next when it is free", async () => {
    for (let round = 0; round < 5; round++) {
      const place = `${path}${round}`;
      const [one, two] = [portsOf(1, "alive", place), portsOf(2, "alive", place)];
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
    }
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
