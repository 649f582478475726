// `--ask-pass` and `--ask-become-pass`: asked once, before anything is reached, for all nodes. Kept in memory; in no argument, environment or file.
import type { Passwords } from "../app/open-session.ts";
import { cliMessages } from "../report/cli-messages.ts";
import type { Io } from "./io.ts";
import type { NodeOptions } from "./options.ts";

/** The login's first. An empty answer for sudo takes the login's, as with Ansible. @throws AppError `input-unreadable`, `interrupted` */
export async function askPasswords({ askPass, askBecomePass }: NodeOptions, io: Io): Promise<Passwords> {
  const { passwords: words } = cliMessages(io.lang).ask;
  const login = askPass === true ? await io.askSecret(words.ssh) : null;
  const sudo = askBecomePass === true ? await io.askSecret(words.sudo(login !== null)) : null;
  return {
    ...(login === null ? {} : { sshPassword: () => Promise.resolve(login) }),
    ...(sudo === null ? {} : { sudoPassword: () => Promise.resolve(sudo === "" ? (login ?? "") : sudo) }),
  };
}
