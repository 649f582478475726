// A node that was collected elsewhere stands up again: what `check` finds there is what it finds in the facts, and it is renewed as the
// node would be.
import { X509Certificate, createPrivateKey } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cksum } from "../../src/core/policy/collected-text.ts";
import type { HostsStatus } from "../../src/lab/hosts-status.ts";
import { canHaveRooms } from "../../src/lab/rooms.ts";
import { linksOf, placeOf } from "../../src/lab/rehearsal/places-of-node.ts";
import { runCli, spawnCli } from "../support/cli.ts";
import { makeControlPlane } from "../../src/lab/control-plane.ts";
import { usualPorts } from "../../src/lab/lab-node.ts";
import { hasEtcd } from "../support/etcd-server.ts";
import { fixture, freshFolder, unpackFixtures } from "../support/fixtures.ts";

const now = Date.parse("2026-11-30T12:00:00Z");
const long = 240_000;

/** A node's text, in a folder of its own. */
async function collected(root: string, name = "facts.txt", folder = freshFolder()): Promise<string> {
  const { code, out } = await runCli(["collect", "--root", root]);
  expect(code).toBe(0);
  writeFileSync(join(folder, name), out);
  return join(folder, name);
}

/** Without what names the root, and the hashes of what was made anew. */
async function check(words: readonly string[]): Promise<unknown> {
  const { out, err } = await runCli(["check", "-o", "json", ...words], { now });
  expect(err).toBe("");
  const [, root = "/"] = words[0] === "--root" ? words : [];
  const text = out
    .replaceAll(` --root ${root}`, "")
    .replaceAll(`"root": "${root}"`, '"root": "/"')
    .replaceAll(/"sha256": "[0-9a-f]{64}"/g, '"sha256": ""')
    .replaceAll(/SHA256:[0-9a-f]+/g, "SHA256");
  return JSON.parse(text);
}

interface Rehearsed {
  readonly root: string;
  readonly said: string;
}

/** The tree of the only node of a rehearsal of these facts; files only. */
async function rehearsed(facts: string): Promise<Rehearsed> {
  const dir = join(freshFolder(), "l");
  const words = ["lab", "up", "--dir", dir, "--like", facts, "--files-only"];
  const { code, out, err } = await runCli(words, { now });
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const name = readdirSync(dir).find((one) => lstatSync(join(dir, one)).isDirectory()) ?? "";
  return { root: join(dir, name), said: out };
}

/** Keys of RSA take their time: each tree is made once, and only looked at. */
const known = new Map<string, Promise<Rehearsed & { readonly facts: string }>>();
function rehearsalOf(tree: string): Promise<Rehearsed & { readonly facts: string }> {
  const made =
    known.get(tree) ??
    collected(join(unpackFixtures(), tree)).then(async (facts) => ({ facts, ...(await rehearsed(facts)) }));
  known.set(tree, made);
  return made;
}

const read = (root: string, path: string): X509Certificate =>
  new X509Certificate(readFileSync(join(root, "etc/kubernetes/pki", path)));

describe("a rehearsal of collected files", () => {
  it.each([
    "kubeadm-ha-expired/m2",
    "kubeadm-half-done/m1",
    "kubeadm-external-ca-expired/m1",
    "kubeadm-ecdsa-expired/m1",
    "kubeadm-valid/m1",
  ])("of %s has the findings that the facts have", { timeout: 900_000 }, async (tree) => {
    const { facts, root } = await rehearsalOf(tree);
    const there = (await check(["--facts", facts])) as { readonly findings: readonly unknown[] };
    expect(there.findings.length).toBeGreaterThan(0);
    expect(await check(["--root", root])).toEqual(there);
  });

  it("has the names, dates and serials of the node, a chain that holds, and no key of its", async () => {
    const original = join(unpackFixtures(), "kubeadm-ha-expired/m2");
    const { root, said } = await rehearsalOf("kubeadm-ha-expired/m2");
    for (const path of ["apiserver.crt", "etcd/server.crt", "front-proxy-client.crt", "ca.crt"]) {
      const [old, next] = [read(original, path), read(root, path)];
      for (const field of [
        "subject",
        "issuer",
        "subjectAltName",
        "validFrom",
        "validTo",
        "serialNumber",
      ] as const)
        expect(next[field]).toBe(old[field]);
      expect(next.publicKey.asymmetricKeyDetails).toEqual(old.publicKey.asymmetricKeyDetails);
      expect(next.publicKey.equals(old.publicKey)).toBe(false);
      const key = readFileSync(join(root, "etc/kubernetes/pki", path.replace(".crt", ".key")));
      expect(next.checkPrivateKey(createPrivateKey(key))).toBe(true);
    }
    expect(read(root, "apiserver.crt").verify(read(root, "ca.crt").publicKey)).toBe(true);
    expect(read(root, "apiserver.crt").checkIssued(read(root, "ca.crt"))).toBe(true);
    expect(said).toContain("the private keys in 16 files: new ones of the same kind and size");
  });

  it("is renewed and proved as the node's own files would be", { timeout: 900_000 }, async () => {
    const { root } = await rehearsed(await collected(join(unpackFixtures(), "kubeadm-ecdsa-expired/m1")));
    const { code, err } = await runCli(["renew", "--root", root, "--yes"], { now });
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(Date.parse(read(root, "apiserver.crt").validTo)).toBeGreaterThan(now);
  });

  it("of a node of the lab's own, with certificates elsewhere, has its findings too", async () => {
    const tree = join(freshFolder(), "tree");
    const issuedAt = now - 375 * 86_400_000;
    const usual = { directory: tree, node: "cp-01.example", keySpec: "ECDSA-P256", ports: usualPorts };
    await makeControlPlane({ ...usual, issuedAt, pkiDir: "/srv/pki", etcdVersion: "3.1.18" });
    const facts = await collected(tree);
    const { root } = await rehearsed(facts);
    expect(await check(["--root", root])).toEqual(await check(["--facts", facts]));
    expect(readFileSync(join(root, "etc/kubernetes/manifests/etcd.yaml"))).toEqual(
      readFileSync(join(tree, "etc/kubernetes/manifests/etcd.yaml")),
    );
    expect(readdirSync(join(root, "srv/pki/etcd")).sort()).toEqual(
      readdirSync(join(tree, "srv/pki/etcd")).sort(),
    );
  });

  it("keeps faults: a key of another certificate, a stranger's signature, broken files, links, modes", async () => {
    const tree = fixture("kubeadm-ecdsa-expired/m1");
    const pki = join(tree, "etc/kubernetes/pki");
    const other = join(unpackFixtures(), "kubeadm-valid/m1/etc/kubernetes/pki");
    writeFileSync(join(pki, "apiserver.key"), readFileSync(join(pki, "sa.key")));
    writeFileSync(
      join(pki, "apiserver-kubelet-client.crt"),
      readFileSync(join(other, "apiserver-kubelet-client.crt")),
    );
    writeFileSync(join(pki, "etcd/peer.key"), readFileSync(join(pki, "etcd/peer.key"), "utf8").slice(0, 300));
    rmSync(join(pki, "front-proxy-client.crt"));
    symlinkSync("/data/gone.crt", join(pki, "front-proxy-client.crt"));
    writeFileSync(join(pki, "etcd/server.crt"), "");
    mkdirSync(join(tree, "data"));
    writeFileSync(join(tree, "data/admin.conf"), readFileSync(join(tree, "etc/kubernetes/admin.conf")), {
      mode: 0o644,
    });
    rmSync(join(tree, "etc/kubernetes/admin.conf"));
    symlinkSync("/data/admin.conf", join(tree, "etc/kubernetes/admin.conf"));
    const facts = await collected(tree);
    const { root } = await rehearsed(facts);
    expect(await check(["--root", root])).toEqual(await check(["--facts", facts]));
    expect(readlinkSync(join(root, "etc/kubernetes/admin.conf"))).toBe("/data/admin.conf");
    expect(lstatSync(join(root, "data/admin.conf")).mode & 0o777).toBe(0o644);
  });

  it("does not write outside its tree, whatever the text says", async () => {
    const outside = join(freshFolder(), "outside");
    const section = (number: number, header: readonly string[], content: string): string => {
      const body = Buffer.from(`${header.join("\n")}\n\n${content}`).toString("base64");
      return `@${number} x\n${body}\n@${number} end ${cksum(body)} ${body.length}\n`;
    };
    const file = (number: number, path: string, more: readonly string[] = []): string =>
      section(
        number,
        [
          "kind file",
          `path ${path}`,
          "attributes 4777 0 0 4 1700000000",
          "form text",
          "state found",
          ...more,
        ],
        "evil",
      );
    const honest = readFileSync(await collected(join(unpackFixtures(), "kubeadm-ecdsa-expired/m1")), "utf8");
    const count = Number(/^=== perennial facts end (\d+)/m.exec(honest)?.[1]);
    const evil = [
      file(count + 1, `/../../../../../../../..${outside}/a`),
      file(count + 2, "/etc/kubernetes/pki2/b", [`link ${outside}/b`]),
      file(count + 3, "/etc/kubernetes/pki2/c", [`link ${outside}/c`]),
      file(count + 4, "/lab/init"),
      file(count + 5, "/etc/ssh/authorized_keys"),
    ];
    const facts = join(freshFolder(), "evil.txt");
    writeFileSync(
      facts,
      honest.replace(
        /^=== perennial facts end .*$/m,
        `${evil.join("")}=== perennial facts end ${count + 5} ===`,
      ),
    );
    const { root, said } = await rehearsed(facts);
    expect(() => lstatSync(outside)).toThrow("ENOENT");
    expect(() => lstatSync(join(root, "lab/init"))).toThrow("ENOENT");
    expect(said).toContain("where the lab has its own");
    expect(() => lstatSync(join(root, outside, "a"))).toThrow("ENOENT");
  });

  it("refuses what goes with another lab, two texts of one node, a damaged text", async () => {
    const facts = await collected(join(unpackFixtures(), "kubeadm-ha-expired/m1"));
    const dir = join(freshFolder(), "l");
    const up = (...words: readonly string[]) => runCli(["lab", "up", "--dir", dir, ...words], { now });
    expect((await up("--files-only")).err).toContain("--like with it");
    expect((await up("--like", facts, "--hosts", "3")).err).toContain("no --like with it");
    expect((await up("--like", facts, facts, "--files-only")).err).toContain(
      "one text of facts for each node",
    );
    writeFileSync(facts, readFileSync(facts, "utf8").replace(/=== perennial facts end.*/, ""));
    expect(await up("--like", facts, "--files-only")).toMatchObject({ code: 1 });
    expect(() => lstatSync(dir)).toThrow("ENOENT");
  });
});

describe("links of a collected node", () => {
  it("are folders where all files below agree, else files; never a folder that others write into", () => {
    const moved = ["ca.crt", "etcd/ca.crt"].map((name) => ({
      path: `/etc/kubernetes/pki/${name}`,
      real: `/data/pki/${name}`,
    }));
    const alone = { path: "/root/.kube/config", real: "/etc/kubernetes/admin.conf" };
    expect(linksOf([...moved, alone, { path: "/etc/kubernetes/admin.conf", real: null }])).toEqual([
      { path: "/etc/kubernetes/pki", target: "/data/pki" },
      { path: "/root/.kube/config", target: "/etc/kubernetes/admin.conf" },
    ]);
    expect(
      linksOf([
        { path: "/etc/a", real: "/x/a" },
        { path: "/etc/b", real: "/x/b" },
      ]),
    ).toEqual([
      { path: "/etc/a", target: "/x/a" },
      { path: "/etc/b", target: "/x/b" },
    ]);
  });

  it("have places below the root only", () => {
    expect(placeOf("/etc/kubernetes/../../../etc/hostname")).toBe("/etc/hostname");
    for (const path of ["/", "/..", "/proc/1/mem", "/lab/x", "/etc/ssh/sshd_config", "/var/log/pods"])
      expect(placeOf(path)).toBeNull();
  });
});

describe.skipIf(!hasEtcd || !canHaveRooms()).sequential("a rehearsal that runs", () => {
  const dir = join(freshFolder(), "l");
  const facts = freshFolder();
  const lab = (...words: readonly string[]) => spawnCli(["lab", ...words, "--dir", dir]);
  const names = ["m1", "m2", "m3"] as const;

  beforeAll(async () => {
    for (const name of names)
      await collected(join(unpackFixtures(), "kubeadm-ha-expired", name), `${name}.txt`, facts);
  }, long);
  afterAll(async () => {
    await lab("down");
  }, long);

  it(
    "has the collected findings, on the collected addresses, and nobody is well",
    { timeout: long },
    async () => {
      const up = await lab("up", "--like", facts, "--pace", "0.15");
      expect(up).toMatchObject({ code: 0, err: "" });
      for (const name of names)
        expect(await check(["--root", join(dir, name)])).toEqual(
          await check(["--facts", join(facts, `${name}.txt`)]),
        );
      const { out } = await runCli(["lab", "status", "--dir", dir, "-o", "json"]);
      const { hosts, etcd } = JSON.parse(out) as HostsStatus;
      expect(hosts.map(({ address }) => address)).toEqual(["192.0.2.11", "192.0.2.12", "192.0.2.13"]);
      expect(etcd).toMatchObject({ members: 3, hasQuorum: false });
    },
  );

  it("is brought back with one command, and everything is proved", { timeout: long }, async () => {
    const words = [
      "renew",
      "--yes",
      "-f",
      join(dir, "cluster.yaml"),
      "--state-dir",
      join(freshFolder(), "s"),
    ];
    const { code, out, err } = await spawnCli([...words, "--key-algorithm", "ECDSA-P256"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("[gate] etcd: the quorum is there");
    await expect.poll(async () => (await lab("status")).code, { timeout: 180_000 }).toBe(0);
  });
});
