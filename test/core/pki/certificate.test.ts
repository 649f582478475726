// Reading certificates: compared with @peculiar/x509 and node, odd ones judged as Go does, mutations survived.
import * as fc from "fast-check";
import { generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isAppError } from "../../../src/core/model/errors.ts";
import { parseCertificate } from "../../../src/core/pki/certificate.ts";
import { encodeSequence, encodeTlv } from "../../../src/core/pki/der.ts";
import { encodeTime } from "../../../src/core/pki/der-time.ts";
import { encodeBitString, encodeInteger, encodeOid } from "../../../src/core/pki/der-values.ts";
import {
  authorityKeyId,
  basicConstraints,
  encodeExtension,
  encodeKeyUsage,
  extendedKeyUsages,
  keyUsage,
  subjectAltNames,
  subjectKeyId,
} from "../../../src/core/pki/extensions.ts";
import { publicKeyFingerprint, sha256Hex } from "../../../src/core/pki/fingerprints.ts";
import { commonName, encodeName, formatName, organizations, parseName } from "../../../src/core/pki/names.ts";
import { parsePem } from "../../../src/core/pki/pem.ts";
import { unpackFixtures } from "../../support/fixtures.ts";
import { peculiar } from "./peculiar.ts";

const key = generateKeyPairSync("ed25519");
const spki = new Uint8Array(key.publicKey.export({ type: "spki", format: "der" }));
const ed25519 = encodeSequence(encodeOid("1.3.101.112"));
const name = encodeName([{ type: "CN", value: "x" }]);

interface Parts {
  readonly version?: readonly Uint8Array[];
  readonly serial?: Uint8Array;
  readonly algorithm?: Uint8Array;
  readonly subject?: Uint8Array;
  readonly validity?: readonly Uint8Array[];
  readonly spki?: Uint8Array;
  readonly extensions?: readonly Uint8Array[] | undefined;
}

const v3 = [encodeTlv(0xa0, encodeInteger(2n))];

/** A certificate of given parts, right or wrong, with a right signature. */
function handmade(parts: Parts = {}): Uint8Array {
  const tbs = encodeSequence(
    ...(parts.version ?? v3),
    parts.serial ?? encodeInteger(5n),
    parts.algorithm ?? ed25519,
    name,
    encodeSequence(...(parts.validity ?? [encodeTime(0), encodeTime(1000)])),
    parts.subject ?? name,
    parts.spki ?? spki,
    ...(parts.extensions ? [encodeTlv(0xa3, encodeSequence(...parts.extensions))] : []),
  );
  return encodeSequence(tbs, ed25519, encodeBitString(sign(null, tbs, key.privateKey)));
}

function ascii(tag: number, text: string): Uint8Array {
  return encodeTlv(tag, Buffer.from(text, "latin1"));
}

function named(value: Uint8Array, oid = "2.5.4.3"): Uint8Array {
  return encodeSequence(encodeTlv(0x31, encodeSequence(encodeOid(oid), value)));
}

function fixtureCertificates(): Uint8Array[] {
  const dir = unpackFixtures();
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
  const paths = files.filter((e) => /\.(crt|pem)$/.test(e.name)).map((e) => join(e.parentPath, e.name));
  const ders = paths.flatMap((path) =>
    parsePem(readFileSync(path)).blocks.filter((b) => b.label === "CERTIFICATE"),
  );
  return [...new Map(ders.map(({ der }) => [sha256Hex(der), der])).values()];
}

const certificates = fixtureCertificates();

function hex(value: Uint8Array | ArrayBuffer | undefined): string {
  return Buffer.from(value instanceof ArrayBuffer ? new Uint8Array(value) : (value ?? [])).toString("hex");
}

describe("every certificate of the control planes", () => {
  it("is there to be compared", () => {
    expect(certificates.length).toBeGreaterThan(30);
  });

  it("reads as node reads it", () => {
    for (const der of certificates) {
      const [ours, node] = [parseCertificate(der), new X509Certificate(der)];
      expect(ours.serialHex.toUpperCase()).toBe(node.serialNumber.padStart(2, "0"));
      expect([ours.notBefore, ours.notAfter]).toEqual([Date.parse(node.validFrom), Date.parse(node.validTo)]);
      expect(hex(ours.spkiDer)).toBe(hex(node.publicKey.export({ type: "spki", format: "der" })));
      expect(sha256Hex(ours.der)).toBe(node.fingerprint256.replaceAll(":", "").toLowerCase());
      expect(basicConstraints(ours)?.isCa ?? false).toBe(node.ca);
      const subject = parseName(ours.subjectDer)
        .rdns.flat()
        .map(({ type, value }) => `${type}=${value}`);
      expect(subject.join("\n")).toBe(node.subject ?? "");
    }
  });

  it("reads as @peculiar/x509 reads it", () => {
    for (const der of certificates) {
      const [ours, theirs] = [parseCertificate(der), new peculiar.X509Certificate(Buffer.from(der))];
      expect(ours.extensions.map((e) => [e.oid, e.critical, hex(e.valueDer)])).toEqual(
        theirs.extensions.map((e) => [e.type, e.critical, hex(e.value)]),
      );
      expect(hex(ours.signature)).toBe(hex(theirs.signature));
      const san = theirs.getExtension(peculiar.SubjectAlternativeNameExtension);
      expect(subjectAltNames(ours).map(({ kind, value }) => [kind, value])).toEqual(
        (san?.names.items ?? []).map(({ type, value }) => [type, value]),
      );
      const usages = theirs.getExtension(peculiar.ExtendedKeyUsageExtension)?.usages ?? [];
      const names: Record<string, string> = {
        "1.3.6.1.5.5.7.3.1": "serverAuth",
        "1.3.6.1.5.5.7.3.2": "clientAuth",
      };
      expect(extendedKeyUsages(ours)?.usages ?? []).toEqual(usages.map((oid) => names[String(oid)]));
      expect(hex(subjectKeyId(ours))).toBe(
        theirs.getExtension(peculiar.SubjectKeyIdentifierExtension)?.keyId ?? "",
      );
      expect(hex(authorityKeyId(ours)?.keyId)).toBe(
        theirs.getExtension(peculiar.AuthorityKeyIdentifierExtension)?.keyId ?? "",
      );
    }
  });

  it("has the key usages kubeadm gives", () => {
    const pki = join(unpackFixtures(), "kubeadm-valid/m1/etc/kubernetes/pki");
    const read = (file: string) => parseCertificate(parsePem(readFileSync(join(pki, file))).blocks[0]!.der);
    expect(keyUsage(read("apiserver.crt"))).toEqual({
      critical: true,
      bits: ["digitalSignature", "keyEncipherment"],
    });
    expect(keyUsage(read("ca.crt"))?.bits).toEqual(["digitalSignature", "keyEncipherment", "keyCertSign"]);
    expect(basicConstraints(read("ca.crt"))).toEqual({ critical: true, isCa: true });
    const admin = parseName(read("apiserver-kubelet-client.crt").subjectDer);
    expect([commonName(admin), organizations(admin)]).toEqual([
      "kube-apiserver-kubelet-client",
      ["system:masters"],
    ]);
    expect(formatName(admin)).toBe("CN=kube-apiserver-kubelet-client, O=system:masters");
  });
});

function withSerial(serial: bigint) {
  return parseCertificate(handmade({ serial: encodeInteger(serial) }));
}

describe("odd certificates", () => {
  const twice = [encodeKeyUsage(["cRLSign"]), encodeKeyUsage(["cRLSign"])];
  it.each<[string, Parts, readonly string[]]>([
    ["nothing odd", {}, []],
    ["negative serial", { serial: encodeInteger(-5n) }, ["serial-negative"]],
    ["serial zero", { serial: encodeInteger(0n) }, ["serial-zero"]],
    ["21-byte serial", { serial: encodeInteger(1n << 160n) }, ["serial-too-long"]],
    ["extension twice", { extensions: twice }, ["duplicate-extension"]],
    ["version 1", { version: [] }, ["version-1"]],
    ["version 2", { version: [encodeTlv(0xa0, encodeInteger(1n))] }, ["version-2"]],
    ["extensions in version 1", { version: [], extensions: [] }, ["version-1", "extensions-below-version-3"]],
    ["NUL in CN", { subject: named(ascii(0x0c, "a\0.evil")) }, ["nul-in-name"]],
    ["'@' in a PrintableString", { subject: named(ascii(0x13, "a@b")) }, ["name-string-invalid"]],
    ["wrong UTF-8", { subject: named(encodeTlv(0x0c, Uint8Array.of(0xff))) }, ["name-string-invalid"]],
    ["validity inverted", { validity: [encodeTime(2000), encodeTime(1000)] }, ["validity-inverted"]],
    ["time without seconds", { validity: [ascii(0x17, "7001010000Z"), encodeTime(1000)] }, ["time-not-der"]],
    [
      "GeneralizedTime before 2050",
      { validity: [encodeTime(0), ascii(0x18, "20300101000000Z")] },
      ["time-not-der"],
    ],
  ])("%s: read, and told", (_, parts, anomalies) => {
    const certificate = parseCertificate(handmade(parts));
    expect(certificate.anomalies).toEqual(anomalies);
    expect(certificate.notBefore).toBeGreaterThanOrEqual(0);
  });

  it.each<[string, Parts]>([
    ["version 4", { version: [encodeTlv(0xa0, encodeInteger(3n))] }],
    ["a serial that is not minimal", { serial: Uint8Array.of(2, 2, 0, 5) }],
    ["an empty serial", { serial: Uint8Array.of(2, 0) }],
    ["another inner algorithm", { algorithm: encodeSequence(encodeOid("1.3.101.113")) }],
    ["one date", { validity: [encodeTime(0)] }],
    ["30 February", { validity: [encodeTime(0), ascii(0x17, "240230000000Z")] }],
    ["a subject that is a string", { subject: ascii(0x0c, "x") }],
    ["an empty RDN", { subject: encodeSequence(encodeTlv(0x31)) }],
    ["a key that is no key", { spki: encodeSequence() }],
    [
      "an IP address of 5 bytes",
      {
        extensions: [encodeExtension("2.5.29.17", false, encodeSequence(encodeTlv(0x87, new Uint8Array(5))))],
      },
    ],
    [
      "a DNS name beyond ASCII",
      { extensions: [encodeExtension("2.5.29.17", false, encodeSequence(ascii(0x82, "\xe9")))] },
    ],
    [
      "a key usage that is no bit string",
      { extensions: [encodeExtension("2.5.29.15", false, ascii(0x04, "a"))] },
    ],
    ["rubbish in basicConstraints", { extensions: [encodeExtension("2.5.29.19", false, new Uint8Array(3))] }],
    [
      "an extension of four parts",
      { extensions: [encodeSequence(encodeOid("1.2.3"), ascii(4, "a"), ascii(4, "b"))] },
    ],
  ])("%s: refused", (_, parts) => {
    expect(() => parseCertificate(handmade(parts))).toThrowError(
      expect.objectContaining({ code: "certificate-malformed" }),
    );
  });

  it("refuses trailing bytes, emptiness, truncation at every byte", () => {
    const der = handmade();
    const cases = [Buffer.concat([der, Buffer.of(0)]), ...Array.from(der, (_, i) => der.subarray(0, i))];
    for (const bytes of cases) {
      expect(() => parseCertificate(bytes)).toThrowError(
        expect.objectContaining({ code: "certificate-malformed" }),
      );
    }
  });

  it("gives serials in hex and decimal", () => {
    expect(withSerial(0xabcn)).toMatchObject({ serialHex: "0abc", serialDecimal: "2748" });
    expect(withSerial(0xffn)).toMatchObject({ serialHex: "ff", serialDecimal: "255" });
    expect(withSerial(-5n)).toMatchObject({ serialHex: "-05", serialDecimal: "-5" });
    expect(withSerial(1n << 160n).serialDecimal).toBe((1n << 160n).toString());
  });

  it("reads year 9999 and orders it", () => {
    const end = Date.UTC(9999, 11, 31, 23, 59, 59);
    const read = parseCertificate(handmade({ validity: [encodeTime(0), ascii(0x18, "99991231235959Z")] }));
    expect(read.notAfter).toBe(end);
    expect(read.anomalies).toEqual([]);
  });

  it("keeps an unknown critical extension as it is", () => {
    const odd = encodeExtension("1.3.6.1.4.1.55555.2", true, Uint8Array.of(1, 2, 3));
    const [extension] = parseCertificate(handmade({ extensions: [odd] })).extensions;
    expect(extension).toMatchObject({ oid: "1.3.6.1.4.1.55555.2", critical: true, isCriticalEncoded: true });
    expect([hex(extension?.valueDer), hex(extension?.der)]).toEqual(["010203", hex(odd)]);
  });
});

describe("names", () => {
  it.each<[string, Uint8Array, string]>([
    ["PrintableString", ascii(0x13, "abc"), "CN=abc"],
    ["UTF8String", encodeTlv(0x0c, Buffer.from("主节点")), "CN=主节点"],
    ["T61String", ascii(0x14, "caf\xe9"), "CN=café"],
    ["BMPString", encodeTlv(0x1e, Buffer.from("4e3b82820041", "hex")), "CN=主节A"],
    ["UniversalString", encodeTlv(0x1c, Buffer.from("0001f600", "hex")), "CN=😀"],
    ["IA5String", ascii(0x16, "a@b"), "CN=a@b"],
    ["NUL", ascii(0x0c, "a\0b"), "CN=a\0b"],
    ["an INTEGER", encodeInteger(5n), "CN=#020105"],
  ])("of %s", (_, value, text) => {
    expect(formatName(parseName(named(value)))).toBe(text);
  });

  it("may be empty, multi-valued, long, of unknown type", () => {
    expect(parseName(encodeName([]))).toEqual({ rdns: [] });
    const attribute = (oid: string, value: string) => encodeSequence(encodeOid(oid), ascii(0x0c, value));
    const multi = encodeSequence(encodeTlv(0x31, attribute("2.5.4.10", "o"), attribute("1.2.3.4", "v")));
    expect(formatName(parseName(multi))).toBe("O=o + 1.2.3.4=v");
    expect(commonName(parseName(multi))).toBeUndefined();
    expect(commonName(parseName(named(ascii(0x0c, "x".repeat(200)))))).toHaveLength(200);
  });

  it("are written as Go writes them", () => {
    const der = encodeName([
      { type: "C", value: "CN" },
      { type: "O", value: "system:masters" },
      { type: "CN", value: "a*b" },
      { type: "emailAddress", value: "a@b" },
    ]);
    expect(formatName(parseName(der))).toBe("emailAddress=a@b, CN=a*b, O=system:masters, C=CN");
    expect(hex(der)).toContain(`130e${hex(Buffer.from("system:masters"))}`);
    expect(hex(der)).toContain(`0c03${hex(Buffer.from("a*b"))}`);
    expect(hex(der)).toContain(`1603${hex(Buffer.from("a@b"))}`);
    expect(() => encodeName([{ type: "XX", value: "" }])).toThrowError(
      expect.objectContaining({ code: "value-invalid" }),
    );
  });
});

describe("fingerprints", () => {
  it("are the digests of the bytes", () => {
    expect(sha256Hex(new Uint8Array(0))).toBe(
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    expect(publicKeyFingerprint(spki)).toBe(`SHA256:${sha256Hex(spki)}`);
  });
});

/** Bytes overwritten, cut out, doubled: as a broken disk or a hostile file would have them. */
const mutation = fc.array(fc.tuple(fc.constantFrom("set", "cut", "insert"), fc.nat(), fc.nat(255)), {
  minLength: 1,
  maxLength: 4,
});

function mutate(der: Uint8Array, changes: readonly (readonly [string, number, number])[]): Uint8Array {
  const bytes = [...der];
  for (const [how, where, value] of changes) {
    const at = where % bytes.length;
    if (how === "set") bytes[at] = value;
    else bytes.splice(at, how === "cut" ? 1 : 0, ...(how === "cut" ? [] : [value]));
  }
  return Uint8Array.from(bytes);
}

describe("a mutated certificate", () => {
  it("is read or is malformed, and nothing else", () => {
    let read = 0;
    fc.assert(
      fc.property(fc.constantFrom(...certificates, handmade()), mutation, (der, changes) => {
        try {
          const certificate = parseCertificate(mutate(der, changes));
          void [certificate.anomalies, certificate.serialHex, certificate.serialDecimal];
          void [subjectAltNames(certificate), keyUsage(certificate), extendedKeyUsages(certificate)];
          void [basicConstraints(certificate), subjectKeyId(certificate), authorityKeyId(certificate)];
          void [formatName(parseName(certificate.subjectDer)), formatName(parseName(certificate.issuerDer))];
          read++;
        } catch (error) {
          if (!isAppError(error, "certificate-malformed")) throw error;
        }
      }),
      { numRuns: 5000 },
    );
    // About a tenth of them: enough that reading is tried, too few to be sure of five hundred.
    expect(read).toBeGreaterThan(300);
  });

  it("is no problem when it is no certificate at all", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => parseCertificate(bytes)).toThrowError(
          expect.objectContaining({ code: "certificate-malformed" }),
        );
      }),
    );
  });
});
