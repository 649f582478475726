// The wire format: the specification's examples, every value there and back, and input that is damaged.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAppError } from "../../../src/core/model/errors.ts";
import { decodeMessage, encodeMessage, type ProtoField } from "../../../src/drivers/shared/protobuf.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const fromHex = (text: string) => Buffer.from(text, "hex");
const faultOf = (bytes: Uint8Array) => {
  try {
    decodeMessage(bytes);
    return null;
  } catch (error) {
    return isAppError(error, "protobuf-malformed") ? error.params : error;
  }
};

describe("protocol buffers", () => {
  it("writes the bytes of the specification's examples", () => {
    expect(hex(encodeMessage([[1, "varint", 150]]))).toBe("089601");
    expect(hex(encodeMessage([[2, "bytes", "testing"]]))).toBe("120774657374696e67");
    expect(hex(encodeMessage([[3, "bytes", encodeMessage([[1, "varint", 150]])]]))).toBe("1a03089601");
    expect(hex(encodeMessage([[1, "varint", -1n]]))).toBe("08ffffffffffffffffff01");
    expect(hex(encodeMessage([[536_870_911, "varint", true]]))).toBe("f8ffffff0f01");
  });

  it("gives back every integer and every text", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            field: fc.integer({ min: 1, max: 2 ** 29 - 1 }),
            value: fc.bigInt(0n, 2n ** 64n - 1n),
          }),
        ),
        fc.string({ unit: "grapheme" }),
        (integers, text) => {
          const fields: ProtoField[] = integers.map(({ field, value }) => [field, "varint", value]);
          const read = decodeMessage(encodeMessage([...fields, [7, "bytes", text]]));
          expect(read.text(7)).toBe(text);
          for (const { field } of integers) {
            const all = integers.filter((entry) => entry.field === field).map((entry) => entry.value);
            expect(read.uint(field)).toBe(all.at(-1));
            // Field 7 also holds the text here, which a list of integers would take for packed ones.
            if (field !== 7) expect(read.uints(field)).toEqual(all);
          }
        },
      ),
    );
  });

  it("gives back negative numbers as two's complement", () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
        expect(decodeMessage(encodeMessage([[4, "varint", value]])).int(4)).toBe(value);
      }),
    );
  });

  it("refuses every message that is cut off inside a field, and reads what is cut between two", () => {
    const bytes = encodeMessage([
      [1, "varint", 300],
      [2, "bytes", "abc"],
    ]);
    const whole = new Set([0, 3, bytes.length]);
    for (let length = 0; length <= bytes.length; length += 1) {
      const fault = faultOf(bytes.subarray(0, length));
      if (whole.has(length)) expect(fault).toBeNull();
      else expect(fault).toMatchObject({ reason: "cut off" });
    }
  });

  it("never fails in another way, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const fault = faultOf(bytes);
        if (fault !== null) expect(fault).toMatchObject({ reason: expect.any(String) });
      }),
    );
  });

  it("names what is wrong and where", () => {
    expect(faultOf(fromHex("00"))).toEqual({ reason: "field number out of range", offset: 0 });
    expect(faultOf(fromHex("08010b"))).toEqual({ reason: "wire type unknown", offset: 2 });
    expect(faultOf(fromHex("08ffffffffffffffffffff01"))).toEqual({
      reason: "number longer than 64 bits",
      offset: 1,
    });
    expect(faultOf(fromHex("12ffffffffffffffff7f00"))).toEqual({ reason: "cut off", offset: 10 });
  });

  it("has proto3's zero values for what is absent, and skips fixed-size and unknown fields", () => {
    const read = decodeMessage(fromHex("0d010000001102000000000000001805"));
    expect([read.has(9), read.uint(9), read.bool(9), read.text(9), read.texts(9)]).toEqual([
      false,
      0n,
      false,
      "",
      [],
    ]);
    expect([read.message(9), read.messages(9), read.bytes(9).length]).toEqual([null, [], 0]);
    expect([read.uint(1), read.has(1), read.uint(3)]).toEqual([0n, true, 5n]);
  });

  it("takes the last of a repeated integer, merges parts of a message, reads packed and single integers alike", () => {
    const part = (field: number, value: number) => encodeMessage([[field, "varint", value]]);
    const read = decodeMessage(
      encodeMessage([
        [1, "varint", 1],
        [1, "varint", 2],
        [2, "bytes", part(1, 5)],
        [2, "bytes", part(2, 6)],
        [3, "varint", 7],
        [3, "bytes", fromHex("089601")],
      ]),
    );
    expect(read.uint(1)).toBe(2n);
    expect([read.message(2)?.uint(1), read.message(2)?.uint(2)]).toEqual([5n, 6n]);
    expect(read.messages(2).map((message) => message.uint(1))).toEqual([5n, 0n]);
    expect(read.uints(3)).toEqual([7n, 8n, 150n]);
  });

  it("refuses to write what the format cannot hold", () => {
    expect(() => encodeMessage([[0, "varint", 1]])).toThrow(TypeError);
    expect(() => encodeMessage([[2 ** 29, "varint", 1]])).toThrow(TypeError);
    expect(() => encodeMessage([[1, "varint", 2n ** 64n]])).toThrow(TypeError);
    expect(() => encodeMessage([[1, "varint", -(2n ** 63n) - 1n]])).toThrow(TypeError);
  });
});
