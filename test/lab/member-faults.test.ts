// Three members of an etcd that reads its certificates once, so that each has to be stopped: in which order, what is lost, what is left
// when a member or the tool dies in between, and what two members may do.
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { encodeMessage } from "../../src/drivers/shared/protobuf.ts";
import { canHaveRooms } from "../../src/lab/rooms.ts";
import { FaultLab, masters } from "../support/fault-lab.ts";
import { hasEtcd } from "../support/etcd-server.ts";

const lab = new FaultLab("members");
const long = { timeout: 900_000 };

const served = "etc/kubernetes/pki/etcd/server.crt";
const renewal = ["renew", "etcd-server", "--yes"] as const;

/** Hosts whose member is stopped, in order. */
function stopped(out: string): readonly string[] {
  return [...out.matchAll(/^\[restart\] (\S+) etcd: stopping$/gm)].map(([, host = ""]) => host);
}

interface Writer {
  /** Keys of which etcd has said that they are written. */
  stop(): Promise<readonly string[]>;
}

/** Writes one key after the other, through another member when one does not take it. */
function startWriter(): Writer {
  const members = masters.map((host) => lab.grpc(host));
  const acknowledged: string[] = [];
  const over = new AbortController();
  const write = async (): Promise<void> => {
    for (let count = 0; !over.signal.aborted; count++) {
      const key = `/trial/${count}`;
      const request = encodeMessage([
        [1, "bytes", key],
        [2, "bytes", key],
      ]);
      const member = members[count % members.length];
      const isWritten = await member?.unary("/etcdserverpb.KV/Put", request, { deadlineMs: 2000 }).then(
        () => true,
        // Not acknowledged: it may be there or not.
        () => false,
      );
      if (isWritten === true) acknowledged.push(key);
      await sleep(5);
    }
  };
  const running = write();
  return {
    stop: async () => {
      over.abort();
      await running;
      for (const member of members) member.close();
      return acknowledged;
    },
  };
}

/** On `host`, a member that does not start with any server certificate but the one it has now. */
function dislikeNewCertificates(host: string): () => void {
  const good = lab.hash(host, served);
  // The lab knows its processes by their first word.
  const text = `#!/bin/bash
for word; do
  case $word in --cert-file=*) file=\${word#*=} ;; esac
done
case $(sha256sum <"$file") in
  ${good}*) exec -a etcd /usr/bin/etcd "$@" ;;
esac
echo "this certificate is not to my taste"
sleep 1
exit 1
`;
  const path = lab.path(host, "lab/bin/etcd");
  lab.ssh(host, "umount -l /lab/bin/etcd");
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return () => {
    rmSync(path);
    writeFileSync(path, '#!/bin/bash\nexec -a etcd /usr/bin/etcd "$@"\n');
    chmodSync(path, 0o755);
  };
}

describe.skipIf(!hasEtcd || !canHaveRooms()).sequential("three members that have to be stopped", () => {
  beforeAll(async () => {
    expect(await lab.up("--etcd-31")).toMatchObject({ code: 0, err: "" });
  }, 900_000);
  afterAll(() => lab.down(), 60_000);
  // One fault is not the next test's.
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") await lab.heal();
  }, 900_000);

  it(
    "are stopped one by one, followers first, the leader once another one leads; no acknowledged write is lost",
    long,
    async () => {
      const [, , leader] = lab.order();
      const before = lab.files(served);
      const writer = startWriter();
      const { code, out, err } = await lab.perennial(...renewal);
      const written = await writer.stop();
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(stopped(out)).toHaveLength(3);
      expect(stopped(out).at(-1)).toBe(leader);
      expect(out.indexOf(`leadership moved from ${leader} to `)).toBeLessThan(
        out.indexOf(`${leader} etcd: stopping`),
      );
      expect(out).toContain(`leadership moved from ${leader} to `);
      expect(written.length).toBeGreaterThan(10);
      const found = lab.etcd("m1", "get", "--prefix", "/trial/", "--keys-only").split("\n");
      expect(written.filter((key) => !found.includes(key))).toEqual([]);
      const after = lab.files(served);
      expect(Object.keys(after).filter((name) => after[name] === before[name])).toEqual([]);
    },
  );

  it(
    "fault 32: the tool is killed between stop and start of a member: resume sees to that member first",
    long,
    async () => {
      const [first, second, last] = lab.order();
      const killed = await lab.killedAt("run.after-stop:2", ...renewal);
      expect(killed).toMatchObject({ signal: "SIGKILL" });
      expect(stopped(killed.out)).toEqual([first, second]);
      const { code, out } = await lab.perennial("resume");
      expect(code).toBe(0);
      expect(/^\[restart\] (\S+) etcd: /m.exec(out)?.[1]).toBe(second);
      expect(stopped(out)).not.toContain(first);
      expect([...out.matchAll(/\[roll\] (m\d) is done and proved/g)].map(([, host]) => host)).toEqual([
        second,
        last,
      ]);
      await lab.untilWell();
    },
  );

  it(
    "a member is killed in mid-roll: the gate waits until it is back, and no other is stopped before",
    long,
    async () => {
      const [first] = lab.order();
      const run = await lab.heldAt("run.before-gate:3", renewal);
      lab.kill(first, "etcd");
      run.letGo();
      expect(await run.ended).toMatchObject({ code: 0, err: "" });
      await lab.untilWell();
    },
  );

  it(
    "fault 20: a member does not come back: its node alone is taken back and well again, the others stay",
    long,
    async () => {
      const [first, second, last] = lab.order();
      const plan = await lab.hurriedPlan({ gate: 30, bounce: 8 }, "etcd-server");
      const before = lab.files(served);
      const repair = dislikeNewCertificates(second);
      const { code, out, err } = await lab.perennial("apply", plan, "--yes");
      expect(code).toBe(6);
      expect(err).toContain(`${second} did not come through (step ${second}/`);
      expect(err).toContain("it was taken back alone");
      expect(err).toContain(`done and proved: ${first}`);
      expect(err).toContain("etcd has");
      expect(stopped(out)).not.toContain(last);
      const after = lab.files(served);
      expect(after[`${first}/${served}`]).not.toBe(before[`${first}/${served}`]);
      expect(after[`${second}/${served}`]).toBe(before[`${second}/${served}`]);
      expect(after[`${last}/${served}`]).toBe(before[`${last}/${served}`]);
      await lab.untilWell();
      for (const host of masters) lab.etcd(host, "endpoint", "health");
      repair();
      expect(await lab.perennial("resume")).toMatchObject({ code: 0, err: "" });
      expect(lab.hash(first, served)).toBe(after[`${first}/${served}`]);
      expect(lab.hash(second, served)).not.toBe(before[`${second}/${served}`]);
    },
  );

  it(
    "fault 22: of two members none can be spared: refused with the arithmetic, done once the outage is accepted",
    long,
    async () => {
      const list = lab.etcd("m1", "member", "list");
      const [, id = ""] = /^([0-9a-f]+), started, m3,/m.exec(list) ?? [];
      lab.ssh("m3", "systemctl stop kubelet");
      // etcd takes no member out of a cluster whose members have not been in touch for five seconds (strict-reconfig-check).
      await expect
        .poll(() => lab.isDone("m1", "member", "remove", id), { timeout: 180_000, interval: 500 })
        .toBe(true);
      const file = join(lab.dir, "two.yaml");
      const text = readFileSync(lab.file, "utf8");
      writeFileSync(file, text.replace(/ {2}- name: m3\n(?: {4}.*\n)*/, ""));
      const before = lab.files(served);
      const refused = await lab.on(file, renewal);
      expect(refused.code).toBe(4);
      expect(refused.err).toContain("--accept-outage");
      expect(refused.err).toMatch(/2 of 2|2\/2/);
      expect(lab.files(served)).toEqual(before);
      expect(await lab.on(file, [...renewal, "--accept-outage"])).toMatchObject({ code: 0, err: "" });
      for (const host of ["m1", "m2"]) {
        expect(lab.hash(host, served)).not.toBe(before[`${host}/${served}`]);
        lab.etcd(host, "endpoint", "health");
      }
    },
  );
});
