// Runs a bundle once and, when it ends, keeps what V8 compiled: dist/NAME.ARCH.cache.
"use strict";
const { readFileSync, writeFileSync } = require("node:fs");
const path = require("node:path");
const { cacheOf, compile, start } = require("../src/cli/loader.cjs");

const [dist, name, ...words] = process.argv.slice(2);
const filename = path.join(dist, `${name}.cjs`);
const script = compile(readFileSync(filename, "latin1"), filename, undefined);
process.argv.splice(1, process.argv.length, path.join(dist, "loader.cjs"), ...words);
process.once("exit", () => writeFileSync(cacheOf(path.join(dist, name)), script.createCachedData()));
start(script, filename);
