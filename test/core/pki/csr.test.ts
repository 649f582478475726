// Certification requests: read by openssl and @peculiar/x509, and theirs by us; every byte of the identity kept.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { isAppError } from "../../../src/core/model/errors.ts";
import { findExtension } from "../../../src/core/pki/certificate.ts";
import { asksTheSame, createRequest, isSelfSignedRequest, parseRequest } from "../../../src/core/pki/csr.ts";
import { extensionOids } from "../../../src/core/pki/extensions.ts";
import { requestedExtensions } from "../../../src/core/pki/renew-extensions.ts";
import { encodePem, parsePem } from "../../../src/core/pki/pem.ts";
import { makeAuthority, makeLeaf, openssl } from "./openssl.ts";
import { peculiar } from "./peculiar.ts";

const dir = mkdtempSync(join(tmpdir(), "perennial-csr-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const ca = makeAuthority(dir, "ca");
const kinds = ["RSA-2048", "ECDSA-P256", "ECDSA-P384", "ECDSA-P521", "Ed25519"] as const;
const leafs = new Map(kinds.map((kind) => [kind, makeLeaf(dir, kind, ca, { kind })]));

function requestOf(kind: (typeof kinds)[number], addSans: Parameters<typeof requestedExtensions>[1] = []) {
  const { certificate, key } = leafs.get(kind)!;
  const extensionsDer = requestedExtensions(certificate, addSans);
  return createRequest({ subjectDer: certificate.subjectDer, extensionsDer, key });
}

describe("a request of ours", () => {
  it.each(kinds)(
    "with a key of kind %s is verified by openssl and keeps subject and usages",
    async (kind) => {
      const path = join(dir, `${kind}.ours.csr`);
      writeFileSync(path, encodePem("CERTIFICATE REQUEST", requestOf(kind)));
      const text = openssl(["req", "-in", path, "-verify", "-noout", "-text", "-nameopt", "utf8"]);
      expect(text).toContain("DNS:kubernetes.default.svc, DNS:*.example.internal, IP Address:10.96.0.1");
      expect(text).toMatch(/Key Usage: critical\s+Digital Signature, Key Encipherment/);
      expect(text).toContain("TLS Web Server Authentication, TLS Web Client Authentication");
      expect(text).not.toMatch(/Basic Constraints|Key Identifier|1\.3\.6\.1\.4\.1\.55555/);
      const theirs = new peculiar.Pkcs10CertificateRequest(Buffer.from(requestOf(kind)));
      expect(new Uint8Array(theirs.publicKey.rawData)).toEqual(leafs.get(kind)!.certificate.spkiDer);
      expect(theirs.extensions.map(({ type, critical }) => [type, critical])).toEqual([
        [extensionOids.keyUsage, true],
        [extensionOids.extendedKeyUsage, false],
        [extensionOids.subjectAltName, false],
      ]);
    },
  );

  it.each(kinds)("with a key of kind %s reads back to the byte", (kind) => {
    const { certificate } = leafs.get(kind)!;
    const request = parseRequest(requestOf(kind));
    expect(request.subjectDer).toEqual(certificate.subjectDer);
    expect(request.spkiDer).toEqual(certificate.spkiDer);
    expect(isSelfSignedRequest(request)).toBe(true);
    for (const { oid, der } of request.extensions) expect(der).toEqual(findExtension(certificate, oid)?.der);
  });

  it("asks for names that are added, and is then another request", () => {
    const { certificate } = leafs.get("ECDSA-P256")!;
    const plain = { subjectDer: certificate.subjectDer, extensionsDer: requestedExtensions(certificate) };
    const more = parseRequest(requestOf("ECDSA-P256", [{ kind: "dns", value: "lb.example" }]));
    expect(asksTheSame(parseRequest(requestOf("ECDSA-P256")), plain)).toBe(true);
    expect(asksTheSame(more, plain)).toBe(false);
    const path = join(dir, "more.csr");
    writeFileSync(path, encodePem("CERTIFICATE REQUEST", more.der));
    expect(openssl(["req", "-in", path, "-noout", "-text"])).toContain("DNS:lb.example");
  });

  it("without extensions has an empty set of attributes, which openssl accepts", () => {
    const { certificate, key } = leafs.get("Ed25519")!;
    const der = createRequest({ subjectDer: certificate.subjectDer, extensionsDer: [], key });
    const path = join(dir, "empty.csr");
    writeFileSync(path, encodePem("CERTIFICATE REQUEST", der));
    expect(openssl(["req", "-in", path, "-verify", "-noout", "-text"])).toContain("Requested Extensions");
    expect(parseRequest(der).extensions).toEqual([]);
  });
});

describe("a request of openssl's", () => {
  it.each(kinds)("with a key of kind %s is read and verified", (kind) => {
    const [block] = parsePem(readFileSync(join(dir, `${kind}.csr`))).blocks;
    const request = parseRequest(block!.der);
    expect(isSelfSignedRequest(request)).toBe(true);
    expect(request.spkiDer).toEqual(leafs.get(kind)!.certificate.spkiDer);
    expect(request.subjectDer).toEqual(leafs.get(kind)!.certificate.subjectDer);
  });
});

describe("a damaged request", () => {
  it("is never taken for a good one", () => {
    const der = requestOf("ECDSA-P256");
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Uint8Array.from(der);
        bytes[at] = (bytes[at] ?? 0) ^ change;
        let isGood = false;
        try {
          isGood = isSelfSignedRequest(parseRequest(bytes));
        } catch (error) {
          if (!isAppError(error, "certificate-malformed")) throw error;
        }
        expect(isGood).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it("cut off, empty or huge is malformed", () => {
    const der = requestOf("ECDSA-P256");
    for (const bytes of [der.subarray(0, -1), new Uint8Array(), new Uint8Array(70_000)]) {
      expect(() => parseRequest(bytes)).toThrow(expect.objectContaining({ code: "certificate-malformed" }));
    }
  });
});
