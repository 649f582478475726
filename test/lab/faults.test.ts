// What goes wrong between three masters with IPv6 addresses, one fault after the other on one lab: each is refused, or stops where it is
// and goes on. The members' own faults are in member-faults.test.ts.
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { canHaveRooms } from "../../src/lab/rooms.ts";
import { FaultLab, masters } from "../support/fault-lab.ts";
import { hasEtcd } from "../support/etcd-server.ts";

const lab = new FaultLab("faults");
const long = { timeout: 900_000 };

const scheduler = "etc/kubernetes/scheduler.conf";
const client = "etc/kubernetes/pki/etcd/healthcheck-client";
const renewal = ["renew", "scheduler.conf", "--yes"] as const;

/** Programs of the host's own come first in its PATH. */
function replaceProgram(host: string, name: string, script: string): () => void {
  const path = lab.path(host, `lab/sbin/${name}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return () => rmSync(path);
}

describe.skipIf(!hasEtcd || !canHaveRooms()).sequential("three masters with something wrong", () => {
  beforeAll(async () => {
    expect(await lab.up("--ipv6")).toMatchObject({ code: 0, err: "" });
  }, 900_000);
  afterAll(() => lab.down(), 60_000);
  // One fault is not the next test's.
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") await lab.heal();
  }, 900_000);

  it("fault 36: one clock is ten minutes ahead: refused before anything, the node named", long, async () => {
    const before = lab.files(scheduler);
    const repair = replaceProgram("m2", "date", 'exec /bin/date -d "+600 seconds" "$@"');
    const { code, err } = await lab.perennial(...renewal);
    repair();
    expect({ code, err }).toMatchObject({ code: 4, err: expect.stringContaining("m2") });
    expect(err).toMatch(/clock/);
    expect(lab.files(scheduler)).toEqual(before);
  });

  it(
    "fault 12: a file was changed since the plan: it is named, as data with both hashes, and nothing is written",
    long,
    async () => {
      const plan = await lab.hurriedPlan({ gate: 30 }, "scheduler.conf");
      const path = lab.path("m2", scheduler);
      copyFileSync(path, `${path}.kept`);
      const planned = lab.hash("m2", scheduler);
      appendFileSync(path, "# a colleague was here\n");
      const before = lab.files(scheduler);
      const { code, err } = await lab.perennial("apply", plan, "--yes");
      expect(code).toBe(4);
      expect(err).toContain(`the plan is stale: m2:/${scheduler}: other content`);
      const data = await lab.perennial("apply", plan, "--yes", "-o", "json");
      const found = before[`m2/${scheduler}`] ?? "";
      expect(data.out).toContain(`"what":"bytes","planned":"${planned}","found":"${found}"`);
      expect(lab.files(scheduler)).toEqual(before);
      execFileSync("mv", [`${path}.kept`, path]);
    },
  );

  it(
    "fault 38: the files of one node cannot be written: found on all nodes before anything",
    long,
    async () => {
      const before = lab.files(scheduler);
      const folder = "/etc/kubernetes";
      lab.ssh("m3", `mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder}`);
      const readOnly = await lab.perennial(...renewal);
      lab.ssh("m3", `umount ${folder}`);
      expect(readOnly.code).not.toBe(0);
      expect(readOnly.err).toMatch(/m3.*(EROFS|read-only)/is);
      const repair = replaceProgram("m3", "sudo", "echo 'root is not in the sudoers file.' >&2; exit 1");
      const file = join(lab.dir, "sudo.yaml");
      const text = readFileSync(lab.file, "utf8");
      writeFileSync(file, text.replace(/(name: m3[\s\S]*?\n      user: root\n)/, "$1      sudo: true\n"));
      const noSudo = await lab.on(file, renewal);
      repair();
      expect(noSudo.code).toBe(4);
      expect(noSudo.err).toMatch(/m3 cannot be reached.*sudo/s);
      expect(lab.files(scheduler)).toEqual(before);
    },
  );

  it(
    "a colleague is at work: told who, since when and on what; his killed run is ended from a node's copy, and cannot wake up",
    long,
    async () => {
      const before = lab.files(scheduler);
      const colleague = await lab.heldAt("run.after-all-staged:1", renewal, lab.otherState);
      const kept = await lab.perennial(...renewal);
      expect(kept.code).toBe(5);
      expect(kept.err).toMatch(/lock.*renew by .* since/s);
      colleague.kill();
      await colleague.ended;
      const refused = await lab.perennial(...renewal);
      expect(refused.code).toBe(6);
      expect(refused.err).toMatch(/run \S+ was cut off and must be ended.*perennial resume/s);
      expect(lab.files(scheduler)).toEqual(before);
      expect(await lab.perennial("rollback", "last", "--yes")).toMatchObject({ code: 0, err: "" });
      expect(await lab.perennial(...renewal)).toMatchObject({ code: 0, err: "" });
      const ours = lab.files(scheduler);
      const woken = await lab.on(lab.file, ["resume"], {}, lab.otherState);
      expect(lab.files(scheduler)).toEqual(ours);
      expect({ code: woken.code, err: woken.err }).toEqual({ code: 0, err: "" });
    },
  );

  it("fault 17: one of three cannot be reached: refused, or done without it and told so", long, async () => {
    const [, second] = lab.order();
    const before = lab.files(scheduler);
    lab.link(second, "down");
    const refused = await lab.perennial(...renewal);
    const skipped = await lab.perennial(...renewal, "--skip-unreachable");
    lab.link(second, "up");
    expect(refused.code).toBe(4);
    expect(refused.err).toContain(`${second} cannot be reached`);
    expect(refused.err).toContain("--skip-unreachable");
    expect(skipped.code).toBe(0);
    expect(skipped.out).toContain(second);
    const after = lab.files(scheduler);
    for (const host of masters) {
      const name = `${host}/${scheduler}`;
      expect(after[name] === before[name]).toBe(host === second);
    }
    await lab.untilWell();
  });

  it(
    "fault 19: a member is down before the start: the gate says which, and the arithmetic",
    long,
    async () => {
      const [first, , last] = lab.order();
      const before = lab.files(scheduler);
      lab.ssh(last, "systemctl stop kubelet");
      lab.kill(last, "etcd");
      const plan = await lab.hurriedPlan({ gate: 3 }, "scheduler.conf");
      const gated = await lab.perennial("apply", plan, "--yes");
      expect(gated.code).toBe(6);
      expect(gated.err).toContain("nothing was stopped; get the members well first");
      expect(gated.err).toContain(`the member on ${last} does not answer`);
      expect(gated.err).toContain("only 2 of 3 voters are healthy and 2 are needed (3/2+1=2)");
      expect(gated.err).toContain("perennial resume");
      expect(gated.out).not.toContain(`${first} kube-scheduler: stopping`);
      expect(lab.files(scheduler)).toEqual(before);
      lab.ssh(last, "systemctl start kubelet");
      await lab.untilWell();
      expect(await lab.perennial("resume")).toMatchObject({ code: 0, err: "" });
    },
  );

  it("fault 22: a NOSPACE alarm and a learner: the gate names both, and how they go", long, async () => {
    const before = lab.files(scheduler);
    const plan = await lab.hurriedPlan({ gate: 3 }, "scheduler.conf");
    const added = lab.etcd(
      "m1",
      "member",
      "add",
      "newcomer",
      "--learner",
      "--peer-urls=https://[fd00::99]:2380",
    );
    const [, learner = ""] = /Member\s+([0-9a-f]+) added/.exec(added) ?? [];
    await lab.raiseNoSpace("m2");
    const { code, err } = await lab.perennial("apply", plan, "--yes");
    lab.etcd("m1", "alarm", "disarm");
    lab.etcd("m1", "member", "remove", learner);
    expect(code).toBe(6);
    expect(err).toContain("alarm NOSPACE of member m2 (");
    expect(err).toContain(`member ${learner} is a learner`);
    expect(err).toContain("etcdctl alarm disarm");
    expect(lab.files(scheduler)).toEqual(before);
    await lab.untilWell();
    expect(await lab.perennial("rollback", "last", "--yes")).toMatchObject({ code: 0 });
    expect(lab.files(scheduler)).toEqual(before);
  });

  it(
    "faults 31, 33: tool and far shell die between the halves of a pair over a slow link: resume goes on, no node is done twice",
    long,
    async () => {
      const [first, second, last] = lab.order();
      const pair = [`${client}.key`, `${client}.crt`];
      const before = lab.files(...pair);
      lab.slow(second);
      // The far shell waits before the second half, and dies when the test says so.
      const held = lab.path(second, "run/held");
      const repair = replaceProgram(
        second,
        "mv",
        'case "$PWD $*" in "/etc/kubernetes/pki/etcd "*healthcheck-client.crt)\n' +
          "  : >/run/held; while [ -e /run/held ]; do sleep 0.1; done; kill -9 0 ;;\nesac\n" +
          'exec /bin/mv "$@"',
      );
      const words = ["renew", "etcd-healthcheck-client", "--yes"];
      const tool = lab.start(words);
      await expect.poll(() => existsSync(held), { timeout: 120_000, interval: 50 }).toBe(true);
      tool.child.kill("SIGKILL");
      expect(await tool.ended).toMatchObject({ signal: "SIGKILL" });
      rmSync(held);
      repair();
      const cut = lab.files(...pair);
      expect(cut[`${second}/${client}.key`]).not.toBe(before[`${second}/${client}.key`]);
      expect(cut[`${second}/${client}.crt`]).toBe(before[`${second}/${client}.crt`]);
      expect(cut[`${last}/${client}.key`]).toBe(before[`${last}/${client}.key`]);
      const again = await lab.perennial(...words);
      expect(again.code).toBe(6);
      expect(again.err).toContain("perennial resume");
      expect(await lab.perennial("resume")).toMatchObject({ code: 0, err: "" });
      lab.quick(second);
      const after = lab.files(...pair);
      for (const name of pair) expect(after[`${first}/${name}`]).toBe(cut[`${first}/${name}`]);
      expect(Object.keys(after).filter((name) => after[name] === before[name])).toEqual([]);
      for (const host of masters) lab.etcd(host, "endpoint", "health");
    },
  );

  it(
    "fault 33: killed behind a stopped process: resume sees to it first; killed between two nodes: rollback takes all back",
    long,
    async () => {
      const [, second] = lab.order();
      expect(await lab.killedAt("run.after-stop:2", ...renewal)).toMatchObject({ signal: "SIGKILL" });
      const { code, out } = await lab.perennial("resume");
      expect(code).toBe(0);
      expect(/\[restart\] (\S+) kube-scheduler: /.exec(out)?.[1]).toBe(second);
      const before = lab.files(scheduler);
      expect(await lab.killedAt("run.after-gate:2", ...renewal)).toMatchObject({ signal: "SIGKILL" });
      expect(await lab.perennial("rollback", "last", "--yes")).toMatchObject({ code: 0, err: "" });
      expect(lab.files(scheduler)).toEqual(before);
    },
  );

  it(
    "fault 35: somebody writes the same file in mid-roll: his bytes stay, the others are not touched",
    long,
    async () => {
      const [first, second, last] = lab.order();
      const before = lab.files(scheduler);
      const run = await lab.heldAt("run.before-swap:2", renewal);
      const path = lab.path(second, scheduler);
      copyFileSync(path, `${path}.kept`);
      appendFileSync(path, "# a colleague was here\n");
      const his = lab.hash(second, scheduler);
      run.letGo();
      const { code, err } = await run.ended;
      expect(code).toBe(6);
      expect(err).toContain(`${second} did not come through`);
      expect(err).toContain(`done and proved: ${first}`);
      expect(lab.hash(second, scheduler)).toBe(his);
      expect(lab.hash(last, scheduler)).toBe(before[`${last}/${scheduler}`]);
      const done = lab.hash(first, scheduler);
      execFileSync("mv", [`${path}.kept`, path]);
      expect(await lab.perennial("resume")).toMatchObject({ code: 0, err: "" });
      expect(lab.hash(first, scheduler)).toBe(done);
    },
  );

  it(
    "fault 16: the way to a node is cut in mid-roll: the others stay, the error says how far it came, resume goes on",
    long,
    async () => {
      const [first, second, last] = lab.order();
      const before = lab.files(scheduler);
      const run = await lab.heldAt("run.before-bounce:2", renewal);
      await lab.blockSsh(second);
      run.letGo();
      const { code, err } = await run.ended;
      expect(code).toBe(6);
      expect(err).toContain(`${second} did not come through`);
      expect(err).toContain("it could not be taken back either");
      expect(err).toContain(`done and proved: ${first}`);
      expect(err).toContain("perennial resume");
      const cut = lab.files(scheduler);
      expect(cut[`${first}/${scheduler}`]).not.toBe(before[`${first}/${scheduler}`]);
      expect(cut[`${last}/${scheduler}`]).toBe(before[`${last}/${scheduler}`]);
      lab.openSsh(second);
      await expect.poll(() => lab.canLogIn(second), { timeout: 180_000, interval: 200 }).toBe(true);
      expect(await lab.perennial("resume")).toMatchObject({ code: 0, err: "" });
      expect(lab.hash(first, scheduler)).toBe(cut[`${first}/${scheduler}`]);
      expect(lab.hash(last, scheduler)).not.toBe(before[`${last}/${scheduler}`]);
    },
  );

  it("come back from an outage over IPv6, though the tool was killed in the middle of it", long, async () => {
    await lab.untilWell();
    expect(await lab.outage()).toMatchObject({ code: 0 });
    const killed = await lab.killedAt("run.after-bounce:2", "renew", "--yes");
    expect(killed).toMatchObject({ signal: "SIGKILL" });
    expect(await lab.perennial("resume")).toMatchObject({ code: 0, err: "" });
    await lab.untilWell();
    expect(await lab.status()).toMatchObject({ etcd: { healthy: 3 }, apiServers: { healthy: 3 } });
  });
});
