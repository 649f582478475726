// What is asked in one turn goes out as one script; input reaches the task it is for, and a cut answer is none.
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileAddress } from "../../../../src/core/model/address.ts";
import { parseAnswers } from "../../../../src/drivers/shared/remote/script-queue.ts";
import { openRemoteFileStore } from "../../../../src/drivers/store/remote-files.ts";
import { failure, sha256, staging } from "../../../contract/store-contract.ts";
import { hasShell, openLocalShell, type ShellName } from "../../../support/local-shell.ts";
import { makeTree } from "../../store/files-support.ts";

const shells: readonly ShellName[] = ["dash", "bash", "busybox"];
const key = (index: number): Uint8Array =>
  Uint8Array.from({ length: index * 700 }, (_, at) => (at * index) & 0xff);
const addressOf = (index: number) => fileAddress("m1", `/etc/kubernetes/pki/${index}.key`);

describe.each(shells.filter(hasShell))("a store behind %s", (shell) => {
  const host = openLocalShell({ shell });
  afterAll(() => host.close());
  let root: string;
  beforeEach(() => {
    root = makeTree();
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("reads forty files, stages twelve and makes them live with one script each, and every file gets its own bytes", async () => {
    const store = openRemoteFileStore({ host, root, node: "m1" });
    mkdirSync(join(root, "etc/kubernetes/pki/3.key"));
    const before = host.scripts.length;
    const reads = await Promise.allSettled(
      Array.from({ length: 40 }, async (_, index) => store.read(addressOf(index))),
    );
    expect(host.scripts.length - before).toBe(1);
    expect(reads.map(({ status }) => status).filter((status) => status === "rejected")).toHaveLength(1);
    const stages = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) => store.stage(addressOf(index), key(index), staging("absent"))),
    );
    expect(host.scripts.length - before).toBe(2);
    for (const [index, end] of stages.entries()) {
      if (index === 3) expect(end).toMatchObject({ reason: { code: "store-not-regular" } });
      else if (end.status === "rejected") throw end.reason;
      else expect(readFileSync(join(root, end.value.temporary)).equals(key(index))).toBe(true);
    }
    const staged = stages.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
    const report = await store.commitAll?.([staged.slice(0, 2), staged.slice(2)], {
      fence: () => Promise.resolve(),
    });
    expect(report).toEqual({ committed: staged, failure: null });
    expect(host.scripts.length - before).toBe(3);
    expect(host.scripts.join("")).not.toContain(Buffer.from(key(5)).toString("latin1").slice(0, 200));
  });
});

describe("a host that breaks off (fault 16)", () => {
  let root: string;
  const address = addressOf(1);
  const old = "old\n".repeat(200);
  beforeEach(() => {
    root = makeTree();
    writeFileSync(join(root, address.path), old, { mode: 0o600 });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("while input travels, at any kilobyte: nothing is staged, the live file is whole", async () => {
    const bytes = key(7);
    const cut = { at: 0 };
    const host = openLocalShell({ tamper: (script, input) => [script, input.subarray(0, cut.at)] });
    const store = openRemoteFileStore({ host, root, node: "m1" });
    try {
      for (cut.at = 0; cut.at < bytes.length; cut.at += 1024) {
        const error = await failure(store.stage(address, bytes, staging(sha256(old))));
        expect(error).toEqual({
          code: "store-mismatch",
          params: {
            address: "file:m1:/etc/kubernetes/pki/1.key",
            expected: sha256(bytes),
            found: sha256(bytes.subarray(0, cut.at)),
          },
        });
        expect(readFileSync(join(root, address.path), "utf8")).toBe(old);
      }
    } finally {
      await host.close();
    }
  });

  it("while the answer travels, at any byte: it is no answer, and never another", async () => {
    const shell = openLocalShell();
    const recorded: Uint8Array[] = [];
    const recording = openRemoteFileStore({
      host: {
        ...shell,
        sh: async (script, options) => {
          const result = await shell.sh(script, options);
          recorded.push(result.stdout);
          return result;
        },
      },
      root,
      node: "m1",
    });
    try {
      await recording.read(address);
      const [whole = new Uint8Array()] = recorded;
      expect(parseAnswers(whole).get(0)?.[0]).toBe("present");
      for (let at = 0; at < whole.length; at++) expect(parseAnswers(whole.subarray(0, at)).size).toBe(0);
      const store = openRemoteFileStore({
        host: { ...shell, sh: async () => ({ code: 0, stdout: whole.subarray(0, 300), stderr: "" }) },
        root,
        node: "m1",
      });
      expect(await failure(store.read(address))).toMatchObject({
        code: "store-unreadable",
        params: { reason: "no-answer" },
      });
    } finally {
      await shell.close();
    }
  });

  it("for good: everybody who asked in that turn is told, and the next turn asks again", async () => {
    const shell = openLocalShell();
    const lost = new Error("lost");
    const state = { isLost: true };
    const host = {
      ...shell,
      sh: (...args: Parameters<typeof shell.sh>) => (state.isLost ? Promise.reject(lost) : shell.sh(...args)),
    };
    const store = openRemoteFileStore({ host, root, node: "m1" });
    try {
      const ends = await Promise.allSettled([store.read(address), store.list(fileAddress("m1", "/etc"))]);
      expect(ends.map((end) => end.status === "rejected" && end.reason)).toEqual([lost, lost]);
      state.isLost = false;
      expect(await store.list(fileAddress("m1", "/etc"))).toEqual(["kubernetes"]);
    } finally {
      await shell.close();
    }
  });
});
