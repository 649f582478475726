// `npm test`: set-up, format, lint, types, build, tests; the last line says how many passed and failed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { run } from "./run.mjs";
import { ensureDependencies } from "./setup.mjs";

const root = resolve(import.meta.dirname, "..");
const bin = (name) => join(root, "node_modules", ".bin", name);
const options = { cwd: root };

/** Programs some tests hold ours against, with the Debian package of each. */
const needed = [
  { program: "openssl", package: "openssl", for: "the X.509 oracle" },
  { program: "cfssl", package: "golang-cfssl", for: "a second X.509 oracle" },
  { program: "getfattr", package: "attr", for: "labels and ACLs of files" },
  { program: "chattr", package: "e2fsprogs", for: "immutable files" },
  { program: "etcd", package: "etcd-server", for: "questions to a real etcd" },
  { program: "etcdctl", package: "etcd-client", for: "questions to a real etcd" },
  { program: "containerd", package: "containerd", for: "the CRI and ctr on a real runtime" },
  { program: "runc", package: "runc", for: "containers of a real runtime" },
  { program: "dockerd", package: "docker.io", for: "docker on a real daemon" },
  { program: "busybox", package: "busybox", for: "scripts for small systems" },
  { program: "sshd", package: "openssh-server", for: "hosts reached over SSH" },
  { program: "ssh", package: "openssh-client", for: "hosts reached over SSH" },
  { program: "ip", package: "iproute2", for: "labs of many hosts" },
  { program: "setpriv", package: "util-linux", for: "files that may not be read" },
];

// sshd lies where a user's PATH need not lead.
const has = (program) =>
  [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"].some(
    (folder) => folder !== "" && existsSync(join(folder, program)),
  );

function installPrograms() {
  const missing = needed.filter(({ program }) => !has(program));
  if (missing.length === 0) return;
  const packages = missing.map((entry) => entry.package);
  if (process.env["CI"] === "true") {
    const environment = { ...options, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
    // A mirror that hiccups once is asked again.
    const retried = ["-o", "Acquire::Retries=3"];
    run("apt-get", [...retried, "update", "-qq"], environment);
    run("apt-get", [...retried, "install", "-y", "-qq", "--no-install-recommends", ...packages], environment);
    return;
  }
  for (const entry of missing) console.log(`skipped without ${entry.program}: ${entry.for}`);
  console.log(`to run everything: apt-get install ${packages.join(" ")}\n`);
}

function runTests() {
  // Named like the folder of test/support/own-temporary-folder.ts, which removes it should this process be killed.
  const folder = mkdtempSync(join(tmpdir(), `perennial-${process.pid}-`));
  const report = join(folder, "report.json");
  const environment = { ...process.env, PERENNIAL_TEST_JSON: report };
  const { status } = spawnSync(
    process.execPath,
    [join(root, "node_modules/vitest/vitest.mjs"), "run", ...process.argv.slice(2)],
    {
      ...options,
      env: environment,
      stdio: "inherit",
    },
  );
  const counts = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : null;
  rmSync(folder, { recursive: true, force: true });
  if (!counts) {
    console.log("0 passed, 1 failed");
    process.exit(1);
  }
  const skipped = counts.numPendingTests + counts.numTodoTests;
  // A suite that could not even be collected has no failed test of its own.
  const failed = counts.numFailedTests + (counts.success || counts.numFailedTests > 0 ? 0 : 1);
  console.log(
    `${counts.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
  );
  process.exit(status === 0 && failed === 0 ? 0 : 1);
}

ensureDependencies();
installPrograms();
run(process.execPath, [join(root, "scripts/generate.mjs"), "--check"], options);
run(bin("oxfmt"), ["--check"], options);
run(bin("oxlint"), ["--type-aware", "--deny-warnings"], options);
run(bin("tsc"), ["--noEmit"], options);
run(process.execPath, [join(root, "scripts/build.mjs")], options);
runTests();
