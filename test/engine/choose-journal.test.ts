// Which of several copies of a journal is the run's.
import { describe, expect, it } from "vitest";
import { codeOf } from "../support/failures.ts";
import { chooseJournal, withEntry } from "../../src/engine/choose-journal.ts";
import { readJournal } from "../../src/engine/read-journal.ts";

type Known = Parameters<typeof chooseJournal<string>>[0][number];

/** One entry per token. */
function journal(from: string, ...tokens: readonly number[]): Known {
  let text = "";
  for (const [at, token] of tokens.entries()) {
    const { entries } = readJournal(new TextEncoder().encode(text), from);
    text = withEntry(entries, { at, token, body: { type: "proof", step: `${at} ${token}`, sha256: "" } });
  }
  return { from, path: from, entries: readJournal(new TextEncoder().encode(text), from).entries };
}

describe("of several copies of a journal", () => {
  it("the longest is the run's when each is the beginning of the next", () => {
    const all = [journal("m1", 5), journal("m2", 5, 5, 5), journal("m3", 5, 5)];
    expect(chooseJournal(all)?.from).toBe("m2");
    expect(chooseJournal([journal("here", 5, 5), journal("m1", 5, 5)])?.from).toBe("here");
    expect(chooseJournal([])).toBeUndefined();
  });

  it("the one of the higher token is, where two go different ways, however long the other", () => {
    const first = journal("first", 5, 5, 5, 5, 5);
    const second = journal("second", 5, 5, 6);
    expect(chooseJournal([first, second])?.from).toBe("second");
    expect(chooseJournal([second, first])?.from).toBe("second");
  });

  it("none is when they part under one token", async () => {
    const one = journal("m1", 5, 5);
    const other: Known = {
      from: "m2",
      path: "m2",
      entries: readJournal(
        new TextEncoder().encode(
          withEntry(one.entries.slice(0, 1), { at: 9, token: 5, body: { type: "all-staged" } }),
        ),
        "m2",
      ).entries,
    };
    expect(await codeOf(Promise.resolve().then(() => chooseJournal([one, other])))).toBe("journal-damaged");
  });
});
