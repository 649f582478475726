// Chains by signature: same subjects, rollovers, expired doubles; every fault has its name.
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseCertificate, type Certificate } from "../../../src/core/pki/certificate.ts";
import {
  encodeBasicConstraints,
  encodeExtension,
  encodeKeyUsage,
  type BasicConstraints,
} from "../../../src/core/pki/extensions.ts";
import { issueCertificate } from "../../../src/core/pki/issue.ts";
import { asPrivateKey, type PrivateKey } from "../../../src/core/pki/keys.ts";
import { encodeName } from "../../../src/core/pki/names.ts";
import { isSignedBy, keyMatches, verifyChain } from "../../../src/core/pki/verify.ts";
import { unpackFixtures } from "../../support/fixtures.ts";
import { openssl, readCertificate, writeCertificate } from "./openssl.ts";

const dir = mkdtempSync(join(tmpdir(), "perennial-verify-"));
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

const dayMs = 86_400_000;
const start = Date.UTC(2026, 0, 1);
const now = start + dayMs;

function newKey(): PrivateKey {
  return asPrivateKey(generateKeyPairSync("ed25519").privateKey);
}

interface Make {
  readonly subject: string;
  readonly key: PrivateKey;
  readonly issuer?: string;
  readonly issuerKey?: PrivateKey;
  readonly ca?: BasicConstraints | "none";
  readonly days?: number;
  readonly from?: number;
  readonly more?: readonly Uint8Array[];
  readonly version?: 1 | 3;
}

function dn(cn: string): Uint8Array {
  return encodeName([{ type: "CN", value: cn }]);
}

function write(name: string, certificate: Certificate): string {
  return writeCertificate(join(dir, name), certificate.der);
}

function make({
  subject,
  key,
  issuer = subject,
  issuerKey = key,
  ca = { isCa: true },
  ...rest
}: Make): Certificate {
  const { from = start, days = 365, more = [], version = 3 } = rest;
  const der = issueCertificate({
    version,
    serial: Uint8Array.of(1),
    subjectDer: dn(subject),
    issuerDer: dn(issuer),
    issuerKey,
    spkiDer: key.spkiDer,
    notBefore: from,
    notAfter: from + days * dayMs,
    extensionsDer: version === 1 ? [] : [...(ca === "none" ? [] : [encodeBasicConstraints(ca)]), ...more],
  });
  return parseCertificate(der);
}

const [keyA, keyB, leafKey] = [newKey(), newKey(), newKey()];
const caA = make({ subject: "kubernetes", key: keyA });
const caB = make({ subject: "kubernetes", key: keyB });
const leafOf = (issuerKey: PrivateKey, more: Partial<Make> = {}) =>
  make({ subject: "leaf", key: leafKey, issuer: "kubernetes", issuerKey, ca: "none", ...more });
const leafA = leafOf(keyA);

describe("isSignedBy", () => {
  it("tells two authorities of the same subject apart", () => {
    expect([isSignedBy(leafA, caA), isSignedBy(leafA, caB)]).toEqual([true, false]);
    expect(isSignedBy(caA, caA)).toBe(true);
    expect(isSignedBy(leafA, leafA)).toBe(false);
  });

  it("wants the name as well as the signature", () => {
    expect(isSignedBy(leafA, make({ subject: "other", key: keyA }))).toBe(false);
  });

  it("sees a changed byte", () => {
    const changed = Uint8Array.from(leafA.der);
    const at = Buffer.from(changed).indexOf("leaf");
    changed[at] = "L".charCodeAt(0);
    expect(isSignedBy(parseCertificate(changed), caA)).toBe(false);
  });

  it.each(["-sha1", "-sha224", "-sha256", "-sha384", "-sha512"])("knows RSA and ECDSA with %s", (digest) => {
    for (const [name, kind] of [
      ["rsa", "rsa:2048"],
      ["ec", "ec"],
    ] as const) {
      const path = join(dir, `${name}${digest}.crt`);
      const more = kind === "ec" ? ["-pkeyopt", "ec_paramgen_curve:P-256"] : [];
      const how = [
        "-x509",
        "-newkey",
        kind,
        ...more,
        "-nodes",
        "-keyout",
        "/dev/null",
        "-subj",
        "/CN=x",
        digest,
      ];
      openssl(["req", ...how, "-out", path]);
      const certificate = readCertificate(path);
      expect(isSignedBy(certificate, certificate)).toBe(true);
    }
  });

  it("leaves RSA-PSS to OpenSSL", () => {
    const path = join(dir, "pss.crt");
    const how = [
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      "/dev/null",
      "-subj",
      "/CN=x",
      "-sigopt",
      "rsa_padding_mode:pss",
    ];
    openssl(["req", ...how, "-out", path]);
    const certificate = readCertificate(path);
    expect(certificate.signatureAlgorithm).toBe("1.2.840.113549.1.1.10");
    expect(isSignedBy(certificate, certificate)).toBe(true);
    expect(isSignedBy({ ...certificate, issuerDer: caA.subjectDer }, caA)).toBe(false);
  });
});

describe("keyMatches", () => {
  it("compares the certificate with a private key or an SPKI", () => {
    expect([keyMatches(leafA, leafKey), keyMatches(leafA, keyA)]).toEqual([true, false]);
    expect([keyMatches(leafA, leafKey.spkiDer), keyMatches(leafA, caA.spkiDer)]).toEqual([true, false]);
  });
});

describe("verifyChain", () => {
  it("finds the right authority among doubles, in either order", () => {
    for (const anchors of [
      [caA, caB],
      [caB, caA],
    ]) {
      expect(verifyChain({ leaf: leafA, anchors, atMs: now })).toEqual({ ok: true, path: [leafA, caA] });
    }
    expect(verifyChain({ leaf: leafA, anchors: [caB], atMs: now })).toEqual({ ok: false, reason: "no-path" });
  });

  it("takes the authority renewed with the same key, wherever the expired one stands", () => {
    const expired = make({ subject: "kubernetes", key: keyA, from: start - 400 * dayMs, days: 365 });
    for (const anchors of [
      [expired, caA],
      [caA, expired],
    ]) {
      expect(verifyChain({ leaf: leafA, anchors, atMs: now })).toEqual({ ok: true, path: [leafA, caA] });
    }
    expect(verifyChain({ leaf: leafA, anchors: [expired], atMs: now })).toMatchObject({
      ok: false,
      reason: "expired",
      at: expired,
    });
  });

  it("walks the four ways of a rollover (RFC 4210 section 4.4)", () => {
    const oldWithNew = make({ subject: "kubernetes", key: keyA, issuer: "kubernetes", issuerKey: keyB });
    const newWithOld = make({ subject: "kubernetes", key: keyB, issuer: "kubernetes", issuerKey: keyA });
    const leafB = leafOf(keyB);
    const intermediates = [oldWithNew, newWithOld];
    const path = (leaf: Certificate, anchor: Certificate) => {
      const result = verifyChain({ leaf, intermediates, anchors: [anchor], atMs: now });
      return result.ok ? result.path : result.reason;
    };
    expect(path(leafA, caA)).toEqual([leafA, caA]);
    expect(path(leafB, caB)).toEqual([leafB, caB]);
    expect(path(leafA, caB)).toEqual([leafA, oldWithNew, caB]);
    expect(path(leafB, caA)).toEqual([leafB, newWithOld, caA]);
  });

  it("agrees with openssl on a chain with an intermediate", () => {
    const middle = make({
      subject: "middle",
      key: keyB,
      issuer: "kubernetes",
      issuerKey: keyA,
      ca: { isCa: true, pathLength: 0 },
    });
    const leaf = make({ subject: "leaf", key: leafKey, issuer: "middle", issuerKey: keyB, ca: "none" });
    expect(verifyChain({ leaf, intermediates: [middle], anchors: [caA], atMs: now })).toEqual({
      ok: true,
      path: [leaf, middle, caA],
    });
    expect(verifyChain({ leaf, anchors: [caA], atMs: now })).toEqual({ ok: false, reason: "no-path" });
    const leafPath = write("leaf.crt", leaf);
    const args = [
      "-CAfile",
      write("a.crt", caA),
      "-untrusted",
      write("middle.crt", middle),
      "-attime",
      String(now / 1000),
    ];
    expect(openssl(["verify", ...args, leafPath]).trim()).toBe(`${leafPath}: OK`);
  });

  it("names times, and looks past them when told to", () => {
    const early = leafOf(keyA, { from: start + 10 * dayMs });
    expect(verifyChain({ leaf: early, anchors: [caA], atMs: now })).toMatchObject({
      reason: "not-yet-valid",
      at: early,
    });
    const late = leafOf(keyA, { days: 0.5 });
    expect(verifyChain({ leaf: late, anchors: [caA], atMs: now })).toMatchObject({
      reason: "expired",
      at: late,
    });
    expect(verifyChain({ leaf: late, anchors: [caA], atMs: now, ignoreTime: true }).ok).toBe(true);
    expect(verifyChain({ leaf: leafA, anchors: [caA], atMs: leafA.notAfter }).ok).toBe(true);
    expect(verifyChain({ leaf: leafA, anchors: [caA], atMs: leafA.notAfter + 1 }).ok).toBe(false);
  });

  it.each<[string, Partial<Make>]>([
    ["not-a-ca", { ca: "none" }],
    ["not-a-ca", { ca: { isCa: false } }],
    ["not-a-ca", { more: [encodeKeyUsage(["cRLSign"])] }],
    ["name-constraints-unchecked", { more: [encodeExtension("2.5.29.30", true, Uint8Array.of(0x30, 0))] }],
    ["unhandled-critical-extension", { more: [encodeExtension("1.2.3.4", true, Uint8Array.of(5, 0))] }],
  ])("says %s of the authority", (reason, change) => {
    const anchor = make({ subject: "kubernetes", key: keyA, ...change });
    expect(verifyChain({ leaf: leafA, anchors: [anchor], atMs: now })).toMatchObject({
      ok: false,
      reason,
      at: anchor,
    });
  });

  it("counts the path length without self-issued certificates", () => {
    const root = make({ subject: "root", key: keyA, ca: { isCa: true, pathLength: 0 } });
    const middle = make({ subject: "middle", key: keyB, issuer: "root", issuerKey: keyA });
    const again = make({ subject: "root", key: keyB, issuer: "root", issuerKey: keyA });
    const under = (issuer: string) =>
      make({ subject: "leaf", key: leafKey, issuer, issuerKey: keyB, ca: "none" });
    const judge = (leaf: Certificate, intermediates: readonly Certificate[]) =>
      verifyChain({ leaf, intermediates, anchors: [root], atMs: now });
    expect(judge(under("middle"), [middle])).toMatchObject({ ok: false, reason: "path-length", at: root });
    expect(judge(under("root"), [again]).ok).toBe(true);
  });

  it("accepts a version 1 root and an anchor that is the leaf itself", () => {
    const root = make({ subject: "kubernetes", key: keyA, version: 1 });
    expect(verifyChain({ leaf: leafA, anchors: [root], atMs: now }).ok).toBe(true);
    expect(verifyChain({ leaf: leafA, anchors: [leafA], atMs: now })).toEqual({ ok: true, path: [leafA] });
  });

  it("stays bounded with authorities that all sign each other", () => {
    // Without a limit, thirty of them have more paths than anyone could walk.
    const doubles = Array.from({ length: 30 }, (_, i) =>
      make({ subject: "kubernetes", key: keyA, days: i + 1 }),
    );
    const anchors = [make({ subject: "elsewhere", key: keyB })];
    expect(verifyChain({ leaf: leafA, intermediates: doubles, anchors, atMs: now })).toEqual({
      ok: false,
      reason: "no-path",
    });
  });

  it("tells the authorities of the control planes apart", () => {
    const pki = join(unpackFixtures(), "kubeadm-ha-expired/m1/etc/kubernetes/pki");
    const read = (name: string) => readCertificate(join(pki, name));
    const anchors = [read("ca.crt"), read("etcd/ca.crt"), read("front-proxy-ca.crt")];
    const issuerOf = (name: string) => {
      const result = verifyChain({ leaf: read(name), anchors, atMs: Date.UTC(2025, 0, 1) });
      return result.ok ? anchors.indexOf(result.path[1]!) : result.reason;
    };
    expect(["apiserver.crt", "etcd/peer.crt", "front-proxy-client.crt"].map(issuerOf)).toEqual([0, 1, 2]);
  });
});
