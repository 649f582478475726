// The journal is asked with a deadline: a journalctl that hangs, fails or is not there never stops a diagnosis.
import { describe, expect, it } from "vitest";
import { readJournal } from "../../../src/drivers/discovery/logs-journal.ts";

const { signal } = new AbortController();

describe("the journal", () => {
  it("is what the program says", async () => {
    const command = ["sh", "-c", "echo one; echo two"] as const;
    expect(await readJournal({ signal, command })).toEqual({ state: "read", text: "one\ntwo\n" });
  });

  it("is its end when there is too much of it", async () => {
    const command = ["sh", "-c", "head -c 8000000 /dev/zero | tr '\\0' x; echo last"] as const;
    const journal = await readJournal({ signal, command });
    if (journal.state !== "read") throw new TypeError(journal.reason);
    expect(journal.text.length).toBeLessThanOrEqual(2 * 1024 * 1024);
    expect(journal.text.endsWith("xlast\n")).toBe(true);
  });

  it("is given up at the deadline, and when the operator goes", async () => {
    const command = ["sleep", "60"] as const;
    expect(await readJournal({ signal, command, deadlineMs: 50 })).toEqual({
      state: "unread",
      reason: "ETIMEDOUT",
    });
    const gone = new AbortController();
    const asked = readJournal({ signal: gone.signal, command });
    gone.abort("SIGINT");
    expect(await asked).toEqual({ state: "unread", reason: "SIGKILL" });
  });

  it("is unread where there is no journalctl, or it fails", async () => {
    expect(await readJournal({ signal, command: ["/no/journalctl"] })).toEqual({
      state: "unread",
      reason: "ENOENT",
    });
    expect(await readJournal({ signal, command: ["false"] })).toEqual({ state: "unread", reason: "exit 1" });
  });
});
