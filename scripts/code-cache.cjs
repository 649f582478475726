// Runs the bundle once and, when it ends, keeps what V8 compiled: dist/perennial.cache.
"use strict";
const { readFileSync, writeFileSync } = require("node:fs");
const path = require("node:path");
const { compile, start } = require("../src/cli/loader.cjs");

const [dist, ...words] = process.argv.slice(2);
const script = compile(
  readFileSync(path.join(dist, "perennial.cjs"), "latin1"),
  path.join(dist, "perennial.cjs"),
  undefined,
);
process.argv.splice(1, process.argv.length, path.join(dist, "loader.cjs"), ...words);
process.once("exit", () => writeFileSync(path.join(dist, "perennial.cache"), script.createCachedData()));
start(script, path.join(dist, "perennial.cjs"));
