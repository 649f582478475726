// A host behind a real sshd: the contract, logins that must not happen, noise, sudo, jumps, lost connections, and what is left.
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openSshHost, type OpenSshHostOptions } from "../../../src/drivers/exec/open-ssh-host.ts";
import type { SshReach } from "../../../src/drivers/exec/ssh-arguments.ts";
import type { Host } from "../../../src/drivers/shared/host.ts";
import { describeHost } from "../../contract/host-contract.ts";
import { codeOf, failureOf } from "../../support/failures.ts";
import { canHavePasswords, hasSshd, startSshd, type Sshd, type SshdOptions } from "../../support/sshd.ts";

const reach: SshReach = {
  kind: "ssh",
  host: "node",
  user: null,
  port: null,
  identityFile: null,
  jump: null,
  sshConfig: null,
  sudo: false,
};
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

const noKeys = ["PubkeyAuthentication no", "PasswordAuthentication yes"];

/** Sockets need a short path. */
const runtimeFolder = mkdtempSync(join(tmpdir(), "r-"));
afterAll(() => rmSync(runtimeFolder, { recursive: true }));

function open(sshd: Pick<Sshd, "config">, options: Partial<OpenSshHostOptions> = {}): Host {
  return openSshHost({ name: "m2", reach, sshConfig: sshd.config, runtimeFolder, ...options });
}

/** Command lines of all processes that have the text. */
function processesWith(part: string): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(part));
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 1500) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe.skipIf(!hasSshd)("over OpenSSH", () => {
  const opened: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close();
  });

  async function sshdWith(options: SshdOptions = {}): Promise<Sshd> {
    const sshd = await startSshd(options);
    opened.push(() => sshd.stop());
    return sshd;
  }

  function hostOf(sshd: Pick<Sshd, "config">, options: Partial<OpenSshHostOptions> = {}): Host {
    const host = open(sshd, options);
    opened.push(() => host.close());
    return host;
  }

  describeHost("a machine with sshd", async () => {
    const sshd = await startSshd();
    const host = open(sshd);
    return {
      host,
      close: async () => {
        await host.close();
        await sshd.stop();
      },
    };
  });

  describe("host keys", () => {
    it("that nobody knows are refused with their fingerprint, and nothing is sent", async () => {
      const sshd = await sshdWith({ hostKey: "unknown" });
      expect(await failureOf(hostOf(sshd).sh("echo x"))).toEqual({
        code: "host-key-unknown",
        host: "m2",
        address: `[127.0.0.1]:${sshd.port}`,
        keyType: "ssh-ed25519",
        fingerprint: sshd.fingerprint,
      });
      expect(sshd.log()).not.toMatch(/Accepted|Failed|for root/);
      expect(readFileSync(sshd.knownHosts, "utf8")).toBe("");
    });

    it("that have changed are refused with the place of the old one, password or not", async () => {
      const sshd = await sshdWith({ hostKey: "other" });
      const before = readFileSync(sshd.knownHosts, "utf8");
      let asked = 0;
      const sshPassword = (): Promise<string> => Promise.resolve(`${++asked}`);
      for (const options of [{}, { sshPassword }]) {
        expect(await failureOf(hostOf(sshd, options).sh("echo x"))).toEqual({
          code: "host-key-changed",
          host: "m2",
          address: `[127.0.0.1]:${sshd.port}`,
          keyType: "ssh-ed25519",
          fingerprint: sshd.fingerprint,
          file: sshd.knownHosts,
          line: 1,
        });
      }
      expect(asked).toBe(0);
      expect(sshd.log()).not.toMatch(/Accepted|Failed|for root/);
      expect(readFileSync(sshd.knownHosts, "utf8")).toBe(before);
    });

    it("that nobody knows are refused too when there is a program to ask for passwords", async () => {
      const sshd = await sshdWith({ hostKey: "unknown" });
      const sshPassword = (): Promise<string> => Promise.resolve("yes");
      expect(await codeOf(hostOf(sshd, { sshPassword }).sh("echo x"))).toBe("host-key-unknown");
      expect(readFileSync(sshd.knownHosts, "utf8")).toBe("");
    });
  });

  describe("a login", () => {
    it("that is refused names what the server would take, whatever its banner says", async () => {
      const sshd = await sshdWith({
        settings: [...noKeys, "KbdInteractiveAuthentication no"],
        banner: "Host key verification failed.\nConnection refused\n",
      });
      expect(await failureOf(hostOf(sshd).sh("echo x"))).toMatchObject({
        code: "login-refused",
        methods: ["password"],
      });
    });

    it("is not possible without a program ssh", async () => {
      const options = { name: "m2", reach, runtimeFolder, sshProgram: "/nonexistent/ssh" };
      const host = openSshHost(options);
      expect(await failureOf(host.sh(":"))).toEqual({
        code: "ssh-missing",
        host: "m2",
        program: "/nonexistent/ssh",
      });
      await host.close();
    });

    it("to a port where nothing listens, to no address, with a broken configuration", async () => {
      const folder = mkdtempSync(join(tmpdir(), "config-"));
      opened.push(() => Promise.resolve(rmSync(folder, { recursive: true })));
      const config = join(folder, "config");
      const reasonWith = async (lines: string): Promise<unknown> => {
        writeFileSync(config, lines);
        const { code, reason } = await failureOf(hostOf({ config }).sh(":"));
        expect(code).toBe("host-unreachable");
        return reason;
      };
      expect(await reasonWith("Host node\nHostName 127.0.0.1\nPort 1\n")).toBe("refused");
      expect(await reasonWith("Host node\nHostName node.invalid\n")).toBe("no-such-host");
      expect(await reasonWith("Host node\nNoSuchOption yes\n")).toBe("configuration");
    });

    it("to a port that says nothing ends in time", async () => {
      const sockets: Socket[] = [];
      const server = createServer((socket) => void sockets.push(socket));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      opened.push(() => {
        for (const socket of sockets) socket.destroy();
        return new Promise((resolve) => server.close(resolve));
      });
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      const sshd = await sshdWith({ clientSettings: [`Port ${port}`] });
      const host = hostOf(sshd, { connectTimeoutMs: 500 });
      expect(await failureOf(host.sh(":"))).toMatchObject({ code: "host-unreachable", reason: "timeout" });
    });

    it("goes through a jump host", async () => {
      const jump = await sshdWith();
      const sshd = await sshdWith({ clientSettings: ["ProxyJump jump"] });
      const lines = readFileSync(jump.config, "utf8").replace("Host node", "Host jump");
      writeFileSync(sshd.config, `${lines}\n${readFileSync(sshd.config, "utf8")}`);
      expect(text((await hostOf(sshd).sh("echo through; echo ${SSH_CONNECTION##* }")).stdout)).toBe(
        `through\n${sshd.port}\n`,
      );
      expect(jump.log()).toContain("Accepted publickey");
    });

    it("names the jump host whose key is not known", async () => {
      const jump = await sshdWith({ hostKey: "unknown" });
      const sshd = await sshdWith();
      const lines = readFileSync(jump.config, "utf8").replace("Host node", "Host jump");
      writeFileSync(sshd.config, `${lines}\n${readFileSync(sshd.config, "utf8")}`);
      const host = hostOf(sshd, { reach: { ...reach, jump: "jump" } });
      expect(await failureOf(host.sh(":"))).toMatchObject({
        code: "host-key-unknown",
        address: `[127.0.0.1]:${jump.port}`,
        fingerprint: jump.fingerprint,
      });
    });
  });

  describe("noise", () => {
    it("of 10 MB on both streams, of a banner and of a login's rc is not in any answer", async () => {
      const noise = "dd if=/dev/zero bs=1000000 count=10 2>/dev/null | tr '\\\\0' n";
      const sshd = await sshdWith({
        prelude: `${noise}; ${noise} >&2; echo "$SSH_ORIGINAL_COMMAND"`,
        banner: "no trespassing\n",
      });
      const host = hostOf(sshd);
      const before = process.memoryUsage().rss;
      const { stdout, stderr } = await host.sh("echo out; echo err >&2");
      expect([text(stdout), stderr]).toEqual(["out\n", "err\n"]);
      expect(process.memoryUsage().rss - before).toBeLessThan(60_000_000);
    });

    it("does not keep a login that never gives a shell for ever", async () => {
      const sshd = await sshdWith({ prelude: "echo thinking >&2; sleep 60" });
      const host = hostOf(sshd, { connectTimeoutMs: 2000 });
      expect(await failureOf(host.sh(":"))).toMatchObject({
        code: "host-unreachable",
        reason: "timeout",
        detail: "thinking",
      });
    });

    it("is told from a login that has no shell", async () => {
      const sshd = await sshdWith({ settings: ["ForceCommand echo This account is not available; exit 1"] });
      expect(await failureOf(hostOf(sshd).sh(":"))).toMatchObject({ code: "host-unfit", missing: ["sh"] });
    });
  });

  describe("a password", () => {
    it("is given once, and only to who asks for it by name", async () => {
      const sshd = await sshdWith({ settings: noKeys });
      let asked = 0;
      const host = hostOf(sshd, { sshPassword: () => Promise.resolve(`wrong ${++asked}`) });
      expect(await failureOf(host.sh(":"))).toMatchObject({ code: "login-refused" });
      expect(await failureOf(host.sh(":"))).toMatchObject({ code: "login-refused" });
      expect(asked).toBe(1);
      expect(sshd.log().match(/Failed password/g)).toHaveLength(1);
    });
  });

  describe.skipIf(!canHavePasswords())("a password that is right", () => {
    const password = "correct horse '\"$(x) \\";

    it("lets us in, is asked for once, and is in no argument or environment", async () => {
      const sshd = await sshdWith({ password, settings: noKeys });
      let asked = 0;
      const host = hostOf(sshd, {
        sshPassword: () => Promise.resolve(`${asked++ === 0 ? "" : "not "}${password}`),
      });
      const places = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'";
      const found = await host.sh(`${places} | grep 'correct [h]orse'; echo $?`);
      expect(text(found.stdout)).toBe("1\n");
      sshd.killConnections();
      // Either noticed in time, or under the script.
      expect(["none", "host-lost"]).toContain(await codeOf(host.sh(":")));
      expect(text((await host.sh("echo again")).stdout)).toBe("again\n");
      expect(asked).toBe(1);
      expect(readdirSync(runtimeFolder)).toHaveLength(1);
    });

    it("is not given to a jump host that asks for one", async () => {
      const jump = await sshdWith({ password, settings: noKeys });
      const sshd = await sshdWith({ password, settings: noKeys });
      const lines = readFileSync(jump.config, "utf8")
        .replace("Host node", "Host jump")
        .replace("HostName 127.0.0.1", "HostName localhost\nHostKeyAlias [127.0.0.1]:" + String(jump.port));
      writeFileSync(sshd.config, `${lines}\n${readFileSync(sshd.config, "utf8")}`);
      let asked = 0;
      const options = { reach: { ...reach, jump: "jump" }, sshPassword: () => Promise.resolve(`${++asked}`) };
      expect(await codeOf(hostOf(sshd, options).sh(":"))).toBe("login-refused");
      expect(asked).toBe(0);
    });
  });

  describe("sudo", () => {
    /** On the far side's PATH before any other: asks as the real one does, and knows one password. */
    const fakeSudo = (folder: string, more = ""): string => {
      const bin = join(folder, "bin");
      mkdirSync(bin);
      const lines = [
        "#!/bin/sh",
        more,
        "prompt= ; while :; do case $1 in -S) shift;; -p) prompt=$2; shift 2;; *) break;; esac; done",
        `for try in 1 2 3; do printf %s "$prompt" >&2; IFS= read -r given || exit 1; echo "$given" >>'${folder}/given'`,
        `[ "$given" = 'right one' ] && exec env ROOT=yes "$@"; echo 'Sorry, try again.' >&2; done; exit 1`,
      ];
      writeFileSync(join(bin, "sudo"), lines.join("\n"), { mode: 0o755 });
      chmodSync(bin, 0o755);
      return `PATH=${bin}:$PATH`;
    };
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "sudo-"));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    async function withSudo(name: string, given: string | null, more?: string): Promise<Host> {
      const own = join(folder, name);
      mkdirSync(own);
      const sshd = await sshdWith({ prelude: fakeSudo(own, more) });
      const sudoPassword = given === null ? {} : { sudoPassword: () => Promise.resolve(given) };
      return hostOf(sshd, { reach: { ...reach, sudo: true }, ...sudoPassword });
    }

    it("gets the password on standard input, once for each shell", async () => {
      const host = await withSudo("right", "right one");
      const answers = await Promise.all([host.sh("echo $ROOT; sleep 0.1"), host.sh("echo $ROOT")]);
      expect(answers.map(({ stdout }) => text(stdout))).toEqual(["yes\n", "yes\n"]);
      expect(await codeOf(host.sh("sleep 20", { timeoutMs: 200 }))).toBe("command-failed");
      expect(text((await host.sh("cat", { input: Buffer.from("in") })).stdout)).toBe("in");
      expect(new Set(readFileSync(join(folder, "right/given"), "utf8").trim().split("\n"))).toEqual(
        new Set(["right one"]),
      );
    });

    it("is not tried again with a wrong password", async () => {
      const host = await withSudo("wrong", "wrong one");
      const failures = await Promise.all([failureOf(host.sh(":")), failureOf(host.sh(":"))]);
      expect(failures.map(({ code, reason }) => [code, reason])).toEqual([
        ["sudo-refused", "password-wrong"],
        ["sudo-refused", "password-wrong"],
      ]);
      expect(JSON.stringify(failures)).not.toContain("wrong one");
      expect(readFileSync(join(folder, "wrong/given"), "utf8")).toBe("wrong one\n");
    });

    it("says what it lacks", async () => {
      const reasonOf = async (name: string, given: string | null, more?: string): Promise<unknown> =>
        (await failureOf((await withSudo(name, given, more)).sh(":")))["reason"];
      expect(await reasonOf("none", null)).toBe("password-needed");
      const tty = "echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1";
      expect(await reasonOf("tty", "x", tty)).toBe("needs-terminal");
      const denied = "echo 'user is not in the sudoers file.  This incident will be reported.' >&2; exit 1";
      expect(await reasonOf("denied", "x", denied)).toBe("not-allowed");
      expect(await reasonOf("absent", "x", "exit 127")).toBe("not-installed");
    });
  });

  describe("forwarding", () => {
    it("that the server forbids is said so", async () => {
      const sshd = await sshdWith({ settings: ["AllowTcpForwarding no", "AllowStreamLocalForwarding no"] });
      const host = hostOf(sshd);
      const tcp = host.connect({ kind: "tcp", host: "127.0.0.1", port: sshd.port });
      expect(await failureOf(tcp)).toMatchObject({ code: "endpoint-unreachable", reason: "not-forwarded" });
      expect(text((await host.sh("echo on")).stdout)).toBe("on\n");
    });
  });

  it("makes do with one session when the server allows no more", async () => {
    const sshd = await sshdWith({ settings: ["MaxSessions 1"] });
    const host = hostOf(sshd);
    const answers = await Promise.all([1, 2, 3].map(async (n) => text((await host.sh(`echo ${n}`)).stdout)));
    expect(answers).toEqual(["1\n", "2\n", "3\n"]);
  });

  // 6000 bytes are 8000 of base64, which is less than the cipher makes of them.
  it("runs nothing of a frame that is cut, wherever", async () => {
    const sshd = await sshdWith();
    const size = 6000;
    const input = Buffer.alloc(size, "k");
    const script = `cat >'${sshd.folder}/part'; mv '${sshd.folder}/part' '${sshd.folder}/whole'`;
    for (let cut = 0; cut <= 8192; cut += 1024) {
      const proxy = await cuttingProxy(sshd.port);
      const config = join(sshd.folder, `config-${cut}`);
      const lines = readFileSync(sshd.config, "utf8").replace(
        /^Port .*$/m,
        `Port ${proxy.port}\nHostKeyAlias [127.0.0.1]:${sshd.port}`,
      );
      writeFileSync(config, lines);
      const host = open({ config }, { shells: 1 });
      await host.sh(":");
      proxy.cutAfter(cut);
      expect(await codeOf(host.sh(script, { input }))).toBe("host-lost");
      await host.close();
      proxy.close();
      expect(existsSync(join(sshd.folder, "whole")), `cut after ${cut}`).toBe(false);
      expect(existsSync(join(sshd.folder, "part")), `cut after ${cut}`).toBe(false);
    }
    const host = hostOf(sshd);
    await host.sh(script, { input });
    expect(readFileSync(join(sshd.folder, "whole"))).toEqual(input);
  });

  it("says host-lost when the connection dies under a script, and dials again for the next", async () => {
    const sshd = await sshdWith();
    const host = hostOf(sshd);
    await host.sh(":");
    const dying = failureOf(host.sh(`echo x >'${sshd.folder}/begun'; sleep 1`));
    await until(() => existsSync(join(sshd.folder, "begun")), "the script began");
    sshd.killConnections();
    expect(await dying).toMatchObject({ code: "host-lost" });
    expect(text((await host.sh("echo again")).stdout)).toBe("again\n");
  });

  /** A process of its own that opens a host; the program's file. */
  async function ownerOf(sshd: Sshd, own: string, body: string): Promise<string> {
    const settings = JSON.stringify({ name: "m2", reach, sshConfig: sshd.config, runtimeFolder: own });
    const contents = `import { openSshHost } from "./open-ssh-host.ts";
      const host = openSshHost(${settings});
      await host.sh(":");
      ${body}`;
    const resolveDir = join(import.meta.dirname, "../../../src/drivers/exec");
    const outfile = join(own, "owner.mjs");
    await build({
      stdin: { contents, resolveDir, loader: "ts" },
      bundle: true,
      platform: "node",
      format: "esm",
      outfile,
    });
    return outfile;
  }

  function ownFolder(): string {
    const own = mkdtempSync(join(runtimeFolder, "k-"));
    opened.push(() => Promise.resolve(rmSync(own, { recursive: true })));
    return own;
  }

  it("goes away by itself when its owner is killed, and the next one removes its folder", async () => {
    const sshd = await sshdWith();
    const own = ownFolder();
    const outfile = await ownerOf(
      sshd,
      own,
      `console.log("up"); await host.sh("sleep 1"); setInterval(() => undefined, 1000);`,
    );
    const owner = spawn(process.execPath, [outfile], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => owner.stdout.once("data", resolve));
    const left = (): readonly string[] => processesWith(`${own}/perennial-ssh-`);
    expect(left().length).toBeGreaterThan(1);
    owner.kill("SIGKILL");
    await until(() => left().length === 0, "ssh has ended");
    await until(() => processesWith(`${sshd.folder}/`).length === 1, "only the listening sshd is left");
    expect(readdirSync(own).filter((name) => name.startsWith("perennial-ssh-"))).toHaveLength(1);
    const host = hostOf(sshd, { runtimeFolder: own });
    await host.sh(":");
    await host.close();
    expect(readdirSync(own)).toEqual(["owner.mjs"]);
  });

  it.each([
    ["", ""],
    [
      ", and a connection that was given up",
      `const over = new AbortController();
       const given = host.connect({ kind: "unix", path: "/nowhere" }, over.signal).catch(() => undefined);
       const other = host.connect({ kind: "unix", path: "/nowhere" }, over.signal).catch(() => undefined);
       setImmediate(() => over.abort());
       await Promise.all([given, other]);`,
    ],
  ])("holds no command up once it is closed%s", async (_, before) => {
    const sshd = await sshdWith();
    const body = `${before} await host.close(); console.log("closed");`;
    const outfile = await ownerOf(sshd, ownFolder(), body);
    const owner = spawn(process.execPath, [outfile], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => owner.stdout.once("data", resolve));
    const since = performance.now();
    await new Promise((resolve) => owner.once("exit", resolve));
    expect(performance.now() - since).toBeLessThan(5000);
  });

  it("leaves no process, no socket and no folder behind", async () => {
    const sshd = await sshdWith();
    const host = open(sshd);
    await Promise.all([host.sh("sleep 0.1"), host.sh("sleep 0.1")]);
    const stream = await host.connect({ kind: "tcp", host: "127.0.0.1", port: sshd.port });
    expect(processesWith(runtimeFolder).length).toBeGreaterThan(2);
    await host.close();
    await host.close();
    expect(stream.destroyed).toBe(true);
    expect(processesWith(runtimeFolder)).toEqual([]);
    expect(readdirSync(runtimeFolder)).toEqual([]);
    await until(() => processesWith(`${sshd.folder}/`).length === 1, "only the listening sshd is left");
  });
});

interface CuttingProxy {
  readonly port: number;
  /** Lets so many bytes more through to the server, then cuts both ways. */
  cutAfter(bytes: number): void;
  close(): void;
}

async function cuttingProxy(to: number): Promise<CuttingProxy> {
  let left = Number.POSITIVE_INFINITY;
  const server = createServer((client) => {
    const remote = connect({ host: "127.0.0.1", port: to });
    const end = (): void => {
      client.destroy();
      remote.destroy();
    };
    client.on("data", (chunk: Buffer) => {
      remote.write(chunk.subarray(0, Math.max(0, left)));
      left -= chunk.length;
      if (left < 0) remote.end(() => client.destroy());
    });
    remote.on("data", (chunk: Buffer) => client.write(chunk));
    for (const socket of [client, remote]) socket.on("error", end).on("close", end);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    cutAfter: (bytes) => {
      left = bytes;
    },
    close: () => void server.close(),
  };
}
