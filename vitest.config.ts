import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/own-temporary-folder.ts"],
    // A process per core: descriptors, signals and native locks of one test are not another's, which they would be with threads.
    pool: "forks",
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: process.env["PERENNIAL_TEST_JSON"]
      ? ["default", ["json", { outputFile: process.env["PERENNIAL_TEST_JSON"] }]]
      : ["default"],
  },
});
