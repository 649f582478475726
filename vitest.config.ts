import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";

/** What brings up clusters and container runtimes, or is about seconds: mostly waits, and needs what it waits for to get on. */
const labs = ["test/lab/**/*.test.ts", "test/e2e/**/*.test.ts", "test/drivers/{exec,process}/**/*.test.ts"];

/** What holds for both groups; the rest is said once, below. */
const common = {
  // A process per core: descriptors, signals and native locks of one test are not another's, which they would be with threads.
  pool: "forks",
  isolate: false,
  // Against hanging: what takes a second alone takes twenty where others are at work on the same cores.
  testTimeout: 600_000,
  hookTimeout: 600_000,
  expect: { poll: { timeout: 60_000, interval: 20 } },
} as const;

export default defineConfig({
  test: {
    globalSetup: ["test/support/own-temporary-folder.ts"],
    // The run's folder holds some ten thousand files at the end; removing them may last longer than the 10 s after which vitest gives up.
    teardownTimeout: 60_000,
    reporters: process.env["PERENNIAL_TEST_JSON"]
      ? ["default", ["json", { outputFile: process.env["PERENNIAL_TEST_JSON"] }]]
      : ["default"],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...common,
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...labs],
          // Left alone, vitest keeps one core for itself, half of a small machine; it needs next to nothing, and many of our tests wait for others.
          maxWorkers: Math.max(2, availableParallelism()),
          sequence: { groupOrder: 0 },
        },
      },
      // A lab of three hosts alone keeps two cores busy: side by side each waits for the other, and both for their limits.
      {
        test: {
          ...common,
          name: "labs",
          include: labs,
          maxWorkers: Math.max(1, Math.floor(availableParallelism() / 2)),
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
