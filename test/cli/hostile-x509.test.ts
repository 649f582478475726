// Certificates that are well placed and wrong in themselves: odd numbers, odd dates, other identities, hostile names.
import { execFileSync } from "node:child_process";
import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { basicConstraints } from "../../src/core/pki/extensions.ts";
import { parseCertificate } from "../../src/core/pki/certificate.ts";
import { encodePem, parsePem } from "../../src/core/pki/pem.ts";
import { fixture } from "../support/fixtures.ts";
import {
  type Forgery,
  ask,
  checkTree,
  extension,
  generalizedTime,
  pki,
  planTree,
  plant,
  summary,
  today,
  utcTime,
} from "../support/hostile.ts";
import { snapshotTree } from "../support/tree.ts";

const crt = `${pki}/apiserver.crt`;
const commonName = "2.5.4.3";

function planted(forgery: Forgery): string {
  const root = fixture("kubeadm-ecdsa-expired/m1");
  plant(root, "apiserver", { notAfter: generalizedTime("20330101000000Z"), ...forgery });
  return root;
}

function leafAt(root: string, path = crt): ReturnType<typeof parseCertificate> {
  return parseCertificate(parsePem(readFileSync(join(root, path))).blocks[0]?.der ?? new Uint8Array());
}

/** What `check` says of the API server's certificate, each code once. */
async function aboutApiserver(root: string, now = today): Promise<readonly string[]> {
  const lines = summary(await checkTree(root, [], now)).filter((line) => line.endsWith(" apiserver"));
  return [...new Set(lines)];
}

describe("fault 4: odd certificates are inventoried with a warning", () => {
  const anomaly = "warning certificate-anomaly apiserver";
  const subjectAltName = "2.5.29.17";
  it.each<readonly [string, Forgery, readonly string[]]>([
    ["negative serial", { serial: Uint8Array.of(0x80, 1) }, [anomaly]],
    ["serial zero", { serial: Uint8Array.of(0) }, [anomaly]],
    ["serial of 21 bytes", { serial: new Uint8Array(21).fill(0x11) }, [anomaly]],
    [
      "NUL in the common name",
      { subject: [[commonName, "kube-apiserver\0.evil"]] },
      [anomaly, "warning common-name-unexpected apiserver"],
    ],
    [
      "unknown key algorithm",
      { spkiDer: Buffer.from("302a300506032b6571032100".padEnd(88, "1"), "hex") },
      ["critical key-does-not-match apiserver", anomaly],
    ],
  ])("%s", async (_, forgery, expected) => {
    const root = planted(forgery);
    const before = snapshotTree(root);
    expect(await aboutApiserver(root)).toEqual(expected);
    await ask(root, ["check"]);
    expect(snapshotTree(root)).toEqual(before);
  });

  it("a duplicate extension is told, and is no template when it is due", async () => {
    const root = planted({
      notAfter: utcTime("250101000000Z"),
      add: [
        extension("1.2.3.4", Buffer.from("0500", "hex")),
        extension("1.2.3.4", Buffer.from("0500", "hex")),
      ],
    });
    expect(await aboutApiserver(root)).toEqual(["critical certificate-expired apiserver", anomaly]);
    expect((await planTree(root)).decisions["apiserver"]).toBe("keep: not-usable");
  });

  it("version 1 is read; its lost names and usages are told", async () => {
    const findings = await aboutApiserver(planted({ version: 1 }));
    expect(findings).toEqual(["critical usage-missing apiserver", anomaly, "warning san-missing apiserver"]);
  });

  it("non-minimal DER and a name that is no ASCII are broken, as Go has it", async () => {
    const root = planted({
      without: [subjectAltName],
      add: [extension(subjectAltName, Buffer.from("30038201ff", "hex"))],
    });
    expect(await aboutApiserver(root)).toEqual(["critical certificate-broken apiserver"]);
  });
});

describe("fault 6: dates are exact", () => {
  it.each<readonly [string, Uint8Array, string]>([
    ["UTCTime 2049", utcTime("491231235959Z"), "2049-12-31T23:59:59Z"],
    ["GeneralizedTime 2050", generalizedTime("20500101000000Z"), "2050-01-01T00:00:00Z"],
    ["year 2122", generalizedTime("21220903000000Z"), "2122-09-03T00:00:00Z"],
    ["year 9999", generalizedTime("99991231235959Z"), "9999-12-31T23:59:59Z"],
  ])("%s", async (_, notAfter, expected) => {
    const root = planted({ notAfter });
    const { out } = await ask(root, ["check", "-o", "json"]);
    const data = JSON.parse(out) as {
      readonly certificates: readonly {
        readonly name: string;
        readonly expirationDate: string;
        readonly residualTime: number;
      }[];
    };
    const row = data.certificates.find(({ name }) => name === "apiserver");
    expect(row?.expirationDate).toBe(expected);
    expect(row?.residualTime).toBeGreaterThan(0);
    for (const words of [["check"], ["check", "-o", "wide"], ["plan"], []]) await ask(root, words);
  });

  it("UTCTime 50 is 1950: long expired", async () => {
    const root = planted({ notBefore: utcTime("500101000000Z"), notAfter: utcTime("500102000000Z") });
    expect(await aboutApiserver(root)).toEqual(["critical certificate-expired apiserver"]);
  });
});

describe("hostile names", () => {
  const hostile = "a\u001b[31mred\nCRITICAL all is well\u202eevil\u0000<script>alert(1)</script>";
  it.each(["en", "zh"] as const)("are escaped in every output (%s)", async (lang) => {
    const root = planted({
      subject: [
        ["2.5.4.10", `system:masters${hostile}`],
        [commonName, hostile],
      ],
    });
    const wordLists = [
      ["check"],
      ["check", "-o", "wide"],
      ["check", "-o", "yaml"],
      ["plan"],
      ["plan", "--runbook"],
      [],
    ];
    for (const words of wordLists) {
      const { out } = await ask(root, words, { lang });
      expect(out).not.toMatch(/^CRITICAL all is well/m);
    }
    const inspected = await ask(root, ["inspect", `/${crt}`], { lang });
    expect(inspected.out).toContain(String.raw`\x1b[31mred\x0aCRITICAL`);
  });

  it("HTML in a name is not HTML in the runbook", async () => {
    const root = planted({
      subject: [[commonName, "<script>alert(1)</script>"]],
      notAfter: utcTime("250101000000Z"),
    });
    const { out } = await ask(root, ["plan", "--runbook"]);
    const outsideCode = out.replaceAll(/```[\s\S]*?```/g, "").replaceAll(/`[^`\n]*`/g, "");
    expect(outsideCode).not.toMatch(/(?<!\\)<script/);
  });
});

describe("the right bytes in the wrong place", () => {
  function exchange(root: string, one: string, other: string): void {
    const aside = join(root, "aside");
    renameSync(join(root, one), aside);
    renameSync(join(root, other), join(root, one));
    renameSync(aside, join(root, other));
  }

  it("a CA certificate in a leaf's slot is never renewed into a new CA; the rest is, and exit 3 says so", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const ca = readFileSync(join(root, pki, "ca.crt"));
    const own = readFileSync(join(root, crt));
    writeFileSync(join(root, crt), ca);
    expect(await aboutApiserver(root)).toContain("critical is-authority apiserver");
    const { code, err } = await ask(root, ["renew", "--yes"], { slow: true, now: Date.now() });
    expect(code).toBe(3);
    expect(err).toContain("error: left out, not renewed: m1/apiserver: ");
    expect(err).toContain(`hint: perennial check --root ${root}`);
    expect(readFileSync(join(root, crt))).toEqual(ca);
    expect(basicConstraints(leafAt(root, `${pki}/apiserver-kubelet-client.crt`))?.isCa).not.toBe(true);
    expect(leafAt(root, `${pki}/apiserver-kubelet-client.crt`).notAfter).toBeGreaterThan(
      Date.parse("2027-01-01"),
    );
    // Mended, the same command finishes the work.
    writeFileSync(join(root, crt), own);
    const again = await ask(root, ["renew", "--yes"], { slow: true, now: Date.now() });
    expect({ code: again.code, err: again.err }).toEqual({ code: 0, err: "" });
  });

  it.each(["certificates", "pairs"])("fault 2: swapped %s are kept, and refused by name", async (what) => {
    const root = fixture("kubeadm-valid/m1");
    exchange(root, crt, `${pki}/front-proxy-client.crt`);
    if (what === "pairs") exchange(root, `${pki}/apiserver.key`, `${pki}/front-proxy-client.key`);
    const before = snapshotTree(root);
    const plan = await planTree(root);
    expect(plan.decisions).toMatchObject({
      apiserver: "keep: not-usable",
      "front-proxy-client": "keep: not-usable",
    });
    expect((await ask(root, ["renew", "--yes"])).code).toBe(3);
    const named = await planTree(root, ["apiserver"]);
    expect({ code: named.code, refusals: named.refusals }).toEqual({
      code: 4,
      refusals: ["certificate-not-usable apiserver"],
    });
    expect(snapshotTree(root)).toEqual(before);
  });

  it("fault 2: another pair's key: both fingerprints, then a new pair", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const key = join(root, pki, "apiserver.key");
    writeFileSync(key, readFileSync(join(root, pki, "front-proxy-client.key")));
    const { findings } = await checkTree(root);
    const found = findings.find(({ code }) => code === "key-does-not-match");
    expect(found?.params).toEqual({
      certificateSpki: expect.stringMatching(/^SHA256:[0-9a-f]{64}$/),
      keySpki: expect.stringMatching(/^SHA256:[0-9a-f]{64}$/),
    });
    expect((await ask(root, ["renew", "apiserver", "--yes"])).code).toBe(0);
    expect(await aboutApiserver(root, Date.now())).toEqual([]);
  });

  it("key and certificate in each other's file: nothing is overwritten", async () => {
    const root = fixture("kubeadm-valid/m1");
    exchange(root, crt, `${pki}/apiserver.key`);
    const before = snapshotTree(root);
    expect(await aboutApiserver(root)).toContain("critical certificate-broken apiserver");
    expect((await ask(root, ["renew", "--yes"])).code).toBe(3);
    expect(snapshotTree(root)).toEqual(before);
  });

  it("a leaf as ca.crt signs nothing: refused while planning", async () => {
    const root = fixture("kubeadm-valid/m1");
    writeFileSync(join(root, pki, "ca.crt"), readFileSync(join(root, crt)));
    expect(summary(await checkTree(root))).toContain("critical authority-is-leaf ca");
    const plan = await planTree(root);
    expect(plan.code).toBe(4);
    expect(plan.refusals).toContain("authority-not-usable apiserver");
  });

  it("fault 8: two CAs with one subject: the signature tells, not the name", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const other = fixture("kubeadm-ha-expired/m1");
    const own = readFileSync(join(root, pki, "ca.crt"));
    const twin = readFileSync(join(other, pki, "ca.crt"));
    writeFileSync(join(root, pki, "ca.crt"), Buffer.concat([twin, own]));
    const ca = await checkTree(root);
    expect(summary(ca).filter((line) => /wrong-issuer|ca$/.test(line))).toEqual([]);
    expect((await ask(root, ["renew", "apiserver", "--yes"])).code).toBe(0);
    writeFileSync(join(root, pki, "ca.crt"), twin);
    const wrong = (await checkTree(root)).findings.find(({ code }) => code === "wrong-issuer");
    expect(wrong?.params).toMatchObject({ sameName: true });
    expect(summary(await checkTree(root))).toContain("critical authority-key-does-not-match ca");
    const refused = await planTree(root, ["apiserver"]);
    expect(refused.refusals).toEqual(["authority-key-mismatch apiserver"]);
  });
});

describe("fault 1: bundles", () => {
  it("every byte but the leaf survives a renewal: comments, foreign blocks, CRLF, rubbish behind", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const path = join(root, crt);
    const head = "# apiserver of m1\r\n\r\n";
    const foreign = Buffer.from(encodePem("X509 CRL", new Uint8Array(70).fill(7))).toString("latin1");
    const tail = `subject=issuer\r\n${foreign}${readFileSync(join(root, pki, "ca.crt"), "latin1")}rubbish behind`;
    const old = readFileSync(path, "latin1");
    writeFileSync(path, head + old + tail, "latin1");
    expect((await ask(root, ["renew", "apiserver", "--yes"])).code).toBe(0);
    const written = readFileSync(path, "latin1");
    expect(written.startsWith(head)).toBe(true);
    expect(written.endsWith(tail)).toBe(true);
    expect(written).not.toContain(old.split("\n")[3]);
    expect(await aboutApiserver(root, Date.now())).toEqual([]);
  });

  it("two leafs in one file are told", async () => {
    const root = fixture("kubeadm-valid/m1");
    appendFileSync(join(root, crt), readFileSync(join(root, pki, "apiserver-kubelet-client.crt")));
    expect(await aboutApiserver(root)).toEqual(["warning more-than-one-certificate apiserver"]);
  });

  it("a bundle of certificates that all sign each other is no endless search", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const twins = fixture("kubeadm-ha-expired/m1");
    const ca = join(twins, pki, "ca.crt");
    const signed = Array.from({ length: 60 }, (_, i) => {
      plant(twins, "ca", { serial: Uint8Array.of(1, i) });
      return readFileSync(ca);
    });
    plant(twins, "apiserver", { notAfter: generalizedTime("20300101000000Z") });
    writeFileSync(
      join(root, crt),
      Buffer.concat([readFileSync(join(twins, pki, "apiserver.crt")), ...signed]),
    );
    expect(await aboutApiserver(root)).toContain("critical wrong-issuer apiserver");
  });
});

describe("fault 3: keys in every form", () => {
  function converted(root: string, name: string, ...words: readonly string[]): void {
    const path = join(root, pki, `${name}.key`);
    const out = join(root, "converted");
    execFileSync("openssl", [...words, "-in", path, "-out", out], { stdio: "ignore" });
    writeFileSync(path, readFileSync(out));
    execFileSync("rm", [out]);
  }
  const encrypted = ["-aes256", "-passout", "pass:secret"];

  it.each<readonly [string, string, readonly string[]]>([
    ["PKCS#1", "kubeadm-ha-expired/m1", ["rsa", "-traditional"]],
    ["PKCS#8", "kubeadm-ha-expired/m1", ["pkcs8", "-topk8", "-nocrypt"]],
    ["SEC1", "kubeadm-ecdsa-expired/m1", ["ec"]],
  ])("%s is read and stays what it is", async (_, tree, words) => {
    const root = fixture(tree);
    converted(root, "apiserver", ...words);
    const label = /-----BEGIN [^-]*PRIVATE KEY-----/.exec(
      readFileSync(join(root, pki, "apiserver.key"), "latin1"),
    )?.[0];
    expect((await ask(root, ["renew", "apiserver", "--yes"], { slow: true })).code).toBe(0);
    expect(readFileSync(join(root, pki, "apiserver.key"), "latin1")).toContain(label);
  });

  it("EC PARAMETERS in front survive", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const path = join(root, pki, "apiserver.key");
    const parameters = execFileSync("openssl", ["ecparam", "-name", "prime256v1"], { encoding: "latin1" });
    writeFileSync(path, parameters + readFileSync(path, "latin1"));
    expect((await ask(root, ["renew", "apiserver", "--yes"])).code).toBe(0);
    expect(readFileSync(path, "latin1").startsWith(parameters)).toBe(true);
  });

  it("DER is no key for Kubernetes: told, and made anew as PEM", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    converted(root, "apiserver", "ec", "-outform", "DER");
    const { findings } = await checkTree(root);
    expect(findings.find(({ code }) => code === "key-broken")).toMatchObject({
      name: "apiserver",
      params: { reason: "DER, where PEM is needed" },
    });
    expect((await ask(root, ["renew", "apiserver", "--yes"])).code).toBe(0);
    expect(readFileSync(join(root, pki, "apiserver.key"), "latin1")).toMatch(/^-----BEGIN EC PRIVATE KEY/);
  });

  it.each<readonly [string, readonly string[]]>([
    ["encrypted PKCS#8", ["pkcs8", "-topk8", "-passout", "pass:secret"]],
    ["legacy encrypted", ["ec", ...encrypted]],
  ])("%s: told, refused with the way on, nothing written, in a leaf and in a CA", async (_, words) => {
    for (const name of ["apiserver", "ca"]) {
      const root = fixture("kubeadm-ecdsa-expired/m1");
      converted(root, name, ...words);
      const before = snapshotTree(root);
      expect(summary(await checkTree(root))).toContain(`warning key-encrypted ${name}`);
      const { code, err } = await ask(root, ["renew", "apiserver", "--yes"]);
      expect(code).toBe(4);
      expect(err).toContain(`/${pki}/${name}.key`);
      expect(err).not.toContain("secret");
      expect(snapshotTree(root)).toEqual(before);
    }
  });
});
