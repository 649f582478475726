// A CA whose key is elsewhere: requests, pending keys, answers made by openssl, and every wrong answer refused.
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CaTeam, caTeamOf, signAll, signOne } from "../support/ca-team.ts";
import { certificateIn, certificatesIn, controlPlane, pki } from "../support/control-plane.ts";
import { subjectAltNames } from "../../src/core/pki/extensions.ts";
import { expectNoKeys, expectTidy, keyPieces, on, wholeTree } from "../support/operator.ts";
import { type CliResult, runCli } from "../support/cli.ts";
import { fixture, freshFolder } from "../support/fixtures.ts";

interface Site {
  readonly root: string;
  readonly team: CaTeam;
}

async function site(): Promise<Site> {
  const root = await controlPlane();
  mkdirSync(join(root, "var/lib"), { recursive: true });
  return { root, team: caTeamOf(root) };
}

function ask({ root, team }: Site, ...words: readonly string[]): Promise<CliResult> {
  return on(root, "renew", "--csr-dir", team.requests, ...words);
}

function install({ root, team }: Site, ...words: readonly string[]): Promise<CliResult> {
  return on(root, "renew", "--signed", team.answers, "--yes", ...words);
}

function pendingFiles({ root }: Site): readonly string[] {
  const folder = join(root, "var/lib/perennial/pending/m1");
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

const outside = [
  "admin.conf",
  "apiserver",
  "apiserver-kubelet-client",
  "controller-manager.conf",
  "scheduler.conf",
  "super-admin.conf",
];

describe("a node whose CA signs elsewhere", () => {
  it("asks, installs what openssl signed, and goes back to equality", async () => {
    const here = await site();
    const original = wholeTree(here.root);
    const asked = await ask(here, "--all");
    expect(asked).toMatchObject({ code: 0, err: "" });
    expect(readdirSync(here.team.requests).toSorted()).toEqual(
      outside.map((name) => `${name}.csr`).toSorted(),
    );
    expect(pendingFiles(here)).toEqual(outside.flatMap((name) => [`${name}.json`, `${name}.key`]).toSorted());
    for (const name of pendingFiles(here)) {
      const path = join(here.root, "var/lib/perennial/pending/m1", name);
      expect(lstatSync(path).mode & 0o777, name).toBe(0o600);
    }
    const keys = keyPieces(here.root);
    for (const folder of [here.team.requests, here.team.answers])
      for (const name of readdirSync(folder))
        expect(readFileSync(join(folder, name), "utf8")).not.toContain("PRIVATE KEY");
    signAll(here.team);
    const installed = await install(here);
    expect(installed).toMatchObject({ code: 0, err: "" });
    expect(pendingFiles(here)).toEqual([]);
    for (const name of ["apiserver", "apiserver-kubelet-client"]) {
      const path = pki(here.root, `${name}.crt`);
      expect(readFileSync(path, "utf8")).toBe(readFileSync(join(here.team.answers, `${name}.crt`), "utf8"));
      const line = execFileSync("openssl", ["verify", "-CAfile", here.team.certificate, path]);
      expect(line.toString()).toBe(`${path}: OK\n`);
    }
    const copy = certificateIn(join(here.root, "root/.kube/config"));
    expect(copy.der).toEqual(certificateIn(join(here.team.answers, "admin.conf.crt")).der);
    expectNoKeys(here.root, [asked, installed], new Set([...keys, ...keyPieces(here.root)]));
    expect(await install(here)).toMatchObject({ code: 0, err: "" });
    expect(await on(here.root, "rollback", "last", "--yes")).toMatchObject({ code: 0, err: "" });
    expect(wholeTree(here.root)).toEqual(original);
    expectTidy(here.root, original);
  });

  it("renews what can be signed here, and says how to go on with the rest (exit 3)", async () => {
    const here = await site();
    const renewed = await on(here.root, "renew", "--all", "--yes");
    expect(renewed.code).toBe(3);
    expect(renewed.err).toContain("left out, not renewed: m1/apiserver: the key of CA ca is not here\n");
    expect(renewed.err).toContain(`perennial renew --csr-dir DIR --all --root ${here.root}, then`);
    await ask(here, "--all");
    const again = await on(here.root, "renew", "--all", "--yes");
    expect(again.err).toMatch(/hint: requests for them were made.*perennial renew --signed DIR --root/);
  });

  it("hands the same request out again, and another one when something else is asked for", async () => {
    const here = await site();
    await ask(here, "apiserver");
    const first = readFileSync(join(here.team.requests, "apiserver.csr"), "utf8");
    expect((await ask(here, "apiserver")).out).toContain("as before");
    expect(readFileSync(join(here.team.requests, "apiserver.csr"), "utf8")).toBe(first);
    const more = await ask(here, "apiserver", "--add-san", "new.example");
    expect(more.out).toContain("replaces an earlier request");
    signOne(here.team, "apiserver");
    expect((await install(here)).code).toBe(0);
    const names = subjectAltNames(certificateIn(pki(here.root, "apiserver.crt"))).map(({ value }) => value);
    expect(names).toContain("new.example");
  });

  it("keeps the present key where that is asked for, and nothing waits", async () => {
    const here = await site();
    const key = readFileSync(pki(here.root, "apiserver.key"));
    await ask(here, "apiserver", "--keep-key");
    expect(pendingFiles(here)).toEqual([]);
    signOne(here.team, "apiserver");
    expect((await install(here)).err).toContain(`--signed ${here.team.answers} --keep-key`);
    expect(await install(here, "--keep-key")).toMatchObject({ code: 0, err: "" });
    expect(readFileSync(pki(here.root, "apiserver.key"))).toEqual(key);
  });

  it("stores intermediates behind the certificate", async () => {
    const here = await site();
    await ask(here, "apiserver", "admin.conf");
    const folder = join(here.team.answers, "..");
    const [key, csr, crt] = ["key", "csr", "crt"].map((kind) => join(folder, `middle.${kind}`));
    execFileSync(
      "openssl",
      [
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=middle",
        "-keyout",
        key!,
        "-out",
        csr!,
      ],
      { stdio: "ignore" },
    );
    writeFileSync(join(folder, "ca.cnf"), "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n");
    execFileSync(
      "openssl",
      [
        "x509",
        "-req",
        "-in",
        csr!,
        "-CA",
        here.team.certificate,
        "-CAkey",
        here.team.key,
        "-CAcreateserial",
        "-CAserial",
        `${crt}.srl`,
        "-days",
        "900",
        "-extfile",
        join(folder, "ca.cnf"),
        "-out",
        crt!,
      ],
      { stdio: "ignore" },
    );
    const middle = { ...here.team, certificate: crt!, key: key! };
    signOne(middle, "apiserver");
    signOne(middle, "admin.conf");
    expect((await install(here)).err).toContain(
      "does not lead to the CA on this node (/etc/kubernetes/pki/ca.crt: no-path",
    );
    copyFileSync(crt!, join(here.team.answers, "middle.pem"));
    expect(await install(here)).toMatchObject({ code: 0, err: "" });
    for (const path of [pki(here.root, "apiserver.crt"), join(here.root, "etc/kubernetes/admin.conf")])
      expect(certificatesIn(path).map(({ der }) => der)[1]).toEqual(certificateIn(crt!).der);
  });

  it("is whole again, when everything had expired and the CA's key is kept elsewhere", async () => {
    const kept = fixture("kubeadm-external-ca-expired");
    const root = join(kept, "m1");
    const folder = freshFolder();
    const team = {
      requests: join(folder, "requests"),
      answers: join(folder, "answers"),
      certificate: pki(root, "ca.crt"),
      key: join(kept, "ca-key-kept-elsewhere/ca.key"),
    };
    mkdirSync(team.answers);
    const here = { root, team };
    expect((await on(root, "check")).code).toBe(3);
    const first = await on(root, "renew", "--yes");
    expect(first.code).toBe(3);
    expect(first.err).toContain(`perennial renew --csr-dir DIR --root ${root}, then`);
    expect(await ask(here)).toMatchObject({ code: 0, err: "" });
    expect(
      signAll(team)
        .map((path) => path.slice(path.lastIndexOf("/") + 1))
        .toSorted(),
    ).toEqual([
      "admin.conf.crt",
      "apiserver-kubelet-client.crt",
      "apiserver.crt",
      "controller-manager.conf.crt",
      "kubelet.conf.crt",
      "scheduler.conf.crt",
    ]);
    expect(await install(here)).toMatchObject({ code: 0, err: "" });
    expect(pendingFiles(here)).toEqual([]);
    expect(await on(root, "renew", "--yes")).toMatchObject({ code: 0, err: "" });
    const checked = await on(root, "check", "-o", "json");
    expect(JSON.parse(checked.out).findings).not.toContainEqual(
      expect.objectContaining({ severity: "critical" }),
    );
  });

  it("names its requests to programs with public facts only", async () => {
    const here = await site();
    const { out } = await ask(here, "apiserver", "-o", "json");
    const { type, requests } = JSON.parse(out);
    expect(type).toBe("requests");
    expect(requests).toEqual([
      {
        slot: "m1/apiserver",
        name: "apiserver",
        authority: "ca",
        algorithm: "ECDSA-P256",
        spkiSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        key: "new",
        file: join(here.team.requests, "apiserver.csr"),
      },
    ]);
    const again = await ask(here, "apiserver", "-o", "json");
    expect(JSON.parse(again.out).requests).toEqual([{ ...requests[0], key: "reused" }]);
  });

  it("leaves out what is missing (exit 3), and refuses to ask for it by name", async () => {
    const here = await site();
    rmSync(pki(here.root, "apiserver.crt"));
    const { code, out, err } = await ask(here, "--all");
    expect(err).toContain("left out, not renewed: m1/apiserver: ");
    expect(out).toContain("5 requests in ");
    expect(code).toBe(3);
    const named = await ask(here, "apiserver");
    expect(named.err).toContain(
      "/etc/kubernetes/pki/apiserver.crt does not exist: what a CA elsewhere signs",
    );
    expect(named.code).toBe(4);
  });

  it("refuses to ask for what can be signed here", async () => {
    const here = await site();
    const { code, err } = await ask(here, "front-proxy-client");
    expect(code).toBe(4);
    expect(err).toContain("the key of CA front-proxy-ca is on this node");
    expect(existsSync(here.team.requests)).toBe(false);
  });
});

const apiserverExtensions =
  "keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:lb.example.internal,DNS:m1,IP:10.96.0.1,IP:192.0.2.11\n";

describe("a wrong answer", () => {
  it.each([
    ["without extensions", { extensions: "" }, "lacks names that were asked for: dns:kubernetes,"],
    [
      "without its usages",
      { extensions: apiserverExtensions.replace(/extendedKey.*\n/, "") },
      "lacks usages that were asked for: serverAuth",
    ],
    [
      "with fewer names",
      { extensions: apiserverExtensions.replace("DNS:m1,", "") },
      "lacks names that were asked for: dns:m1\n",
    ],
    [
      "with fewer key usages",
      { extensions: apiserverExtensions.replace(",keyEncipherment", "") },
      "lacks key usages that were asked for: keyEncipherment",
    ],
    [
      "that is a CA",
      { extensions: `${apiserverExtensions}basicConstraints=critical,CA:TRUE\n` },
      "says CA:TRUE",
    ],
    ["that has expired", { days: -1 }, "apiserver.crt expired "],
    [
      "with another subject",
      { more: ["-subj", "/CN=somebody"] },
      "names somebody else: CN=kube-apiserver was asked for",
    ],
  ])("%s is refused", async (_, signing, text) => {
    const here = await site();
    await ask(here, "apiserver");
    const before = wholeTree(here.root);
    signOne(here.team, "apiserver", signing);
    const { code, err } = await install(here);
    expect(err).toContain(text);
    expect(code).toBe(4);
    expect(wholeTree(here.root)).toEqual(before);
    expect(pendingFiles(here)).toEqual(["apiserver.json", "apiserver.key"]);
  });

  it("of another CA, of nobody, twice or unreadable is named", async () => {
    const [here, there] = [await site(), await site()];
    await ask(here, "apiserver");
    signOne(
      { ...here.team, certificate: pki(there.root, "etcd/ca.crt"), key: pki(there.root, "etcd/ca.key") },
      "apiserver",
    );
    expect((await install(here)).err).toContain(
      "does not lead to the CA on this node (/etc/kubernetes/pki/ca.crt: no-path",
    );
    signOne(here.team, "apiserver");
    signOne(here.team, "apiserver", { as: "again.crt" });
    expect((await install(here)).err).toContain("two different certificates answer one request");
    await ask(there, "apiserver");
    signOne(there.team, "apiserver");
    execFileSync("rm", [join(here.team.answers, "again.crt")]);
    copyFileSync(join(there.team.answers, "apiserver.crt"), join(here.team.answers, "b\u001b[31m.crt"));
    execFileSync("mkfifo", [join(here.team.answers, "pipe")]);
    const told = await install(here);
    expect(told.code).toBe(3);
    expect(told.out).toMatch(/not installed: CN=kube-apiserver .*no key on this node waits for it/);
    expect(told.out).toMatch(/not read: answer:m1:.*pipe/);
    expect(told.out).not.toContain("\u001b");
  });

  it("that is valid only later is refused", async () => {
    const here = await site();
    await ask(here, "apiserver");
    signOne(here.team, "apiserver");
    const before = wholeTree(here.root);
    const words = ["renew", "--signed", here.team.answers, "--yes", "--root", here.root];
    const { code, err } = await runCli(words, { now: Date.now() - 86_400_000 });
    expect(err).toMatch(
      /the certificate in answer:m1:.*apiserver\.crt is valid only from [A-Z][a-z]{2} \d\d, 20/,
    );
    expect(code).toBe(4);
    expect(wholeTree(here.root)).toEqual(before);
  });

  it("with the name of another node is refused", async () => {
    const here = await site();
    const key = join(here.team.requests, "../etcd-ca.key");
    renameSync(pki(here.root, "etcd/ca.key"), key);
    const etcd = { ...here.team, certificate: pki(here.root, "etcd/ca.crt"), key };
    await ask(here, "etcd-peer");
    signOne(etcd, "etcd-peer", { more: ["-subj", "/CN=m2"] });
    const { code, err } = await install(here);
    expect(err).toContain("m1/etcd-peer belongs to another node (m2)");
    expect(code).toBe(4);
  });

  it("to a request of another node in the same state directory is refused", async () => {
    const here = await site();
    const other = await controlPlane({ node: "m2", address: "192.0.2.12" });
    const there = { root: other, team: caTeamOf(other) };
    const state = ["--state-dir", join(freshFolder(), "state")];
    expect((await ask(there, "apiserver", ...state)).code).toBe(0);
    signOne(there.team, "apiserver");
    const { code, err } = await install({ ...here, team: there.team }, ...state);
    expect(err).toContain("CN=kube-apiserver belongs to another node (m2)");
    expect(code).toBe(4);
  });
});
