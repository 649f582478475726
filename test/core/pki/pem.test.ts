// PEM files in every state of disrepair: what is there is found, what is not touched stays.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodePem, parsePem, replacePemBlocks, type PemFile } from "../../../src/core/pki/pem.ts";

const one = Uint8Array.from({ length: 100 }, (_, i) => i);
const two = Uint8Array.of(7, 7, 7);
const pemOne = text(encodePem("CERTIFICATE", one));
const pemTwo = text(encodePem("X509 CRL", two));

function text(value: Uint8Array): string {
  return Buffer.from(value).toString("latin1");
}

function parse(content: string): PemFile {
  return parsePem(Buffer.from(content, "latin1"));
}

function labels(content: string): string[] {
  return parse(content).blocks.map(({ label }) => label);
}

describe("encodePem", () => {
  it("writes 64 columns and LF", () => {
    expect(pemOne.split("\n").map((line) => line.length)).toEqual([27, 64, 64, 8, 25, 0]);
    expect(text(encodePem("X", new Uint8Array(0)))).toBe("-----BEGIN X-----\n-----END X-----\n");
  });
});

describe("parsePem", () => {
  it("lists blocks with their bytes, range and line among comments and rubbish", () => {
    const content = `# my CA\n\nsubject=x\n${pemOne}\n\nBag Attributes\n${pemTwo}trailing \x00\xff rubbish`;
    const file = parse(content);
    expect(file.faults).toEqual([]);
    expect(file.blocks.map(({ label, line }) => [label, line])).toEqual([
      ["CERTIFICATE", 4],
      ["X509 CRL", 12],
    ]);
    expect(file.blocks[0]!.der).toEqual(one);
    expect(content.slice(file.blocks[0]!.start, file.blocks[0]!.end)).toBe(pemOne);
    expect(content.slice(file.blocks[1]!.start, file.blocks[1]!.end)).toBe(pemTwo);
  });

  it("reads CRLF, a BOM and blanks behind lines", () => {
    const file = parse(`\xef\xbb\xbf${pemOne.replaceAll("\n", "\r\n")}${pemTwo.replaceAll("\n", " \t\r\n")}`);
    expect(file).toMatchObject({ hasBom: true, lineEnding: "\r\n", faults: [] });
    expect(file.blocks.map(({ der }) => der)).toEqual([one, two]);
    expect(file.blocks[0]!.start).toBe(3);
  });

  it("reads a file without a last newline, and one without line breaks in the body", () => {
    expect(parse(pemOne.trimEnd()).blocks[0]).toMatchObject({ der: one, end: pemOne.length - 1 });
    const body = Buffer.from(one).toString("base64");
    expect(parse(`-----BEGIN A-----\n${body}\n-----END A-----\n`).blocks[0]?.der).toEqual(one);
  });

  it("reads RFC 1421 headers", () => {
    const content = `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\nBwcH\n-----END RSA PRIVATE KEY-----\n`;
    expect(parse(content).blocks[0]).toMatchObject({
      headers: { "Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00FF" },
      der: two,
    });
  });

  it("names what is wrong and goes on with the next block", () => {
    expect(parse(`${pemTwo}${pemOne.slice(0, 60)}`).faults).toEqual([{ kind: "truncated", line: 4 }]);
    const nested = parse(`${pemOne.slice(0, 60)}\n${pemTwo}`);
    expect(nested.faults).toEqual([{ kind: "nested-begin", line: 1 }]);
    expect(nested.blocks.map(({ label }) => label)).toEqual(["X509 CRL"]);
    const differs = parse(pemOne.replace("END CERTIFICATE", "END X") + pemTwo);
    expect(differs.faults).toEqual([{ kind: "label-differs", line: 1 }]);
    expect(differs.blocks).toHaveLength(1);
  });

  it.each(["Bw!cH", "BwcH=", "Bwc", "Bwd=", "B=wc", "Bwc_", "-----"])("refuses the body %s", (body) => {
    const file = parse(`-----BEGIN A-----\n${body}\n-----END A-----\n${pemTwo}`);
    expect(file.faults).toEqual([{ kind: "bad-base64", line: 1 }]);
    expect(file.blocks).toHaveLength(1);
  });

  it("reads both blocks when a missing newline glued them, and says so", () => {
    const file = parse(`${pemOne.trimEnd()}${pemTwo}`);
    expect(file.blocks.map(({ der }) => der)).toEqual([one, two]);
    expect(file.faults).toEqual([{ kind: "nested-begin", line: 5 }]);
  });

  it("takes no words inside a line for a block", () => {
    expect(labels(`see -----BEGIN CERTIFICATE----- below\n-----BEGIN nothing\n${pemTwo}`)).toEqual([
      "X509 CRL",
    ]);
    expect(parse("no PEM at all")).toMatchObject({ blocks: [], faults: [], hasBom: false });
    expect(parse("")).toMatchObject({ blocks: [], faults: [] });
  });

  it("stays linear with 10,000 blocks, with 100 MB, and with BEGINs alone", () => {
    const many = Buffer.from(pemOne.repeat(10_000));
    expect(parsePem(many).blocks).toHaveLength(10_000);
    const begins = parsePem(Buffer.from("-----BEGIN A-----\n".repeat(100_000)));
    expect(begins.faults).toHaveLength(100_000);
    const ends = parsePem(Buffer.from("-----END A-----\n-----BEGIN A\n".repeat(100_000)));
    expect(ends.blocks).toHaveLength(0);
    const large = Buffer.alloc(100 * 1024 * 1024, "A");
    large.write("-----BEGIN A-----\n", 0);
    expect(parsePem(large).faults).toEqual([{ kind: "truncated", line: 1 }]);
  });
});

describe("replacePemBlocks", () => {
  const replacement = encodePem("CERTIFICATE", Uint8Array.of(1));

  it("changes the block and no other byte", () => {
    const content = Buffer.from(`# a\r\n${pemOne}junk\xff\n${pemTwo}${pemOne}end`, "latin1");
    const { blocks } = parsePem(content);
    const changed = replacePemBlocks(content, new Map([[blocks[2]!, replacement]]));
    const expected = `# a\r\n${pemOne}junk\xff\n${pemTwo}${text(replacement)}end`;
    expect(text(changed)).toBe(expected);
    expect(text(replacePemBlocks(content, new Map()))).toBe(text(content));
  });

  it("takes over CRLF and a missing last newline", () => {
    const content = Buffer.from(pemOne.trimEnd().replaceAll("\n", "\r\n"));
    const changed = replacePemBlocks(content, new Map([[parsePem(content).blocks[0]!, replacement]]));
    expect(text(changed)).toBe(text(replacement).trimEnd().replaceAll("\n", "\r\n"));
  });

  it("refuses blocks of another file", () => {
    const [block] = parse(`${pemTwo}${pemOne}`).blocks;
    expect(() => replacePemBlocks(new Uint8Array(3), new Map([[block!, replacement]]))).toThrowError(
      TypeError,
    );
  });

  it("keeps arbitrary rubbish between blocks", () => {
    const junk = fc
      .string({ unit: "binary-ascii" })
      .map((s) => (s === "" ? "" : `${s.replaceAll("-----", "")}\n`));
    const block = fc.uint8Array({ minLength: 1, maxLength: 90 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(junk, block), { minLength: 1, maxLength: 6 }),
        junk,
        fc.nat(),
        (parts, last, pick) => {
          const pems = parts.map(([before, der]) => [before, text(encodePem("CERTIFICATE", der))] as const);
          const content = Buffer.from(
            `${pems.map(([before, pem]) => before + pem).join("")}${last}`,
            "latin1",
          );
          const { blocks, faults } = parsePem(content);
          expect(faults).toEqual([]);
          expect(blocks.map(({ der }) => der)).toEqual(parts.map(([, der]) => der));
          const index = pick % blocks.length;
          const expected =
            pems.map(([before, pem], i) => before + (i === index ? text(replacement) : pem)).join("") + last;
          expect(text(replacePemBlocks(content, new Map([[blocks[index]!, replacement]])))).toBe(expected);
        },
      ),
    );
  });

  it("never throws on anything", () => {
    const pieces = fc.constantFrom(
      "-----BEGIN A-----",
      "-----END A-----",
      "-----BEGIN ",
      "-----",
      "\n",
      "\r\n",
      "AAAA",
      "A: b",
      " ",
      "=",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (list) => {
        const content = Buffer.from(list.join(""));
        const { blocks } = parsePem(content);
        let at = 0;
        for (const { start, end } of blocks) {
          expect(start).toBeGreaterThanOrEqual(at);
          expect(end).toBeGreaterThan(start);
          at = end;
        }
        expect(at).toBeLessThanOrEqual(content.length);
      }),
      { numRuns: 500 },
    );
  });
});
