// The bare command and what it sends to: it counts what there is, and no way that it names is a dead end.
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Address } from "../../src/core/model/address.ts";
import { check } from "../../src/core/policy/check.ts";
import type { Facts } from "../../src/core/policy/facts.ts";
import { diagnose } from "../../src/core/policy/diagnose/diagnose.ts";
import { checkResult } from "../../src/app/check.ts";
import { nodeKnowledge } from "../../src/app/node-knowledge.ts";
import { renderOverview } from "../../src/report/overview-text.ts";
import { renderCheck } from "../../src/report/check-text.ts";
import { factsOf } from "../support/control-plane.ts";
import { runCli } from "../support/cli.ts";
import { fixture } from "../support/fixtures.ts";

const now = Date.UTC(2026, 10, 22, 16);

describe("a master of several whose members have all expired", () => {
  it("is sent to its cluster by the overview and by the plan", async () => {
    const root = fixture("kubeadm-ha-expired/m3");
    const { out } = await runCli(["--root", root], { now });
    expect(out).toContain("Recovery: etcd has 3 members");
    expect(out).toContain(`Next: perennial init --root ${root}; then perennial renew -f cluster.yaml`);
    const plan = await runCli(["plan", "--root", root], { now });
    expect(plan.out).toContain("etcd has 3 members and this one's certificates have expired");
    expect(plan.out).not.toContain("one node at a time");
    expect((await runCli(["plan", "--root", root], { now, lang: "zh" })).out).toContain("etcd 有 3 个成员");
  });

  it("is renewed alone where it is the only member that its manifest names", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    const { out } = await runCli(["--root", root], { now });
    expect(out).toContain(`Next: perennial plan --root ${root}\n`);
  });
});

describe("the first line", () => {
  it("counts no certificate for a run that was cut off", async () => {
    const facts = await factsOf(fixture("kubeadm-valid/m1"), now);
    const stored = checkResult(facts, { withinMs: 0, root: "/" });
    const run = "20261122T160000Z-aabbcc";
    const address = { store: "file", node: "m1", path: `/var/lib/perennial/runs/${run}` };
    const cutOff = {
      code: "run-unfinished",
      severity: "critical",
      node: "m1",
      slot: null,
      name: run,
    } as const;
    const findings = [...stored.findings, { ...cutOff, address, params: { run } }];
    const options = { lang: "en", hasColor: false, width: null } as const;
    const text = renderOverview({ ...stored, findings }, [], options);
    expect(text).toMatch(/^1 matter needs attention \(m1\)\n/);
    expect(text).toContain("Next: perennial resume\n");
  });
});

describe("the way back", () => {
  it("for files that a renewal makes again is a renewal, with the CA that it puts back", async () => {
    const root = fixture("kubeadm-half-done/m1");
    const { out } = await runCli(["--root", root], { now });
    expect(out).toMatch(/^Recovery: renew 11 certificates/m);
    expect(out).not.toContain("bring back what is missing");
    const command = `plan --recreate-authority front-proxy-ca --root ${root}`;
    expect(out).toContain(`Next: perennial ${command}\n`);
    expect((await runCli(command.split(" "), { now })).out).toMatch(
      /^Plan: 1[1-9] to renew, 1 to follow, 0 to keep\.$/m,
    );
  });

  it("for certificates whose CA signs elsewhere is a request", async () => {
    const root = fixture("kubeadm-external-ca-expired/m1");
    const { out } = await runCli(["--root", root], { now });
    expect(out).toMatch(/^Recovery: renew 5 certificates/m);
    expect(out).toMatch(/^Recovery: 5 certificates are signed by a CA whose key is not on this node/m);
    expect(out).toContain(`then perennial renew --csr-dir DIR --root ${root}`);
  });

  it("for a CA of etcd that is gone is no renewal", async () => {
    const root = fixture("kubeadm-ha-expired/m3");
    rmSync(join(root, "etc/kubernetes/pki/etcd/ca.crt"));
    expect((await runCli(["--root", root], { now })).out).toMatch(/^Recovery: bring back what is missing/m);
  });
});

describe("a front-proxy CA that is gone", () => {
  it("is told with the word that puts it back, by check and by the renewal that leaves its client out", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    const pki = join(root, "etc/kubernetes/pki");
    mkdirSync(`${pki}.bak`);
    for (const name of ["front-proxy-ca.crt", "front-proxy-ca.key"])
      renameSync(join(pki, name), join(`${pki}.bak`, name));
    const word = `perennial renew --recreate-authority front-proxy-ca --root ${root}`;
    const { out } = await runCli(["check", "--root", root], { now });
    expect(out).toContain(word);
    expect(out).not.toMatch(/do not create a new CA|cannot sign it now/);
    const { code, err } = await runCli(["renew", "--yes", "--root", root], { now });
    expect(code).toBe(3);
    expect(err).toContain(
      "its CA front-proxy-ca is missing: an old one is /etc/kubernetes/pki.bak/front-proxy-ca.crt",
    );
    expect(err).toContain(`hint: ${word}\n`);
    expect((await runCli([...word.split(" ").slice(1), "--yes"], { now })).code).toBe(0);
    expect(readFileSync(join(pki, "front-proxy-ca.crt"))).toEqual(
      readFileSync(join(`${pki}.bak`, "front-proxy-ca.crt")),
    );
  });
});

describe("files that are closed to whoever asks", () => {
  it("are one line that comes first, and nothing is made of what was not read", async () => {
    const facts = withoutKeys(await factsOf(fixture("kubeadm-ha-expired/m1"), now));
    const result = checkResult(facts, { withinMs: 0, root: "/" });
    const text = renderCheck(result, { lang: "en", wide: false, color: false });
    const first = text.split("\n").find((line) => line.startsWith("CRITICAL"));
    expect(first).toMatch(/^CRITICAL \d+ files are unreadable: run as root \(sudo\): /);
    expect(text).not.toMatch(/cannot sign it now|ls -l/);
    expect(text).toContain("sudo perennial check");
    const diagnoses = diagnose([], nodeKnowledge(null, facts, result));
    const overview = renderOverview(result, diagnoses, { lang: "en", hasColor: false, width: null });
    expect(overview).toMatch(/^\d+ files are unreadable: run as root \(sudo\); 12 certificates are expired/);
    expect(overview).not.toContain("everything signed by the CA");
    expect(overview).toContain("Next: sudo perennial\n");
  });

  it("give no common name away: without etcd's manifest nobody knows what the node is called", async () => {
    const facts = await factsOf(fixture("kubeadm-ha-expired/m1"), now);
    const [node] = facts.inventory.nodes;
    if (!node) throw new Error("no node");
    const { certificates } = node;
    const slots = new Map(
      [...facts.slots].map(([id, slot]) => {
        const expected = { ...slot.slot.expected, commonNames: ["node"] };
        return [id, { ...slot, slot: { ...slot.slot, expected } }];
      }),
    );
    const codesWith = (reason: string): readonly string[] => {
      const [address] = certificates.flatMap(({ holder }) =>
        holder.form === "pem" ? [holder.certificate] : [],
      );
      if (!address) throw new Error("no address");
      const notes = [{ code: "manifest-unreadable" as const, address, detail: reason }];
      const inventory = { ...facts.inventory, nodes: [{ ...node, notes }] };
      return check({ ...facts, slots, inventory }, { withinMs: 0 }).map(({ code }) => code);
    };
    expect(codesWith("EACCES")).not.toContain("common-name-unexpected");
    expect(codesWith("EIO")).toContain("common-name-unexpected");
  });
});

/** As somebody reads them who may not read private keys. */
function withoutKeys(facts: Facts): Facts {
  const closed = (address: Address) => ({ state: "unreadable", address, reason: "EACCES" }) as const;
  const slots = new Map(
    [...facts.slots].map(([id, slot]) => {
      const { holder } = slot.slot;
      if (holder.form !== "pem" || holder.key === null) return [id, slot];
      return [id, { ...slot, key: closed(holder.key) }];
    }),
  );
  const authorities = new Map(
    [...facts.authorities].map(([id, each]) => [id, { ...each, key: closed(each.slot.key) }]),
  );
  return { ...facts, slots, authorities };
}
