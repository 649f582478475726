// Runs the bundle once and, when it ends, keeps what V8 compiled: dist/perennial.cache.
"use strict";
const { readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { compile, start } = require("../src/cli/loader.cjs");

const [dist, ...words] = process.argv.slice(2);
const script = compile(
  readFileSync(join(dist, "perennial.cjs"), "latin1"),
  join(dist, "perennial.cjs"),
  undefined,
);
process.argv.splice(1, process.argv.length, join(dist, "loader.cjs"), ...words);
process.once("exit", () => writeFileSync(join(dist, "perennial.cache"), script.createCachedData()));
start(script, join(dist, "perennial.cjs"));
