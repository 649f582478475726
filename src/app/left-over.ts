// Temporary files that a run left beside its targets: what lies in the folders of what was checked.
import { posix } from "node:path";
import { fileAddress } from "../core/model/address.ts";
import type { CheckResult } from "../core/model/check.ts";
import type { AnyFinding } from "../core/model/finding.ts";
import { runOfTemporary } from "../drivers/shared/temporary-file.ts";
import type { LocalNode } from "./local-node.ts";
import { openNodeView } from "./node-view.ts";

/** Those of an open run are its own: resume and rollback need them. A folder that cannot be listed has findings of its files. */
export async function leftOverTemporaries(
  local: LocalNode,
  result: CheckResult,
  openRuns: readonly string[],
): Promise<readonly AnyFinding[]> {
  const node = result.nodes[0] ?? "node";
  const store = local.openStore(node);
  try {
    const view = openNodeView(store, node);
    const found: string[] = [];
    for (const folder of foldersOf(result)) {
      const names = await view.list(folder);
      if (names === null || "unreadable" in names) continue;
      found.push(
        ...names.filter((name) => isLeftOver(name, openRuns)).map((name) => posix.join(folder, name)),
      );
    }
    return found.map((path): AnyFinding => ({
      code: "left-over-temporary",
      severity: "warning",
      node,
      slot: null,
      name: path,
      address: fileAddress(node, path),
      params: { path },
    }));
  } finally {
    store.close();
  }
}

function isLeftOver(name: string, openRuns: readonly string[]): boolean {
  const run = runOfTemporary(name);
  return run !== null && !openRuns.includes(run);
}

function foldersOf({ certificates, authorities }: CheckResult): readonly string[] {
  const paths = [...certificates, ...authorities].flatMap(({ path, keyPath }) => [path, keyPath ?? path]);
  return [...new Set(paths.map((path) => posix.dirname(path)))].sort();
}
