// Private keys in every form found on a node; what cannot be read says why, without a byte of the key.
import * as fc from "fast-check";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAppError } from "../../../src/core/model/errors.ts";
import { encodeSequence, encodeTlv, readChildren, readTlv } from "../../../src/core/pki/der.ts";
import { encodeOid } from "../../../src/core/pki/der-values.ts";
import {
  asPrivateKey,
  encodePrivateKey,
  formatKeySpec,
  keySpecOfSpki,
  parseKeySpec,
  readPrivateKey,
} from "../../../src/core/pki/keys.ts";
import { encodePem, parsePem } from "../../../src/core/pki/pem.ts";
import { unpackFixtures } from "../../support/fixtures.ts";
import { openssl } from "./openssl.ts";

const dir = mkdtempSync(join(tmpdir(), "perennial-keys-"));
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

function make(name: string, [command = "", ...args]: readonly string[]): Uint8Array {
  const path = join(dir, name);
  openssl([command, "-out", path, ...args]);
  return readFileSync(path);
}

function error(code: string, params?: object) {
  return expect.objectContaining(params ? { code, params } : { code });
}

let rsa: Uint8Array;
let ec: Uint8Array;
beforeAll(() => {
  rsa = make("rsa.pem", ["genrsa", "-traditional", "2048"]);
  ec = make("ec.pem", ["ecparam", "-name", "prime256v1", "-genkey"]);
});

function fingerprintByOpenssl(name: string): string {
  return openssl(["pkey", "-in", join(dir, name), "-pubout"]).trim();
}

function spkiPem(bytes: Uint8Array): string {
  return Buffer.from(encodePem("PUBLIC KEY", bytes)).toString().trim();
}

function read(text: string): () => unknown {
  return () => readPrivateKey(Buffer.from(text));
}

function label(bytes: Uint8Array): string | undefined {
  return parsePem(bytes).blocks[0]?.label;
}

function spki(key: ReturnType<typeof generateKeyPairSync>): Uint8Array {
  return key.publicKey.export({ type: "spki", format: "der" });
}

describe("readPrivateKey", () => {
  it("reads PKCS#1", () => {
    const key = readPrivateKey(rsa);
    expect([key.format, formatKeySpec(key.spec)]).toEqual(["pkcs1", "RSA-2048"]);
    expect(spkiPem(key.spkiDer)).toBe(fingerprintByOpenssl("rsa.pem"));
  });

  it("reads SEC1 behind EC PARAMETERS", () => {
    expect(Buffer.from(ec).toString()).toMatch(/^-----BEGIN EC PARAMETERS-----/);
    const key = readPrivateKey(ec);
    expect([key.format, formatKeySpec(key.spec)]).toEqual(["sec1", "ECDSA-P256"]);
    expect(spkiPem(key.spkiDer)).toBe(fingerprintByOpenssl("ec.pem"));
  });

  it("reads SEC1 that leaves its curve to EC PARAMETERS", () => {
    const [parameters, block] = parsePem(ec).blocks;
    const parts = readChildren(block!.der, readTlv(block!.der, 0)).filter(({ tag }) => tag !== 0xa0);
    const bare = encodeSequence(...parts.map(({ start, end }) => block!.der.subarray(start, end)));
    const file = Buffer.concat([
      encodePem("EC PARAMETERS", parameters!.der),
      encodePem("EC PRIVATE KEY", bare),
    ]);
    expect(readPrivateKey(file).spkiDer).toEqual(readPrivateKey(ec).spkiDer);
    expect(readPrivateKey(file).format).toBe("sec1");
  });

  it.each([
    ["rsa.pem", "pkcs8"],
    ["ec.pem", "pkcs8"],
  ])("reads PKCS#8 of %s", (name, format) => {
    const key = readPrivateKey(make(`p8-${name}`, ["pkcs8", "-topk8", "-nocrypt", "-in", join(dir, name)]));
    expect(key.format).toBe(format);
    expect(spkiPem(key.spkiDer)).toBe(fingerprintByOpenssl(name));
  });

  it("reads DER instead of PEM, whatever the structure", () => {
    for (const [pem, format] of [
      [rsa, "pkcs1"],
      [ec, "sec1"],
    ] as const) {
      const der = parsePem(pem).blocks.at(-1)!.der;
      expect(readPrivateKey(der).format).toBe(format);
    }
    const ed = generateKeyPairSync("ed25519").privateKey;
    expect(readPrivateKey(ed.export({ type: "pkcs8", format: "der" }))).toMatchObject({
      format: "pkcs8",
      spec: { kind: "ed25519" },
    });
  });

  it("reads PKCS#8 under the label of PKCS#1, CRLF, and a key behind certificates", () => {
    const der = createPrivateKey(Buffer.from(rsa)).export({ type: "pkcs8", format: "der" });
    const mislabelled = Buffer.from(encodePem("RSA PRIVATE KEY", der)).toString().replaceAll("\n", "\r\n");
    const file = Buffer.from(
      `${Buffer.from(encodePem("CERTIFICATE", new Uint8Array(3))).toString()}${mislabelled}`,
    );
    expect(readPrivateKey(file).format).toBe("pkcs8");
    expect(readPrivateKey(file).spkiDer).toEqual(readPrivateKey(rsa).spkiDer);
  });

  it("asks for the passphrase of PBES2, and reads with it", () => {
    const pem = make("enc.pem", [
      "pkcs8",
      "-topk8",
      "-v2",
      "aes-256-cbc",
      "-in",
      join(dir, "rsa.pem"),
      "-passout",
      "pass:secret",
    ]);
    expect(() => readPrivateKey(pem)).toThrowError(error("key-encrypted", { format: "PKCS#8" }));
    expect(readPrivateKey(pem, { passphrase: "secret" }).spkiDer).toEqual(readPrivateKey(rsa).spkiDer);
    expect(() => readPrivateKey(pem, { passphrase: "wrong" })).toThrowError(error("key-malformed"));
    expect(() => readPrivateKey(parsePem(pem).blocks[0]!.der)).toThrowError(error("key-encrypted"));
  });

  it.each(["rsa.pem", "ec.pem"])("asks for the passphrase of DEK-Info, and reads with it: %s", (name) => {
    const args = name === "rsa.pem" ? ["rsa", "-traditional"] : ["ec"];
    const pem = make(`dek-${name}`, [...args, "-aes128", "-in", join(dir, name), "-passout", "pass:secret"]);
    expect(Buffer.from(pem).toString()).toContain("DEK-Info");
    expect(() => readPrivateKey(pem)).toThrowError(error("key-encrypted", { format: "PEM with DEK-Info" }));
    const key = readPrivateKey(pem, { passphrase: "secret" });
    expect([spkiPem(key.spkiDer), key.format]).toEqual([
      fingerprintByOpenssl(name),
      name === "rsa.pem" ? "pkcs1" : "sec1",
    ]);
    expect(() => readPrivateKey(pem, { passphrase: "wrong" })).toThrowError(error("key-malformed"));
  });

  it("says what is wrong with everything else", () => {
    expect(read("")).toThrowError(error("key-malformed"));
    expect(read("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")).toThrowError(
      error("key-malformed", { reason: "no private key in the file" }),
    );
    expect(read(Buffer.from(rsa).toString().slice(0, 500))).toThrowError(
      error("pem-malformed", { reason: "truncated", line: 1 }),
    );
    expect(
      read("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"),
    ).toThrowError(error("key-unsupported", { algorithm: "OPENSSH PRIVATE KEY" }));
    const secp = make("k1.pem", ["ecparam", "-name", "secp256k1", "-genkey", "-noout"]);
    expect(() => readPrivateKey(secp)).toThrowError(error("key-unsupported", { algorithm: "1.3.132.0.10" }));
  });

  it("reads every key of the control planes", () => {
    const pki = join(unpackFixtures(), "kubeadm-ecdsa-expired/m1/etc/kubernetes/pki");
    expect(formatKeySpec(readPrivateKey(readFileSync(join(pki, "ca.key"))).spec)).toBe("ECDSA-P256");
    expect(readPrivateKey(readFileSync(join(pki, "ca.key"))).format).toBe("sec1");
  });

  it("survives mutations with coded errors alone, and never shows the key", () => {
    const ders = [parsePem(rsa).blocks[0]!.der, parsePem(ec).blocks[1]!.der];
    fc.assert(
      fc.property(fc.constantFrom(...ders), fc.nat(), fc.nat(255), fc.boolean(), (der, where, value, cut) => {
        const bytes = [...der];
        bytes.splice(where % bytes.length, 1, ...(cut ? [] : [value]));
        try {
          readPrivateKey(Uint8Array.from(bytes));
        } catch (error_) {
          if (!isAppError(error_)) throw error_;
          expect(["key-malformed", "key-unsupported", "key-encrypted"]).toContain(error_.code);
          expect(String(error_)).not.toContain(Buffer.from(der.subarray(30, 40)).toString("hex"));
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe("encodePrivateKey", () => {
  it("writes what it read, byte for byte", () => {
    const rsaKey = readPrivateKey(rsa);
    expect(Buffer.from(encodePrivateKey(rsaKey.keyObject, rsaKey.format)).equals(rsa)).toBe(true);
    const ecKey = readPrivateKey(ec);
    const second = parsePem(ec).blocks[1]!;
    expect(
      Buffer.from(encodePrivateKey(ecKey.keyObject, ecKey.format)).equals(
        ec.subarray(second.start, second.end),
      ),
    ).toBe(true);
  });

  it("takes kubeadm's format for the kind when the old one does not fit", () => {
    const ecKey = readPrivateKey(ec).keyObject;
    expect(label(encodePrivateKey(ecKey, "pkcs1"))).toBe("EC PRIVATE KEY");
    expect(label(encodePrivateKey(readPrivateKey(rsa).keyObject, "sec1"))).toBe("RSA PRIVATE KEY");
    expect(label(encodePrivateKey(ecKey, "pkcs8"))).toBe("PRIVATE KEY");
    expect(label(encodePrivateKey(generateKeyPairSync("ed25519").privateKey, "pkcs1"))).toBe("PRIVATE KEY");
  });

  it("refuses a public key", () => {
    expect(() => asPrivateKey(generateKeyPairSync("ed25519").publicKey)).toThrowError(TypeError);
  });
});

describe("key specs", () => {
  it.each(["RSA-2048", "RSA-3072", "RSA-4096", "ECDSA-P256", "ECDSA-P384", "ECDSA-P521", "Ed25519"])(
    "%s has one spelling",
    (text) => {
      expect(formatKeySpec(parseKeySpec(text.toLowerCase()))).toBe(text);
    },
  );

  it.each(["RSA-1024", "P-256", "", "ed448"])("'%s' is none", (text) => {
    expect(() => parseKeySpec(text)).toThrowError(error("value-invalid"));
  });

  it("come out of public keys, odd modulus sizes included", () => {
    expect(keySpecOfSpki(spki(generateKeyPairSync("rsa", { modulusLength: 1023 })))).toEqual({
      kind: "rsa",
      bits: 1023,
    });
    expect(keySpecOfSpki(spki(generateKeyPairSync("ec", { namedCurve: "P-521" })))).toEqual({
      kind: "ecdsa",
      curve: "P-521",
    });
    expect(() => keySpecOfSpki(spki(generateKeyPairSync("rsa-pss", { modulusLength: 1024 })))).toThrowError(
      error("key-unsupported", { algorithm: "1.2.840.113549.1.1.10" }),
    );
    const strange = encodeSequence(encodeSequence(encodeOid("1.2.3")), encodeTlv(0x03, Uint8Array.of(0)));
    expect(() => keySpecOfSpki(strange)).toThrowError(error("key-unsupported", { algorithm: "1.2.3" }));
  });
});
