// Starts the bundle from its V8 code cache, which saves compiling it at every start. A cache that V8 refuses (another version of Node.js) or
// that is not there only costs time. The build makes bundle and cache together; nothing is written at run time.
"use strict";
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`error: Node.js ${process.versions.node} is too old`);
  console.error(
    "hint: Perennial needs Node.js 20.19 or newer; the self-contained package brings it (glibc 2.28)",
  );
  process.exit(1);
}
const { readFileSync } = require("node:fs");
const nodeModule = require("node:module");
const path = require("node:path");
const { Script } = require("node:vm");

function compile(source, filename, cachedData) {
  return new Script(nodeModule.wrap(source), { filename, cachedData });
}

function start(script, filename) {
  const bundle = { exports: {} };
  script.runInThisContext()(
    bundle.exports,
    nodeModule.createRequire(filename),
    bundle,
    filename,
    path.dirname(filename),
  );
}

/** V8 takes the cache of another processor for its own when the versions are equal, and crashes. */
function cacheOf(name) {
  return `${name}.${process.arch}.cache`;
}

function readCache(file) {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** The small bundle has these commands only, and no clusters; everything else, options in front included, is for the whole one. */
function bundleFor([word, ...others]) {
  const isSmall = ["check", "version", "--version", "-V"].includes(word);
  return isSmall && !others.some((other) => /^(?:-f|--file)/.test(other)) ? "check" : "perennial";
}

if (require.main === module) {
  const name = path.join(__dirname, bundleFor(process.argv.slice(2)));
  const filename = `${name}.cjs`;
  start(compile(readFileSync(filename, "latin1"), filename, readCache(cacheOf(name))), filename);
}

module.exports = { cacheOf, compile, start };
