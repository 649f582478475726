// Expired to proven in a lab of one host (docs/lab.md): real etcd, stand-ins beside it, at Kubernetes' own pace.
// OUTPUTS: data for scripts/bench-page.mjs; the lab is gone afterwards.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Milliseconds of a renewal with restarts and proof, and of one of the files alone, per round; null without etcd. */
export function labRounds(perennial, rounds) {
  if (rounds === 0 || spawnSync("etcd", ["--version"]).error) return null;
  const base = mkdtempSync(join(tmpdir(), "pb-"));
  const dir = join(base, "l");
  const root = ["--root", join(dir, "m1")];
  const [live, files] = [[], []];
  try {
    must(perennial, ["lab", "up", "--dir", dir]);
    for (let round = 0; round < rounds; round += 1) {
      // The files alone first: they are expired again for the renewal that repairs.
      must(perennial, ["lab", "expire", "--dir", dir]);
      files.push(timed(() => must(perennial, ["renew", "--yes", "--no-probe", ...root])));
      must(perennial, ["lab", "expire", "--dir", dir]);
      live.push(timed(() => must(perennial, ["renew", "--yes", "--probe", ...root])));
    }
    return { live, files };
  } finally {
    spawnSync(perennial, ["lab", "down", "--dir", dir], { stdio: "ignore" });
    rmSync(base, { recursive: true, force: true });
  }
}

function timed(action) {
  const started = process.hrtime.bigint();
  action();
  return Number(process.hrtime.bigint() - started) / 1e6;
}

/** Stand-ins whatever is installed: a row means the same everywhere. */
function must(program, words) {
  const env = { ...process.env, KUBEBUILDER_ASSETS: "" };
  const { status, stderr, error } = spawnSync(program, words, { stdio: ["ignore", "ignore", "pipe"], env });
  if (error || status !== 0)
    throw new Error(`${program} ${words.join(" ")}: ${error?.message ?? `${status} ${stderr.toString()}`}`);
}
