// The memory of labels: one process for a folder, none for what is known, a new look after a change.
import { closeSync, mkdtempSync, openSync, readlinkSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Labels, rememberingLabels } from "../../../src/drivers/shared/file-labels.ts";

describe("remembered labels", () => {
  const log: string[] = [];
  const open: number[] = [];
  let folder = "";
  const xattrs = { "user.note": "eA==" };

  const labels = (found: Readonly<Record<string, string>>): Labels => ({
    read: () => {
      log.push("read");
      return found;
    },
    readMany: (files) => {
      log.push(`read ${files.length}`);
      return files.map(() => found);
    },
    copy: () => void log.push("copy"),
    write: () => void log.push("write"),
  });

  const file = (name: string): number => {
    const path = join(folder, name);
    writeFileSync(path, name);
    const descriptor = openSync(path, "r");
    open.push(descriptor);
    return descriptor;
  };

  beforeEach(() => {
    log.length = 0;
    folder = mkdtempSync(join(tmpdir(), "perennial-labels-"));
  });

  afterEach(() => {
    for (const descriptor of open.splice(0)) closeSync(descriptor);
    rmSync(folder, { recursive: true, force: true });
  });

  const pathOf = (descriptor: number): string => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return "";
    }
  };

  it("of a folder's files come from one process, and the others' handles are closed", () => {
    const memory = rememberingLabels(labels(xattrs));
    const [one, two] = [file("one"), file("two")];
    const others = [openSync(join(folder, "two"), "r")];
    expect(memory.read(one, () => others)).toEqual(xattrs);
    expect(memory.read(two)).toEqual(xattrs);
    expect(log).toEqual(["read 2"]);
    // Asked by name: the number may be another thread's by now, and closing it would take that away.
    expect(pathOf(others[0] ?? -1)).not.toBe(join(folder, "two"));
  });

  it("are looked for again once the file has changed", () => {
    const memory = rememberingLabels(labels(xattrs));
    const one = file("one");
    memory.read(one);
    utimesSync(join(folder, "one"), 1, 1);
    memory.read(one);
    expect(log).toEqual(["read", "read"]);
  });

  it("are not copied where there are known to be none, and are where nobody looked", () => {
    const memory = rememberingLabels(labels({}));
    const [one, two] = [file("one"), file("two")];
    memory.read(one);
    memory.copy(one, two);
    memory.copy(two, one);
    expect(log).toEqual(["read", "copy"]);
  });
});
