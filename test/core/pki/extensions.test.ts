// Extensions written by us, read by others; IP addresses as RFC 5952 wants them.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeSequence, encodeTlv } from "../../../src/core/pki/der.ts";
import { encodeOid } from "../../../src/core/pki/der-values.ts";
import {
  encodeAuthorityKeyId,
  encodeBasicConstraints,
  encodeExtendedKeyUsages,
  encodeGeneralName,
  encodeKeyUsage,
  encodeSubjectAltNames,
  encodeSubjectKeyId,
} from "../../../src/core/pki/extensions.ts";
import {
  decodeKeyUsage,
  decodeSubjectAltNames,
  keyUsageBits,
} from "../../../src/core/pki/extension-values.ts";
import { formatIpAddress, parseIpAddress, tryParseIpAddress } from "../../../src/core/pki/ip-address.ts";
import { encodeName } from "../../../src/core/pki/names.ts";
import { peculiar } from "./peculiar.ts";

function hex(value: Uint8Array): string {
  return Buffer.from(value).toString("hex");
}

describe("IP addresses", () => {
  it.each([
    ["10.0.0.1", "10.0.0.1"],
    ["::", "::"],
    ["::1", "::1"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["fe80:0:0:0:0:0:0:0", "fe80::"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
  ])("%s is written %s", (text, canonical) => {
    expect(formatIpAddress(parseIpAddress(text))).toBe(canonical);
  });

  it.each([
    "",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4.5",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8",
    "g::",
    "fe80::1%eth0",
    "1.2.3.4::",
    "::1.2.3.4:1",
    ":1:2:3:4:5:6:7",
    "10.0.0.0/8",
    "localhost",
  ])("'%s' is none", (text) => {
    expect(tryParseIpAddress(text)).toBeUndefined();
    expect(() => parseIpAddress(text)).toThrowError(expect.objectContaining({ code: "value-invalid" }));
  });

  it("survive the round trip, as node's URL writes them", () => {
    const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const bytes = Uint8Array.from(groups.flatMap((g) => [g >> 8, g & 0xff]));
        const text = formatIpAddress(bytes);
        expect(parseIpAddress(text)).toEqual(bytes);
        // URL knows no mixed notation; everything else is RFC 5952.
        if (!text.includes(".")) expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
      }),
      { numRuns: 500 },
    );
  });
});

describe("encoders", () => {
  const keyId = Uint8Array.of(1, 2, 3);

  it("write the bytes of @peculiar/x509", () => {
    const theirs = (extension: peculiar.Extension) => hex(new Uint8Array(extension.rawData));
    const names = [
      { type: "dns", value: "*.a.b" },
      { type: "ip", value: "10.0.0.1" },
      { type: "ip", value: "fd00::1" },
      { type: "email", value: "a@b" },
      { type: "url", value: "https://a/b" },
    ] as const;
    const ours = names.map(({ type, value }) => ({ kind: type === "url" ? ("uri" as const) : type, value }));
    expect(hex(encodeSubjectAltNames(ours))).toBe(
      theirs(new peculiar.SubjectAlternativeNameExtension([...names])),
    );
    expect(hex(encodeKeyUsage(["keyCertSign"]))).toBe(
      theirs(new peculiar.KeyUsagesExtension(peculiar.KeyUsageFlags.keyCertSign, true)),
    );
    const usages = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.2.3.4"];
    expect(hex(encodeExtendedKeyUsages(["serverAuth", "clientAuth", "1.2.3.4"]))).toBe(
      theirs(new peculiar.ExtendedKeyUsageExtension(usages)),
    );
    expect(hex(encodeBasicConstraints({ isCa: true, pathLength: 1 }))).toBe(
      theirs(new peculiar.BasicConstraintsExtension(true, 1, true)),
    );
    expect(hex(encodeBasicConstraints({ isCa: false }))).toBe(
      theirs(new peculiar.BasicConstraintsExtension(false, undefined, true)),
    );
    expect(hex(encodeSubjectKeyId(keyId))).toBe(theirs(new peculiar.SubjectKeyIdentifierExtension("010203")));
    expect(hex(encodeAuthorityKeyId({ keyId }))).toBe(
      theirs(new peculiar.AuthorityKeyIdentifierExtension("010203")),
    );
  });

  it("keep every set of key usage bits", () => {
    fc.assert(
      fc.property(fc.subarray([...keyUsageBits]), (bits) => {
        const der = encodeKeyUsage(bits, false);
        // SEQUENCE, OID (5 bytes), OCTET STRING: the value begins behind them.
        expect(decodeKeyUsage(der.subarray(9))).toEqual(bits);
      }),
    );
  });

  it("refuse names that are not ASCII or no addresses", () => {
    for (const name of [
      { kind: "dns", value: "主" },
      { kind: "dns", value: "" },
      { kind: "ip", value: "x" },
    ] as const) {
      expect(() => encodeGeneralName(name)).toThrowError(expect.objectContaining({ code: "value-invalid" }));
    }
  });
});

describe("other kinds of names", () => {
  it("are shown as well as can be, and never stop the reading", () => {
    const names = [
      encodeTlv(0xa4, encodeName([{ type: "CN", value: "x" }])),
      encodeTlv(0x88, encodeOid("1.2.3").subarray(2)),
      encodeTlv(0xa0, encodeOid("1.3.6.1"), encodeTlv(0xa0, encodeTlv(0x0c))),
      encodeTlv(0xa4, encodeTlv(0x0c)),
    ];
    const entries = decodeSubjectAltNames(encodeSequence(...names));
    expect(entries.map(({ kind, value }) => [kind, value])).toEqual([
      ["other", "dirname:CN=x"],
      ["other", "rid:1.2.3"],
      ["other", "othername:1.3.6.1"],
      ["other", "tag-4:0c00"],
    ]);
  });
});
