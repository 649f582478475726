// A login password for ssh without a terminal: a program of ours that ssh asks. It reads the password from the standard input that ssh
// has from us, so that the password is in no argument, environment or file. Only the prompt of the host itself is answered:
// a jump host, a key's passphrase and an unknown host key get a no.
// OUTPUTS: an executable file without secrets in the runtime folder.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Askpass {
  readonly env: Readonly<Record<string, string>>;
  /** A line of standard error: now the program waits for the password. */
  readonly mark: string;
}

export interface AskpassOptions {
  readonly folder: string;
  readonly word: string;
  /** As ssh names them in its prompts. */
  readonly user: string;
  readonly hostname: string;
}

export function makeAskpass({ folder, word, user, hostname }: AskpassOptions): Askpass {
  const mark = `${word}-password`;
  const path = join(folder, "askpass");
  const who = `'${`${user}@${hostname.toLowerCase()}`.replaceAll("'", String.raw`'\''`)}'`;
  const code = [
    "#!/bin/sh",
    `case $1 in ${who}"'s password: "|'('${who}') '*[Pp]assword*) ;; *) exit 1;; esac`,
    `echo '${mark}' >&2`,
    String.raw`IFS= read -r answer && printf '%s\n' "$answer"`,
    "",
  ];
  writeFileSync(path, code.join("\n"), { mode: 0o700, flag: "wx" });
  // Before 8.4 there is no REQUIRE: without a terminal and with some DISPLAY the program is asked as well.
  return {
    env: { SSH_ASKPASS: path, SSH_ASKPASS_REQUIRE: "force", DISPLAY: process.env["DISPLAY"] ?? ":" },
    mark,
  };
}
