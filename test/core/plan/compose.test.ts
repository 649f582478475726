// Composing an object's new bytes: what is replaced, and what stays byte for byte.
import { generateKeyPairSync } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { composeObject, type IssuedMaterial } from "../../../src/core/plan/compose.ts";
import { canonicalJson } from "../../../src/core/plan/digest.ts";
import { AppError } from "../../../src/core/model/errors.ts";
import { encodePem } from "../../../src/core/pki/pem.ts";

const slot = "m1/apiserver";
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const pem = (label: string, fill: number): string => text(encodePem(label, new Uint8Array(70).fill(fill)));
const fresh = new Uint8Array(90).fill(9);
const newCertificate = text(encodePem("CERTIFICATE", fresh));
const newKey = pem("EC PRIVATE KEY", 8);

function issued(keyKept: boolean): ReadonlyMap<string, IssuedMaterial> {
  return new Map([[slot, { certificateDer: fresh, keyPem: Buffer.from(newKey), keyKept }]]);
}

const filler = fc.stringMatching(/^[a-z# \t]{0,20}$/).map((line) => `${line}\n`);

describe("composing a certificate file", () => {
  it("replaces the certificate of that number and nothing else, whatever stands around it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(filler, fc.nat({ max: 7 })), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.boolean(),
        filler,
        (blocks, at, crlf, tail) => {
          const index = at % blocks.length;
          const lineEnds = (value: string): string => (crlf ? value.replaceAll("\n", "\r\n") : value);
          const file = (replaced: string | null): string =>
            lineEnds(
              blocks
                .map(
                  ([around, fill], i) =>
                    around + (i === index && replaced !== null ? replaced : pem("CERTIFICATE", fill)),
                )
                .join("") + tail,
            );
          const content = { form: "pem-certificate", slot, index } as const;
          const composed = composeObject({
            old: Buffer.from(file(null), "latin1"),
            content,
            issued: issued(false),
          });
          expect(text(composed)).toBe(file(newCertificate));
        },
      ),
    );
  });

  it("keeps a missing last newline missing", () => {
    const old = Buffer.from(pem("CERTIFICATE", 1).trimEnd());
    const composed = composeObject({
      old,
      content: { form: "pem-certificate", slot, index: 0 },
      issued: issued(false),
    });
    expect(text(composed)).toBe(newCertificate.trimEnd());
  });

  it.each([
    [{ form: "pem-certificate", slot, index: 1 }, "there is no certificate number 2"],
    [{ form: "pem-combined", slot, index: 0 }, "there is no private key to replace"],
    [{ form: "pem-certificate", slot: "m1/other", index: 0 }, "nothing was issued for this slot"],
  ] as const)("refuses %o", (content, reason) => {
    const old = Buffer.from(pem("CERTIFICATE", 1));
    const compose = (): unknown => composeObject({ old, content, issued: issued(false) });
    expect(compose).toThrow(AppError);
    expect(compose).toThrow(reason);
  });
});

describe("composing a key file", () => {
  const parameters = pem("EC PARAMETERS", 3);

  it("replaces the key and keeps the parameters before it", () => {
    const old = Buffer.from(`# mine\n${parameters}${pem("EC PRIVATE KEY", 1)}`);
    expect(text(composeObject({ old, content: { form: "pem-key", slot }, issued: issued(false) }))).toBe(
      `# mine\n${parameters}${newKey}`,
    );
  });

  it.each(["", "-----BEGIN EC PRIVATE KEY-----\nMHc", "junk"])(
    "writes a whole new one over %j",
    (damaged) => {
      expect(
        text(
          composeObject({
            old: Buffer.from(damaged),
            content: { form: "pem-key", slot },
            issued: issued(false),
          }),
        ),
      ).toBe(newKey);
    },
  );

  it("leaves a kept key's bytes alone", () => {
    const old = Buffer.from(`${parameters}${pem("EC PRIVATE KEY", 1)}`);
    expect(text(composeObject({ old, content: { form: "pem-key", slot }, issued: issued(true) }))).toBe(
      text(old),
    );
  });
});

describe("composing a combined file", () => {
  const old = Buffer.from(`${pem("PRIVATE KEY", 1)}${pem("CERTIFICATE", 2)}${pem("CERTIFICATE", 3)}`);
  const content = { form: "pem-combined", slot, index: 0 } as const;

  it("replaces key and certificate in their places", () => {
    expect(text(composeObject({ old, content, issued: issued(false) }))).toBe(
      `${newKey}${newCertificate}${pem("CERTIFICATE", 3)}`,
    );
  });

  it("replaces only the certificate when the key is kept", () => {
    expect(text(composeObject({ old, content, issued: issued(true) }))).toBe(
      `${pem("PRIVATE KEY", 1)}${newCertificate}${pem("CERTIFICATE", 3)}`,
    );
  });
});

const base64 = (value: string): string => Buffer.from(value, "latin1").toString("base64");

const kubeconfigOf = (certificate: string, key: string): string =>
  `apiVersion: v1 # first\r\nkind: Config\r\nusers:\r\n- name: a\r\n  user: {client-certificate-data: "${base64(certificate)}", client-key-data: ${base64(key)}}\r\n`;

describe("composing a kubeconfig", () => {
  const content = { form: "kubeconfig", users: [{ user: "a", slot }] } as const;
  const chain = pem("CERTIFICATE", 4);

  it("replaces the user's embedded leaf and key; the chain behind the leaf stays", () => {
    const old = Buffer.from(kubeconfigOf(pem("CERTIFICATE", 1) + chain, pem("EC PRIVATE KEY", 1)));
    expect(text(composeObject({ old, content, issued: issued(false) }))).toBe(
      kubeconfigOf(newCertificate + chain, newKey),
    );
  });

  const realKey = (
    format: "sec1" | "pkcs8",
    key = generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ): string => key.privateKey.export({ type: format, format: "pem" }).toString();
  const keptKey = (keyPem: string): ReadonlyMap<string, IssuedMaterial> =>
    new Map([[slot, { certificateDer: fresh, keyPem: Buffer.from(keyPem), keyKept: true }]]);

  it("leaves a kept key alone, however it is encoded", () => {
    const key = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const old = Buffer.from(kubeconfigOf(pem("CERTIFICATE", 1), realKey("pkcs8", key)));
    expect(text(composeObject({ old, content, issued: keptKey(realKey("sec1", key)) }))).toBe(
      kubeconfigOf(newCertificate, realKey("pkcs8", key)),
    );
  });

  it.each([
    ["another key", realKey("sec1")],
    ["a key that nobody can read", pem("EC PRIVATE KEY", 1)],
  ])("gives a copy that holds %s the kept one", (_, oldKey) => {
    const kept = realKey("sec1");
    const old = Buffer.from(kubeconfigOf(pem("CERTIFICATE", 1), oldKey));
    expect(text(composeObject({ old, content, issued: keptKey(kept) }))).toBe(
      kubeconfigOf(newCertificate, kept),
    );
  });

  it("refuses a user whose certificate is a file", () => {
    const old = Buffer.from("kind: Config\nusers:\n- {name: a, user: {client-certificate: /x.pem}}\n");
    expect(() => composeObject({ old, content, issued: issued(true) })).toThrow("splice-unsafe");
  });
});

describe("canonical JSON", () => {
  it("does not depend on the order of keys", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).toReversed());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
