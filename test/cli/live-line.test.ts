// Progress on a terminal, in a pipe and as data; what Ctrl-C is answered with.
import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/core/model/event.ts";
import { afterEvent, liveLine, noPhase } from "../../src/report/live-line.ts";
import { cliMessages } from "../../src/report/cli-messages.ts";
import { displayWidth } from "../../src/report/width.ts";
import { runCli } from "../support/cli.ts";
import { expiredMaster, renewal } from "../support/operator.ts";

const redraw = "\r\u001b[K";

const restart: readonly RunEvent[] = [
  { type: "phase-started", phase: "restart", steps: 3 },
  { type: "process", consumer: "kube-apiserver", state: "stopping" },
];

function stateAfter(events: readonly RunEvent[]) {
  return events.reduce(afterEvent, noPhase);
}

/** What is left to see once every redrawn line has been wiped. */
function seen(out: string): string {
  return out
    .split("\n")
    .map((line) => line.slice(line.lastIndexOf(redraw) + (line.includes(redraw) ? redraw.length : 0)))
    .join("\n");
}

describe("the live line", () => {
  it("says phase, step, seconds and who is waited for", () => {
    const elapsedMs = 12_900;
    expect(liveLine(stateAfter(restart), { lang: "en", width: 80, elapsedMs })).toBe(
      "[restart] step 1 of 3, 12 s, waiting for kube-apiserver",
    );
    expect(liveLine(stateAfter(restart), { lang: "zh", width: 80, elapsedMs })).toBe(
      "[restart] 第 1/3 步，12 秒，等待 kube-apiserver",
    );
    const well: RunEvent = { type: "process", consumer: "kube-apiserver", state: "well" };
    expect(liveLine(stateAfter([...restart, well]), { lang: "en", width: 80, elapsedMs })).toBe(
      "[restart] step 1 of 3, 12 s",
    );
  });

  it.each(["en", "zh"] as const)("never fills the last column of a terminal: %s", (lang) => {
    for (let width = 1; width < 70; width++) {
      const line = liveLine(stateAfter(restart), { lang, width, elapsedMs: 0 });
      expect(displayWidth(line)).toBeLessThan(width);
    }
  });

  it("is redrawn on a terminal and wiped at the end; what stays is what a pipe gets", async () => {
    const words = (root: string): readonly string[] => [...renewal, "--root", root];
    const terminal = await runCli(words(expiredMaster()), { width: 60, hasColor: true });
    expect(terminal.code).toBe(0);
    expect(terminal.out).toMatch(/\r\u001b\[K\[swap\] step \d+ of \d+, \d+ s/);
    const left = seen(terminal.out);
    expect(left).not.toMatch(/step \d+ of/);
    const steady = (text: string): readonly string[] =>
      text.match(/^\[(?:back-up|stage|swap|issue)\] \d+/gm) ?? [];
    for (const plain of [{ width: 60 }, {}]) {
      const { out, code } = await runCli(words(expiredMaster()), plain);
      expect(code).toBe(0);
      expect(out).not.toContain("\r");
      expect(steady(left)).toEqual(steady(out));
    }
  });

  it("leaves -o json alone", async () => {
    const { out } = await runCli([...renewal, "-o", "json", "--root", expiredMaster()], {
      width: 60,
      hasColor: true,
    });
    expect(out).not.toContain("\r");
    for (const line of out.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("type");
  });
});

describe("the first Ctrl-C", () => {
  it("is answered at once, and then with how it ended", async () => {
    const controller = new AbortController();
    const aborting = runCli([...renewal, "--root", expiredMaster()], { signal: controller.signal });
    controller.abort("SIGINT");
    const { code, err } = await aborting;
    expect(code).toBe(130);
    expect(err).toMatch(/No live file was changed|interrupted by SIGINT/);
  });

  it("says what a second one does", () => {
    expect(cliMessages("en").stopping("SIGINT")).toMatch(
      /^SIGINT: stopping at the next safe point.*second one/,
    );
    expect(cliMessages("zh").stopping("SIGINT")).toMatch(/安全点.*再按一次/);
  });
});

describe("the closing line", () => {
  it("says where it was proved", () => {
    const { done } = cliMessages("en");
    expect(done({ issued: 2, files: 3 }, "r", true)).toBe(
      "Done: 2 certificates renewed and proved on the running node by run r.",
    );
    expect(done({ issued: 2, files: 3 }, "r", false)).toBe(
      "Done: 2 certificates renewed and proved on disk by run r.",
    );
    expect(done({ issued: 0, files: 0 }, "r", true)).toBe(
      "Done: no file had to change; proved on the running node by run r.",
    );
  });
});
