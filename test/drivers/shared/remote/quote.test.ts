// Words of a shell: whatever is in them, the shell sees it unchanged and runs nothing.
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { assign, quote } from "../../../../src/drivers/shared/remote/quote.ts";
import { hasShell, openLocalShell, type ShellName } from "../../../support/local-shell.ts";

const shells: readonly ShellName[] = ["dash", "bash", "busybox"];
const nasty = [
  "'",
  '"',
  "\\",
  "$(id)",
  "`id`",
  "\n",
  "*",
  "~",
  "!",
  "-n",
  "\t",
  "ü",
  "𐍈",
  "",
  " ",
  "#",
  "\r",
  "%s",
  "\u0001",
];
const word = fc
  .array(fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: "grapheme" })), { maxLength: 8 })
  .map((parts) => parts.join("").replaceAll("\0", ""));

describe.each(shells.filter(hasShell))("a quoted word, %s", (shell) => {
  const host = openLocalShell({ shell });
  afterAll(() => host.close());

  it("reaches the shell as it is, as an argument and as a variable", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 20 }), async (words) => {
        const lines = words.map(
          (one) => `${assign({ value: one })}\nprintf '%s\\0%s\\0' ${quote(one)} "$value"\n`,
        );
        const { stdout, stderr } = await host.sh(lines.join(""));
        expect(stderr).toBe("");
        expect(Buffer.from(stdout).toString("utf8")).toBe(words.map((one) => `${one}\0${one}\0`).join(""));
      }),
      { numRuns: 25 },
    );
  });
});

describe("a quoted word", () => {
  it("holds no NUL", () => {
    expect(() => quote("a\0b")).toThrow(TypeError);
  });
});
