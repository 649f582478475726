// Labels by the attr package where it is installed, and what is understood of its output everywhere.
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { noLabels, parseGetfattr, systemLabels } from "../../../src/drivers/shared/file-labels.ts";
import { openFileStore } from "../../../src/drivers/store/files.ts";
import { fileAddress } from "../../../src/core/model/address.ts";
import { bytesOf, sha256, staging } from "../../contract/store-contract.ts";

function canSetAttributes(): string | null {
  const folder = mkdtempSync(join(tmpdir(), "perennial-attr-"));
  try {
    const file = join(folder, "file");
    writeFileSync(file, "");
    execFileSync("setfattr", ["-n", "user.perennial", "-v", "x", file], { stdio: "pipe" });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.split("\n")[0]! : String(error);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const reason = canSetAttributes();

describe("labels", () => {
  it("without SELinux and the attr package start no process", () => {
    // An empty PATH holds no binary; this machine's SELinux is not asked then either.
    for (const path of ["", "relative:."]) {
      const labels = systemLabels(path);
      // A descriptor that is not open would make any process fail.
      expect(labels.read(-1)).toEqual(noLabels.read(-1));
      expect(() => labels.copy(-1, -1)).not.toThrow();
    }
  });

  it("are read from getfattr's output", () => {
    const text =
      "# file: /proc/self/fd/3\nsecurity.selinux=0sc3lzdGVtX3UA\nuser.note=0saGk=\nuser.empty=0s\n\n";
    expect(parseGetfattr(text)).toEqual({
      "security.selinux": "c3lzdGVtX3UA",
      "user.note": "aGk=",
      "user.empty": "",
    });
  });

  it.skipIf(reason !== null)(
    `survive a replacement, are read when asked, and are restored (${reason})`,
    async () => {
      const root = mkdtempSync(join(tmpdir(), "perennial-attr-"));
      const file = join(root, "a.key");
      const address = fileAddress("m1", "/a.key");
      writeFileSync(file, "old", { mode: 0o600 });
      execFileSync("setfattr", ["-n", "user.note", "-v", "hello", file]);
      const store = openFileStore({ root, node: "m1" });
      const note = { "user.note": Buffer.from("hello").toString("base64") };
      const labelled = { attributes: { xattrs: note } };
      expect(await store.read(address)).toMatchObject({ attributes: { xattrs: {} } });
      expect(await store.read(address, { labels: true })).toMatchObject(labelled);
      const staged = await store.stage(address, bytesOf("new"), staging(sha256("old")));
      await store.commit(staged, { fence: () => Promise.resolve() });
      expect(await store.read(address, { labels: true })).toMatchObject({
        ...labelled,
        sha256: sha256("new"),
      });
      execFileSync("setfattr", ["-x", "user.note", file]);
      const attributes = { mode: 0o600, xattrs: note };
      const back = await store.stage(address, bytesOf("new"), { ...staging(sha256("new")), attributes });
      expect(back.unchanged).toBe(false);
      await store.commit(back, { fence: () => Promise.resolve() });
      expect(await store.read(address, { labels: true })).toMatchObject(labelled);
      const same = await store.stage(address, bytesOf("new"), { ...staging(sha256("new")), attributes });
      expect(same.unchanged).toBe(true);
      const descriptor = openSync(file, "r");
      expect(systemLabels().read(descriptor)).toEqual(note);
      closeSync(descriptor);
      store.close();
      rmSync(root, { recursive: true });
    },
  );
});
