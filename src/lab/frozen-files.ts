// An etcd that reads its certificates once, as those before 3.2 did (etcd CHANGELOG-3.2, #7829): a newer one on copies of its own.
// Emulated: its answers are those of the newer one.
// INPUTS: the files etcd's flags name. OUTPUTS: copies below the host's run/lab-etcd
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";

/** By the tag of its image. */
export function readsOnce(image: string): boolean {
  return /\/etcd:(2\.|3\.[01]\.)/.test(image);
}

/** The same words with the copies' paths. @throws the system's error for a file that is not there */
export function withFrozenFiles(words: readonly string[], root: string): readonly string[] {
  const folder = join(root, "run/lab-etcd");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return words.map((word) => {
    const [, flag, path] = /^(--(?:peer-)?(?:cert|key|trusted-ca)-file=)(.*)$/.exec(word) ?? [];
    if (flag === undefined || path === undefined) return word;
    const copy = join(folder, `${flag.startsWith("--peer-") ? "peer-" : ""}${basename(path)}`);
    copyFileSync(path, copy);
    return `${flag}${copy}`;
  });
}
