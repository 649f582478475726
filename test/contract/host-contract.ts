// The contract of Host (src/drivers/shared/host.ts) as a suite: every implementation runs it through a small harness.
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Host, ShellOptions, StreamTarget } from "../../src/drivers/shared/host.ts";
import { codeOf } from "../support/failures.ts";

export interface HostHarness {
  readonly host: Host;
  close(): Promise<void>;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

export function describeHost(name: string, open: () => Promise<HostHarness>): void {
  describe(`${name} as a host`, () => {
    let harness: HostHarness;
    let folder: string;
    let server: Server;
    const unixPath = (): string => join(folder, "socket");
    let port = 0;

    beforeAll(async () => {
      harness = await open();
      folder = mkdtempSync(join(tmpdir(), "host-"));
      server = createServer((socket) => socket.on("error", () => undefined).end("hello from the listener"));
      const unix = createServer((socket) => socket.on("error", () => undefined).end("hello from the socket"));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      await new Promise<void>((resolve) => unix.listen(unixPath(), resolve));
      const address = server.address();
      port = typeof address === "object" && address ? address.port : 0;
      server.once("close", () => unix.close());
    });

    afterAll(async () => {
      await harness.close();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const sh = (script: string, options?: ShellOptions) => harness.host.sh(script, options);

    it("gives both streams and the exit code of a script as they are", async () => {
      const { code, stdout, stderr } = await sh("printf 'a\\n\\nb'; echo wrong >&2; exit 3");
      expect([code, text(stdout), stderr]).toEqual([3, "a\n\nb", "wrong\n"]);
    });

    it("tells an empty output from a line end", async () => {
      expect(text((await sh(":")).stdout)).toBe("");
      expect(text((await sh("echo")).stdout)).toBe("\n");
    });

    it("runs in the C locale, with umask 077 and / as its folder", async () => {
      expect(text((await sh("echo $LC_ALL; umask; pwd")).stdout)).toBe("C\n0077\n/\n");
    });

    it("keeps nothing of a script for the next one: folder, variables, umask, options", async () => {
      await sh("cd /tmp; umask 0; left=behind; set -e; set -u; exec 3</dev/null; exit 9");
      const now = 'case $- in *[eu]*) echo options;; esac; echo "${left-nothing}"; umask; pwd';
      expect(text((await sh(now)).stdout)).toBe("nothing\n0077\n/\n");
    });

    it.each([0, 1, 57, 3000, 4096, 200_000])("hands %i bytes of any kind over as they are", async (size) => {
      const input = Uint8Array.from({ length: size }, (_, index) => (index * 7 + (index >> 8)) & 255);
      expect(Buffer.from((await sh("cat", { input })).stdout).equals(Buffer.from(input))).toBe(true);
    });

    it("gives a script without input an empty one", async () => {
      expect(text((await sh("read -r line; echo $?; cat")).stdout)).toBe("1\n");
    });

    it("runs long scripts, scripts in several lines, with quotes, here-documents and comments", async () => {
      const lines = Array.from({ length: 400 }, (_, index) => `line ${index} '"$(x)\`y\`\\`);
      const script = `cat <<'END'\n${lines.join("\n")}\nEND\n# a last comment`;
      expect(text((await sh(script)).stdout)).toBe(`${lines.join("\n")}\n`);
    });

    it("takes a script with a syntax error for a failed one", async () => {
      const { code, stderr } = await sh("if then");
      expect(code).toBeGreaterThan(0);
      expect(stderr.toLowerCase()).toContain("syntax error");
      expect((await sh("echo well")).code).toBe(0);
    });

    it("keeps input out of every argument and environment", async () => {
      // A word of this test alone: the machine's other processes, other tests among them, are looked at too.
      const word = `KEY-${randomBytes(12).toString("hex")}`;
      const input = Buffer.from(word);
      const encoded = input.toString("base64");
      const places = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'";
      const script = `cat >/dev/null; ${places} | grep -e '[K]${word.slice(1)}' -e '[${encoded[0]}]${encoded.slice(1)}'; echo $?`;
      expect(text((await sh(script, { input })).stdout)).toBe("1\n");
      const seen = `(X=${word} sleep 3) >&2 & sleep 0.1; ${places} | grep -c '[K]${word.slice(1)}'`;
      expect(text((await sh(seen)).stdout)).not.toBe("0\n");
    });

    it("runs twenty scripts at once, each with its own answer", async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const { code, stdout } = await sh(`cat; exit ${index}`, { input: Buffer.from(`input ${index}`) });
          return `${text(stdout)} ${code}`;
        }),
      );
      expect(answers).toEqual(Array.from({ length: 20 }, (_, index) => `input ${index} ${index}`));
    });

    it("keeps the first 4 KiB of standard error", async () => {
      const { stderr } = await sh("dd if=/dev/zero bs=1000 count=1000 2>/dev/null | tr '\\0' e >&2");
      expect(stderr).toBe("e".repeat(4096));
    });

    it("stops a script that prints too much, and goes on", async () => {
      const error = await sh("yes", { limitBytes: 100_000 }).catch((e: unknown) => e);
      expect(error).toMatchObject({
        code: "command-failed",
        params: { reason: "more than 100000 bytes of output" },
      });
      expect(text((await sh("echo on")).stdout)).toBe("on\n");
    });

    it("ends a script that takes too long, with its children, and runs others meanwhile", async () => {
      const file = join(folder, "late");
      const script = `echo begun >'${file}'; (sleep 2.5; echo child >>'${file}') & sleep 2.5; echo end >>'${file}'`;
      const late = codeOf(sh(script, { timeoutMs: 1000 }));
      expect(text((await sh("echo beside")).stdout)).toBe("beside\n");
      expect(await late).toBe("command-failed");
      await sh("sleep 2.3");
      expect(readFileSync(file, "utf8")).toBe("begun\n");
    });

    it("ends a script that is no longer wanted, and rejects with the signal's reason", async () => {
      const abort = new AbortController();
      const reason = new Error("no longer wanted");
      const running = sh("sleep 30", { signal: abort.signal });
      abort.abort(reason);
      await expect(running).rejects.toBe(reason);
      await expect(sh("echo", { signal: abort.signal })).rejects.toBe(reason);
    });

    it("says host-lost when the shell is killed under a script, and goes on", async () => {
      expect(await codeOf(sh("kill -9 $$; sleep 0.2"))).toBe("host-lost");
      expect(text((await sh("echo on")).stdout)).toBe("on\n");
    });

    it("has no output or input in its errors", async () => {
      const input = Buffer.from("KEY-BYTES");
      const error = await sh("cat; yes KEY-BYTES", { input, limitBytes: 1000 }).catch((e: unknown) => e);
      expect(JSON.stringify(error) + String(error)).not.toContain("KEY-BYTES");
    });

    async function readAll(target: StreamTarget): Promise<string> {
      const stream = await harness.host.connect(target);
      return new Promise((resolve, reject) => {
        let all = "";
        stream.on("data", (chunk: Buffer) => (all += chunk.toString("utf8")));
        stream.on("error", reject);
        stream.on("end", () => resolve(all));
      });
    }

    it("connects to listeners as the host sees them, several at once", async () => {
      const tcp = { kind: "tcp", host: "127.0.0.1", port } as const;
      const answers = await Promise.all([
        readAll(tcp),
        readAll({ kind: "unix", path: unixPath() }),
        readAll(tcp),
      ]);
      expect(answers).toEqual([
        "hello from the listener",
        "hello from the socket",
        "hello from the listener",
      ]);
    });

    it("says why a listener cannot be reached", async () => {
      const reasonOf = async (target: StreamTarget): Promise<unknown> => {
        const error: unknown = await harness.host.connect(target).catch((e: unknown) => e);
        expect(error).toMatchObject({ code: "endpoint-unreachable" });
        return (error as { params: { reason: unknown } }).params.reason;
      };
      expect(await reasonOf({ kind: "tcp", host: "127.0.0.1", port: 1 })).toBe("refused");
      expect(await reasonOf({ kind: "tcp", host: "::1", port: 1 })).toMatch(/^(refused|no-route|closed)$/);
      expect(await reasonOf({ kind: "unix", path: join(folder, "none") })).toBe("no-socket");
    });

    it("does not begin what is no longer wanted", async () => {
      const signal = AbortSignal.abort(new Error("stop"));
      const target = { kind: "tcp", host: "127.0.0.1", port } as const;
      await expect(harness.host.connect(target, signal)).rejects.toThrow("stop");
      await expect(sh(`echo x >'${join(folder, "never")}'`, { signal })).rejects.toThrow("stop");
      expect(existsSync(join(folder, "never"))).toBe(false);
    });
  });
}
