// Escaping, widths, tables, times, quoting, languages, YAML.
import { assert, jsonValue, property } from "fast-check";
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { renderJson, renderYaml } from "../../src/report/data-text.ts";
import { codeBlock, codeSpan, safeMarkdown, safeText } from "../../src/report/escape.ts";
import { chooseLanguage } from "../../src/report/language.ts";
import { shellQuote } from "../../src/report/shell.ts";
import { formatTable } from "../../src/report/table.ts";
import {
  formatDate,
  formatDateIso,
  formatInstant,
  formatResidual,
  spanEn,
  spanZh,
} from "../../src/report/time.ts";
import { displayWidth, wrapText } from "../../src/report/width.ts";
import { hostile } from "./samples.ts";

const [second, day] = [1000, 86_400_000];

describe("safe text", () => {
  it("shows what would move, hide or reorder", () => {
    expect(safeText(hostile)).toBe("evil\\x1b[31m\\x0aroot\\u202egnp\\u200b\\u{e0041}`|<b>");
    expect(safeText("证书 é ok \ud800")).toBe("证书 é ok \\ud800");
  });

  it("takes Markdown its meaning", () => {
    expect(safeMarkdown("a|b`<c>*_[d]\n")).toBe("a\\|b\\`\\<c\\>\\*\\_\\[d\\]\\\\x0a");
    expect(codeSpan("a`b")).toBe("`` a`b ``");
    expect(codeBlock("sh", "```\nx")).toBe("````sh\n```\nx\n````");
  });

  it("quotes for sh so that sh gives back the same bytes", () => {
    for (const text of ["", "a b", "it's", "$(id)", "50%\\n", "tab\tnew\nline", hostile]) {
      expect(execFileSync("sh", ["-c", `printf %s ${shellQuote(text)}`], { encoding: "utf8" })).toBe(text);
    }
    expect(shellQuote("/etc/kubernetes/pki/ca.crt")).toBe("/etc/kubernetes/pki/ca.crt");
  });
});

describe("widths and tables", () => {
  it("counts two columns for wide characters and none for combining ones", () => {
    expect(displayWidth("abc")).toBe(3);
    expect(displayWidth("证书：")).toBe(6);
    expect(displayWidth("e\u0301")).toBe(1);
  });

  it("pads as Go's tabwriter with minwidth 10 and padding 3, not the last cell", () => {
    expect(
      formatTable([
        ["a", "b", "c  "],
        ["longer-than-ten", "", ""],
      ]),
    ).toBe(`a                 b         c  \nlonger-than-ten             \n`);
    expect(
      formatTable([
        ["证书", "x"],
        ["certificate", "y"],
      ]),
    ).toBe("证书          x\ncertificate   y\n");
  });

  it("wraps at spaces and between wide characters", () => {
    expect(wrapText("one two three", 8, "  ")).toBe("one two\n  three");
    expect(wrapText("证书已经过期", 8)).toBe("证书已经\n过期");
  });
});

describe("times", () => {
  it("are kubeadm's", () => {
    const at = Date.UTC(2027, 0, 2, 3, 4, 59, 999);
    expect(formatDate(at)).toBe("Jan 02, 2027 03:04 UTC");
    expect(formatDateIso(at)).toBe("2027-01-02 03:04 UTC");
    expect(formatInstant(at)).toBe("2027-01-02T03:04:59Z");
  });

  it.each([
    [-2 * second, "<invalid>"],
    [-1 * second, "0s"],
    [-1, "0s"],
    [59 * second, "59s"],
    [61 * second, "1m"],
    [3 * 3600 * second, "3h"],
    [364.9 * day, "364d"],
    [365 * day, "1y"],
    [9.99 * 365 * day, "9y"],
  ])("residual of %d ms is %s", (span, text) => {
    expect(formatResidual(span)).toBe(text === "0s" && span === -1 ? "0s" : text);
  });

  it("name spans in the largest unit of which there are two", () => {
    expect([spanEn(day), spanEn(-3 * day), spanZh(90 * 60 * second)]).toEqual([
      "24 hours",
      "3 days",
      "90 分钟",
    ]);
  });
});

describe("language", () => {
  it.each([
    [{ flag: "zh", env: { LANG: "en_US.UTF-8" } }, "zh"],
    [{ flag: "en", env: { LANG: "zh_CN.UTF-8" } }, "en"],
    [{ env: { PERENNIAL_LANG: "zh-Hans", LC_ALL: "C" } }, "zh"],
    [{ env: { LC_ALL: "", LC_MESSAGES: "zh_TW", LANG: "C" } }, "zh"],
    [{ env: { LC_ALL: "C.UTF-8", LANG: "zh_CN.UTF-8" } }, "en"],
    [{ env: { LANG: "zha_XX" } }, "en"],
    [{ env: {} }, "en"],
  ] as const)("%j is %s", (from, lang) => {
    expect(chooseLanguage(from)).toBe(lang);
  });
});

describe("data as text", () => {
  it("escapes what a terminal would act on, in JSON and YAML", () => {
    const value = { a: hostile };
    expect(renderJson(value)).not.toMatch(/[\u001b\u202e\u200b]/);
    expect(renderYaml(value)).not.toMatch(/[\u001b\u202e\u200b]/);
    expect(JSON.parse(renderJson(value))).toEqual(value);
  });

  it("is YAML that reads back as the same value", () => {
    const sample = {
      name: "yes",
      list: [],
      map: {},
      nested: [[1, ["2"]], { a: [{ b: null }] }],
      "k: 1": "# x",
      n: -1.5,
      t: true,
    };
    expect(parse(renderYaml({ e0: "E12" }))).toEqual({ e0: "E12" });
    expect(parse(renderYaml(sample))).toEqual(sample);
    assert(
      property(jsonValue({ maxDepth: 4 }), (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value));
        expect(parse(renderYaml(plain))).toEqual(plain);
        expect(parse(renderYaml(plain), { version: "1.1" })).toEqual(plain);
      }),
      { numRuns: 300 },
    );
  });
});
