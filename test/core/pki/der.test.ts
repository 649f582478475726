// Strict DER: every value survives the round trip, everything that is not DER is refused by name.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkDer, encodeTlv, readChildren, readTlv, readWhole, tags } from "../../../src/core/pki/der.ts";
import { decodeTime, encodeTime, isDerTime } from "../../../src/core/pki/der-time.ts";
import {
  decodeBitString,
  decodeBoolean,
  decodeInteger,
  decodeOid,
  decodeSmallInteger,
  encodeBitString,
  encodeInteger,
  encodeOid,
  encodeUnsignedInteger,
} from "../../../src/core/pki/der-values.ts";

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
}

function hex(value: Uint8Array): string {
  return Buffer.from(value).toString("hex");
}

function malformed(reason: string, offset = 0) {
  return expect.objectContaining({ code: "der-malformed", params: { reason, offset } });
}

describe("readTlv", () => {
  it.each([
    ["30 80 00 00", "indefinite length"],
    ["04 81 7f", "length not minimal"],
    ["04 82 00 80", "length not minimal"],
    ["04 85 00 00 00 00 01 00", "length of more than four bytes"],
    ["04 82 01", "truncated length"],
    ["04 05 00", "value reaches beyond its container"],
    ["04 84 ff ff ff ff", "value reaches beyond its container"],
    ["1f 81 01 00", "tag number above 30"],
    ["00 00", "end-of-contents tag"],
    ["30", "truncated"],
    ["", "truncated"],
  ])("refuses %s: %s", (text, reason) => {
    expect(() => readTlv(bytes(text), 0)).toThrowError(malformed(reason));
  });

  it("reads long lengths and gives offsets", () => {
    const der = encodeTlv(0x04, new Uint8Array(300));
    expect(hex(der.subarray(0, 4))).toBe("0482012c");
    expect(readTlv(der, 0)).toEqual({ tag: 4, start: 0, contentStart: 4, end: 304 });
  });

  it("keeps within its container", () => {
    const der = bytes("30 03 04 02 00 00");
    expect(() => readChildren(der, readTlv(der, 0))).toThrowError(
      malformed("value reaches beyond its container", 2),
    );
  });
});

function nested(depth: number): Uint8Array {
  let der: Uint8Array = encodeTlv(tags.null);
  for (let i = 1; i < depth; i++) der = encodeTlv(tags.sequence, der);
  return der;
}

describe("readWhole and checkDer", () => {
  it("refuse trailing bytes", () => {
    expect(() => readWhole(bytes("05 00 00"), tags.null)).toThrowError(malformed("trailing bytes", 2));
    expect(() => {
      checkDer(bytes("30 00 00"));
    }).toThrowError(malformed("trailing bytes", 2));
  });

  it("allow 32 levels and no more", () => {
    checkDer(nested(32));
    expect(() => {
      checkDer(nested(33));
    }).toThrowError(expect.objectContaining({ code: "der-malformed" }));
    const deep = nested(20_000);
    expect(() => {
      checkDer(deep);
    }).toThrowError(expect.objectContaining({ code: "der-malformed" }));
  });
});

describe("integers", () => {
  it.each([
    [0n, "020100"],
    [127n, "02017f"],
    [128n, "02020080"],
    [256n, "02020100"],
    [-1n, "0201ff"],
    [-128n, "020180"],
    [-129n, "0202ff7f"],
  ])("%s is %s", (value, text) => {
    expect(hex(encodeInteger(value))).toBe(text);
    expect(decodeInteger(bytes(text), readTlv(bytes(text), 0))).toBe(value);
  });

  it.each(["0200", "02020001", "0202ff80"])("%s is refused", (text) => {
    expect(() => decodeInteger(bytes(text), readTlv(bytes(text), 0))).toThrowError(
      expect.objectContaining({ code: "der-malformed" }),
    );
  });

  it("survive the round trip", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 200n), max: 1n << 200n }), (value) => {
        const der = encodeInteger(value);
        expect(decodeInteger(der, readWhole(der, tags.integer))).toBe(value);
      }),
    );
  });

  it("take unsigned bytes with and without leading zeros", () => {
    expect(hex(encodeUnsignedInteger(bytes("000080")))).toBe("02020080");
    expect(hex(encodeUnsignedInteger(bytes("007f")))).toBe("02017f");
    expect(hex(encodeUnsignedInteger(new Uint8Array(0)))).toBe("020100");
    expect(decodeSmallInteger(bytes("02020100"), readTlv(bytes("02020100"), 0))).toBe(256);
  });
});

describe("object identifiers", () => {
  it.each([
    ["2.5.29.17", "0603551d11"],
    ["1.2.840.113549.1.1.11", "06092a864886f70d01010b"],
    ["2.999.3", "0603883703"],
    ["0.9.2342.19200300.100.1.25", "060a0992268993f22c640119"],
  ])("%s is %s", (oid, text) => {
    expect(hex(encodeOid(oid))).toBe(text);
    expect(decodeOid(bytes(text), readTlv(bytes(text), 0))).toBe(oid);
  });

  it("survive the round trip", () => {
    const arcs = fc.tuple(fc.nat(2), fc.nat(39), fc.array(fc.nat({ max: 2 ** 31 }), { maxLength: 12 }));
    fc.assert(
      fc.property(arcs, ([a, b, rest]) => {
        const oid = [a, b, ...rest].join(".");
        const der = encodeOid(oid);
        expect(decodeOid(der, readWhole(der, tags.oid))).toBe(oid);
      }),
    );
  });

  it.each(["0600", "06022a80", "06022a86", "0603558011", "06092affffffffffffffff7f"])(
    "%s is refused",
    (text) => {
      expect(() => decodeOid(bytes(text), readTlv(bytes(text), 0))).toThrowError(
        expect.objectContaining({ code: "der-malformed" }),
      );
    },
  );

  it.each(["", "1", "3.1", "1.40", "1.2.x", "1.02"])("'%s' cannot be written", (oid) => {
    expect(() => encodeOid(oid)).toThrowError(expect.objectContaining({ code: "value-invalid" }));
  });
});

function time(text: string): number {
  const der = encodeTlv(text.length >= 15 && !/[+-]/.test(text) ? 0x18 : 0x17, Buffer.from(text, "latin1"));
  return decodeTime(der, readTlv(der, 0));
}

describe("times", () => {
  it.each([
    ["491231235959Z", "2049-12-31T23:59:59.000Z"],
    ["500101000000Z", "1950-01-01T00:00:00.000Z"],
    ["20500101000000Z", "2050-01-01T00:00:00.000Z"],
    ["99991231235959Z", "9999-12-31T23:59:59.000Z"],
    ["00000101000000Z", "0000-01-01T00:00:00.000Z"],
    ["00500229000000Z", undefined],
    ["240229000000Z", "2024-02-29T00:00:00.000Z"],
    ["230229000000Z", undefined],
    ["21000229000000Z", undefined],
    ["2401010000Z", "2024-01-01T00:00:00.000Z"],
    ["240101000000+0130", "2023-12-31T22:30:00.000Z"],
    ["240101000000", undefined],
    ["241301000000Z", undefined],
    ["240101240000Z", undefined],
    ["240101000060Z", undefined],
    ["24010100000xZ", undefined],
    ["20240101000000.5Z", undefined],
  ])("%s is %s", (text, iso) => {
    if (iso === undefined) {
      expect(() => time(text)).toThrowError(expect.objectContaining({ code: "der-malformed" }));
    } else {
      expect(new Date(time(text)).toISOString()).toBe(iso);
    }
  });

  it("survive the round trip in every year", () => {
    const [first, last] = [
      Date.parse("0000-01-01T00:00:00Z") / 1000,
      Date.parse("9999-12-31T23:59:59Z") / 1000,
    ];
    fc.assert(
      fc.property(fc.integer({ min: first, max: last }), (seconds) => {
        const der = encodeTime(seconds * 1000);
        const tlv = readTlv(der, 0);
        expect(decodeTime(der, tlv)).toBe(seconds * 1000);
        expect(tlv.tag).toBe(seconds >= -631_152_000 && seconds < 2_524_608_000 ? 0x17 : 0x18);
        expect(seconds < -631_152_000 || isDerTime(der, tlv)).toBe(true);
      }),
    );
  });

  it.each([0.5, 1500, Number.NaN, 253_402_300_800_000, Infinity])("%s cannot be written", (ms) => {
    expect(() => encodeTime(ms)).toThrowError(expect.objectContaining({ code: "value-invalid" }));
  });
});

describe("bit strings and booleans", () => {
  it("round trip", () => {
    const der = encodeBitString(bytes("a0"), 5);
    expect(hex(der)).toBe("030205a0");
    expect(decodeBitString(der, readTlv(der, 0))).toEqual({ unusedBits: 5, bytes: bytes("a0") });
  });

  it.each(["0300", "030101", "030208ff", "030201ff"])("%s is refused", (text) => {
    expect(() => decodeBitString(bytes(text), readTlv(bytes(text), 0))).toThrowError(
      expect.objectContaining({ code: "der-malformed" }),
    );
  });

  it("knows two booleans", () => {
    expect(decodeBoolean(bytes("0101ff"), readTlv(bytes("0101ff"), 0))).toBe(true);
    expect(decodeBoolean(bytes("010100"), readTlv(bytes("010100"), 0))).toBe(false);
    expect(() => decodeBoolean(bytes("010101"), readTlv(bytes("010101"), 0))).toThrowError(
      malformed("boolean neither 00 nor ff"),
    );
  });
});
