// Protocol buffers by hand: just the wire format, no schema, for the few messages of etcd and the CRI that are spoken here.
import { AppError } from "../../core/model/errors.ts";

/**
 * One field to write, exactly as given: proto3 leaves zero values out, that is the caller's to do.
 * `varint` takes uint64 and int64 (two's complement), bool and enum; `bytes` takes bytes, text and nested messages.
 */
export type ProtoField =
  | readonly [field: number, wire: "varint", value: bigint | number | boolean]
  | readonly [field: number, wire: "bytes", value: Uint8Array | string];

/**
 * A message that was read. Absent fields have proto3's zero values; of a repeated singular field the last one counts;
 * fields of another wire type than asked for are as absent as unknown ones (Protocol Buffers, "Encoding").
 */
export interface ProtoMessage {
  has(field: number): boolean;
  /** uint64, uint32, enum. */
  uint(field: number): bigint;
  /** int64, int32: two's complement of 64 bits, as both are sent. */
  int(field: number): bigint;
  bool(field: number): boolean;
  /** Bytes that are not UTF-8 become U+FFFD. */
  text(field: number): string;
  bytes(field: number): Uint8Array;
  /** null when absent. @throws AppError protobuf-malformed */
  message(field: number): ProtoMessage | null;
  /** Repeated messages. @throws AppError protobuf-malformed */
  messages(field: number): readonly ProtoMessage[];
  texts(field: number): readonly string[];
  /** Repeated integers, packed or not. @throws AppError protobuf-malformed */
  uints(field: number): readonly bigint[];
}

type Wire = "varint" | "fixed64" | "bytes" | "fixed32";
interface ReadField {
  readonly field: number;
  readonly wire: Wire;
  readonly value: bigint | Uint8Array;
}

const wireNames: Readonly<Record<number, Wire>> = { 0: "varint", 1: "fixed64", 2: "bytes", 5: "fixed32" };
const maxField = 2 ** 29 - 1;

/** @throws TypeError for a field number or a value that the format cannot hold */
export function encodeMessage(fields: readonly ProtoField[]): Uint8Array {
  return Buffer.concat(fields.flatMap(encodeField));
}

function encodeField([field, wire, value]: ProtoField): readonly Uint8Array[] {
  if (!Number.isInteger(field) || field < 1 || field > maxField) throw new TypeError(`field ${field}`);
  if (wire === "varint") return [encodeVarint(field * 8), encodeVarint(value)];
  const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
  return [encodeVarint(field * 8 + 2), encodeVarint(bytes.length), bytes];
}

function encodeVarint(value: bigint | number | boolean): Uint8Array {
  const given = BigInt(value);
  if (BigInt.asUintN(64, given) !== given && BigInt.asIntN(64, given) !== given) {
    throw new TypeError("more than 64 bits");
  }
  let rest = BigInt.asUintN(64, given);
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.from([...bytes, Number(rest)]);
}

/** Unknown fields are skipped. @throws AppError protobuf-malformed for input that is cut off or no such message */
export function decodeMessage(bytes: Uint8Array): ProtoMessage {
  const fields = readFields(bytes);
  const all = (field: number, wire: Wire) =>
    fields.filter((entry) => entry.field === field && entry.wire === wire).map((entry) => entry.value);
  const uint = (field: number) => (all(field, "varint").at(-1) ?? 0n) as bigint;
  const chunks = (field: number) => all(field, "bytes") as readonly Uint8Array[];
  const last = (field: number) => chunks(field).at(-1);
  return {
    has: (field) => fields.some((entry) => entry.field === field),
    uint,
    int: (field) => BigInt.asIntN(64, uint(field)),
    bool: (field) => uint(field) !== 0n,
    text: (field) => textOf(last(field) ?? new Uint8Array()),
    bytes: (field) => last(field) ?? new Uint8Array(),
    message: (field) => mergedMessage(chunks(field)),
    messages: (field) => chunks(field).map(decodeMessage),
    texts: (field) => chunks(field).map(textOf),
    uints: (field) => fields.filter((entry) => entry.field === field).flatMap(integersOf),
  };
}

/** A message that is sent in parts is their concatenation. */
function mergedMessage(parts: readonly Uint8Array[]): ProtoMessage | null {
  return parts.length === 0 ? null : decodeMessage(Buffer.concat(parts));
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}

function integersOf({ wire, value }: ReadField): readonly bigint[] {
  if (typeof value === "bigint") return wire === "varint" ? [value] : [];
  const integers: bigint[] = [];
  for (let offset = 0; offset < value.length;) {
    const read = readVarint(value, offset);
    integers.push(read.value);
    offset = read.end;
  }
  return integers;
}

function readFields(bytes: Uint8Array): readonly ReadField[] {
  const fields: ReadField[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const tag = readVarint(bytes, offset);
    const field = Number(tag.value >> 3n);
    if (field < 1 || field > maxField) throw malformed("field number out of range", offset);
    const wire = wireNames[Number(tag.value & 7n)];
    // Groups (3 and 4) were given up before proto3.
    if (!wire) throw malformed("wire type unknown", offset);
    const read = readValue(bytes, tag.end, wire);
    fields.push({ field, wire, value: read.value });
    offset = read.end;
  }
  return fields;
}

interface Read<T> {
  readonly value: T;
  readonly end: number;
}

function readValue(bytes: Uint8Array, offset: number, wire: Wire): Read<bigint | Uint8Array> {
  if (wire === "varint") return readVarint(bytes, offset);
  if (wire === "bytes") {
    const length = readVarint(bytes, offset);
    return readBytes(bytes, length.end, Number(length.value));
  }
  const { value, end } = readBytes(bytes, offset, wire === "fixed64" ? 8 : 4);
  return { value: BigInt(`0x${Buffer.from(value).reverse().toString("hex")}`), end };
}

function readBytes(bytes: Uint8Array, offset: number, length: number): Read<Uint8Array> {
  const end = offset + length;
  if (end > bytes.length) throw malformed("cut off", offset);
  return { value: bytes.subarray(offset, end), end };
}

function readVarint(bytes: Uint8Array, offset: number): Read<bigint> {
  let value = 0n;
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[offset + index];
    if (byte === undefined) throw malformed("cut off", offset);
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: offset + index + 1 };
  }
  throw malformed("number longer than 64 bits", offset);
}

function malformed(reason: string, offset: number): AppError<"protobuf-malformed"> {
  return new AppError("protobuf-malformed", { reason, offset });
}
