// A collected manifest is written for its own etcd; the one that is here ends at a flag that it does not know.
import { spawnSync } from "node:child_process";

/** The words without flags that this machine's etcd has never heard of; all of them where it cannot be asked. */
export function withKnownFlags(words: readonly string[]): readonly string[] {
  const { stdout } = spawnSync("etcd", ["--help"], { encoding: "utf8" });
  const known = new Set([...(stdout ?? "").matchAll(/^\s+--([a-z0-9-]+)/gm)].map(([, name = ""]) => name));
  if (known.size === 0) return words;
  return words.filter((word) => {
    const [, name] = /^--([a-z0-9-]+)/.exec(word) ?? [];
    return name === undefined || known.has(name);
  });
}
