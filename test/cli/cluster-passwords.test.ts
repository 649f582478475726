// `-k` and `-K` against a real sshd and a sudo that asks: given once, wrong ones refused, and nowhere to be seen.
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { builtCli, finished, type ProcessResult, runCli } from "../support/cli.ts";
import { canHavePasswords, startSshd, type Sshd } from "../support/sshd.ts";

const login = "correct horse '\"$(x) \\";
const become = "right one for sudo";
const open: Sshd[] = [];
afterEach(async () => {
  for (const sshd of open.splice(0)) await sshd.stop();
});

interface Scene {
  readonly folder: string;
  readonly file: string;
  readonly sshd: Sshd;
}

/** A login that prints noise before the shell, and a sudo that first looks whether anybody could read the passwords. */
async function setUp(): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), "pass-"));
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const places = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'";
  const lines = [
    "#!/bin/sh",
    `${places} | grep -c -e 'correct [h]orse' -e 'right [o]ne for' >'${folder}/leaks'`,
    "prompt= ; while :; do case $1 in -S) shift;; -p) prompt=$2; shift 2;; *) break;; esac; done",
    `for try in 1 2 3; do printf %s "$prompt" >&2; IFS= read -r given || exit 1; echo asked >>'${folder}/asked'`,
    `[ "$given" = '${become}' ] && exec "$@"; echo 'Sorry, try again.' >&2; done; exit 1`,
  ];
  writeFileSync(join(bin, "sudo"), lines.join("\n"));
  chmodSync(join(bin, "sudo"), 0o755);
  const sshd = await startSshd({
    password: login,
    settings: ["PubkeyAuthentication no"],
    prelude: `echo 'Authorized use only: password of the day'; PATH=${bin}:$PATH`,
  });
  open.push(sshd);
  const file = join(folder, "prod.yaml");
  const node = "- {name: far, ssh: {host: node, sudo: true}}";
  writeFileSync(
    file,
    `apiVersion: perennial/v1\nkind: Cluster\nname: prod\nssh: {config: ${sshd.config}}\nnodes:\n${node}\n`,
  );
  return { folder, file, sshd };
}

function piped(words: readonly string[], input: string): Promise<ProcessResult> {
  const env = { PATH: process.env["PATH"] ?? "", LANG: "C" };
  const child = spawn(process.execPath, [builtCli(), ...words], { env, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(input);
  return finished(child);
}

/** Why the node was not read: this machine, which is no node, once the way to it is open. */
function errorIn(out: string): string {
  const answer = JSON.parse(out) as {
    readonly findings: readonly { readonly params: { readonly error: { readonly code: string } } }[];
  };
  return answer.findings[0]?.params.error.code ?? "";
}

describe.skipIf(!canHavePasswords())("passwords of the command line", { timeout: 90_000 }, () => {
  it("come from standard input without a terminal, open login and sudo, and show nowhere", async () => {
    const { folder, file } = await setUp();
    const words = ["check", "-f", file, "-k", "-K", "-o", "json"];
    const { out, err } = await piped(words, `${login}\n${become}\n`);
    expect(["login-refused", "sudo-refused", "host-unfit", "host-unreachable"]).not.toContain(errorIn(out));
    expect(readFileSync(join(folder, "leaks"), "utf8")).toBe("0\n");
    for (const secret of ["correct horse", become]) expect(out + err).not.toContain(secret);
  });

  it("end the command when there is no line for them", async () => {
    const { file } = await setUp();
    const { code, err } = await piped(["check", "-f", file, "-k"], "");
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/standard input ended before a password was read\nhint: type it at a terminal/),
    ]);
  });

  it("are refused when wrong, and not tried again", async () => {
    const { folder, file, sshd } = await setUp();
    const first = await runCli(["check", "-f", file, "-k", "-K", "-o", "json"], {
      secrets: ["not this one", ""],
    });
    expect(errorIn(first.out)).toBe("login-refused");
    expect(sshd.log().match(/Failed password/g)).toHaveLength(1);
    // An empty answer takes the login's, which sudo does not know.
    const second = await runCli(["check", "-f", file, "-k", "-K", "-o", "json"], { secrets: [login, ""] });
    expect(errorIn(second.out)).toBe("sudo-refused");
    expect(readFileSync(join(folder, "asked"), "utf8")).toBe("asked\n");
    expect(first.out + second.out + first.err + second.err).not.toMatch(/not this one|correct horse/);
  });

  it("are named by the errors that want them, and refused without -f", async () => {
    const { file } = await setUp();
    const asked = await runCli(["check", "-f", file]);
    expect(asked.out).toContain("--ask-pass (-k)");
    const sudo = await runCli(["check", "-f", file, "-k"], { secrets: [login] });
    expect(sudo.out).toContain("--ask-become-pass (-K)");
    expect(await runCli(["check", "-K"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("for the nodes of -f") as string,
    });
  });
});
