// Files of a node below a directory, with the modes they have on a node.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface TreeWriter {
  /** 0644. */
  open(path: string, content: Uint8Array | string): void;
  /** 0600 before the first byte. */
  secret(path: string, content: Uint8Array | string): void;
  link(path: string, target: string): void;
}

export function treeWriter(directory: string): TreeWriter {
  const at = (path: string): string => {
    const full = join(directory, path);
    mkdirSync(dirname(full), { recursive: true });
    return full;
  };
  return {
    open: (path, content) => writeFileSync(at(path), content, { mode: 0o644 }),
    secret: (path, content) => writeFileSync(at(path), content, { mode: 0o600 }),
    link: (path, target) => {
      rmSync(at(path), { force: true });
      symlinkSync(target, at(path));
    },
  };
}
