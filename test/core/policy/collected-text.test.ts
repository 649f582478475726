// Collected facts through everything that happens to text on its way: what is whole is read, what is damaged is named.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FactsDamage } from "../../../src/core/model/errors-content.ts";
import { isAppError } from "../../../src/core/model/errors.ts";
import { cksum, parseCollectedText } from "../../../src/core/policy/collected-text.ts";

interface Given {
  readonly title: string;
  readonly bytes: Uint8Array;
}

function sectionText({ title, bytes }: Given, number: number): string {
  const body = Buffer.from(bytes).toString("base64");
  const lines = body.match(/.{1,76}/g) ?? [];
  return [`@${number} ${title}`, ...lines, `@${number} end ${cksum(body)} ${body.length}`, ""].join("\n");
}

function textOf(sections: readonly Given[]): string {
  const all = sections.map((section, index) => sectionText(section, index + 1));
  return ["=== perennial facts 1 ===\n", ...all, `=== perennial facts end ${sections.length} ===\n`].join("");
}

const three: readonly Given[] = [
  { title: "node", bytes: Buffer.from("kind node") },
  { title: "file /etc/kubernetes/pki/ca.crt", bytes: Buffer.alloc(500, "certificate ") },
  { title: "file /etc/hostname", bytes: new Uint8Array() },
];

function contents(text: string | Uint8Array): readonly string[] {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  return parseCollectedText(bytes, "facts.txt").map((section) => Buffer.from(section.bytes).toString());
}

const whole = three.map(({ bytes }) => Buffer.from(bytes).toString());

function damagesOf(text: string): readonly FactsDamage[] {
  try {
    parseCollectedText(Buffer.from(text), "facts.txt");
  } catch (error) {
    if (isAppError(error, "facts-damaged")) return error.params.damages;
    throw error;
  }
  return [];
}

describe("cksum", () => {
  it("is that of POSIX", () => {
    // printf '' | cksum; printf 123456789 | cksum
    expect(cksum("")).toBe(4294967295);
    expect(cksum("123456789")).toBe(930766865);
  });
});

describe("collected text", () => {
  const text = textOf(three);

  it("gives its sections", () => {
    expect(contents(text)).toEqual(whole);
  });

  it.each([
    ["CRLF", (given: string) => given.replaceAll("\n", "\r\n")],
    ["quote marks of a mail", (given: string) => given.replaceAll(/^/gm, "> > ")],
    [
      "spaces at both ends of lines",
      (given: string) => given.replaceAll(/^/gm, "   ").replaceAll(/$/gm, " \t"),
    ],
    [
      "base64 wrapped at another width",
      (given: string) => given.replaceAll(/^([A-Za-z0-9+/]{40})/gm, "$1\n"),
    ],
    ["empty lines between all lines", (given: string) => given.replaceAll("\n", "\n\n")],
    ["a terminal around it", (given: string) => `[root@m1 ~]# perennial collect\n${given}[root@m1 ~]# \n`],
    ["a byte order mark", (given: string) => `\ufeff${given}`],
  ])("survives %s", (_, mangle) => {
    expect(contents(mangle(text))).toEqual(whole);
  });

  it("survives Notepad's UTF-16", () => {
    expect(contents(Buffer.from(`\ufeff${text}`, "utf16le"))).toEqual(whole);
  });

  it("survives any bytes under any of these manglings", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 5 }),
        fc.constantFrom("", "> ", "  | "),
        fc.constantFrom("\n", "\r\n", "  \r\n", "\n\n"),
        (all, margin, ending) => {
          const given = textOf(all.map((bytes, index) => ({ title: `file /f${index}`, bytes })));
          const mangled = given.replaceAll(/^/gm, margin).replaceAll("\n", ending);
          const read = parseCollectedText(Buffer.from(mangled), "f").map(({ bytes }) => Buffer.from(bytes));
          expect(read).toEqual(all.map((bytes) => Buffer.from(bytes)));
        },
      ),
    );
  });

  it("names the section whose bytes were changed", () => {
    expect(damagesOf(text.replace("Y2VydGlm", "Y2VydGlt"))).toEqual([
      { section: 2, title: "file /etc/kubernetes/pki/ca.crt", fault: "sum-differs" },
    ]);
  });

  it("names a section that lost a line, one that lost its end, and one that is not there", () => {
    const lines = text.split("\n");
    const at = lines.findIndex((line) => line.startsWith("@2 file"));
    expect(damagesOf(lines.toSpliced(at + 1, 1).join("\n"))[0]?.fault).toBe("sum-differs");
    const end = lines.findIndex((line) => line.startsWith("@2 end"));
    expect(damagesOf(lines.toSpliced(end, 1).join("\n"))).toEqual([
      { section: 2, title: "file /etc/kubernetes/pki/ca.crt", fault: "unfinished" },
    ]);
    expect(damagesOf(lines.toSpliced(at, end - at + 1).join("\n"))).toEqual([
      { section: 2, title: "node", fault: "missing" },
    ]);
  });

  it("names a missing beginning, a missing end, another version, and text that is something else", () => {
    const all = (fault: string): unknown => [{ section: null, title: "", fault }];
    expect(damagesOf(text.replace(/^.*\n/, ""))).toEqual(all("no-beginning"));
    expect(damagesOf(text.replace(/=== perennial facts end.*\n/, ""))).toEqual(all("no-end"));
    expect(damagesOf(text.replace("facts 1", "facts 2"))).toEqual(all("other-version"));
    expect(damagesOf("apiVersion: v1\n")).toEqual(all("no-beginning"));
  });

  it("tells the end that was not copied from sections lost inside", () => {
    const cut = text.slice(0, text.indexOf("@3"));
    expect(damagesOf(cut)).toEqual([{ section: null, title: "", fault: "no-end" }]);
  });

  it("never mixes two collections, and takes the same one twice", () => {
    expect(contents(text + text)).toEqual(whole);
    const other = textOf([{ title: "node", bytes: Buffer.from("kind node2") }, ...three.slice(1)]);
    expect(damagesOf(text + other)).toEqual([{ section: 1, title: "node", fault: "two-contents" }]);
  });

  it("takes a whole copy of a section wherever it was pasted, before a damaged one", () => {
    const damaged = text.replace("Y2VydGlm", "Y2VydGlt");
    const [, second] = three;
    if (!second) throw new TypeError("three sections");
    const repaired = damaged.replace(/(?==== perennial facts end)/, sectionText(second, 2));
    expect(contents(repaired)).toEqual(whole);
  });
});
