import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/own-temporary-folder.ts"],
    pool: "threads",
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: process.env["PERENNIAL_TEST_JSON"]
      ? ["default", ["json", { outputFile: process.env["PERENNIAL_TEST_JSON"] }]]
      : ["default"],
  },
});
