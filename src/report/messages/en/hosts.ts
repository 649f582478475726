// English: errors of other machines, which are reached over SSH.
import { faultWords } from "../../../core/model/reasons-servers.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import type { ErrorMessages } from "../types.ts";

export type HostErrorCode =
  | "ssh-missing"
  | "host-key-unknown"
  | "host-key-changed"
  | "login-refused"
  | "host-unreachable"
  | "host-unfit"
  | "sudo-refused"
  | "host-lost";

/** `ssh-keyscan` for an address as `ssh-keygen -R` takes it. */
export function keyscanOf(address: string): string {
  const [, name, port] = /^\[(.+)\]:(\d+)$/.exec(address) ?? [];
  return name === undefined || port === undefined
    ? `ssh-keyscan ${shellQuote(address)}`
    : `ssh-keyscan -p ${port} ${shellQuote(name)}`;
}

/** The command that takes an old host key out of a file of known ones. */
export function forgetKeyOf(file: string | null, address: string): string {
  return `ssh-keygen${file === null ? "" : ` -f ${shellQuote(file)}`} -R ${shellQuote(address)}`;
}

/** On the machine itself, what its keys are. */
export const ownFingerprints = "for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done";

export const hostErrors: ErrorMessages<HostErrorCode> = {
  "ssh-missing": {
    sentence: (p) => `${p.host} cannot be reached: there is no program ${p.program} on this machine`,
    hint: () => [
      "install the OpenSSH client: apt-get install openssh-client, or yum install openssh-clients",
    ],
  },
  "host-key-unknown": {
    sentence: (p) =>
      `the host key of ${p.host} (${p.address}) is not known here: ${p.keyType} ${p.fingerprint}; nothing was sent`,
    hint: (p) => [
      `on the console of ${p.host}, see whether this is its key: ${ownFingerprints}`,
      `only then add it: ${keyscanOf(p.address)} >> ~/.ssh/known_hosts`,
    ],
  },
  "host-key-changed": {
    sentence: (p) =>
      `the host key of ${p.host} (${p.address}) is not the one known here` +
      `${p.file === null ? "" : ` (${p.file}, line ${p.line})`}: it now is ${p.keyType} ${p.fingerprint}; nothing was sent`,
    hint: (p) => [
      `either the machine was installed anew or somebody stands between; on its console: ${ownFingerprints}`,
      `only when that is the key: ${forgetKeyOf(p.file, p.address)}, then ${keyscanOf(p.address)} >> ~/.ssh/known_hosts`,
    ],
  },
  "login-refused": {
    sentence: (p) => `${p.host} did not let us in: ${p.detail}`,
    hint: (p) => [
      `the same by hand, with what ssh tries: ssh -v ${shellQuote(p.host)} true`,
      ...(p.methods.length === 0 ? [] : [`the server would take: ${p.methods.join(", ")}`]),
      "ssh-add -l shows the keys of the agent; user and key of a host stand in ~/.ssh/config or cluster.yaml",
      ...(p.methods.some((method) => /^(password|keyboard-interactive)$/.test(method))
        ? [`or a password: ${flags.askPass} (-k) asks once, for all nodes`]
        : []),
    ],
  },
  "host-unreachable": {
    sentence: (p) => `${p.host} cannot be reached: ${faultWords[p.reason]} (${p.detail})`,
    hint: (p) => [`the same by hand: ssh -v ${shellQuote(p.host)} true`],
  },
  "host-unfit": {
    sentence: (p) =>
      `nothing can be run on ${p.host}: there is no ${p.missing.join(", ")}${p.detail === "" ? "" : ` (${p.detail})`}`,
    hint: () => [
      "POSIX sh and coreutils (or busybox) are needed there; nothing else is",
      "without them: perennial plan --script writes a script to carry over",
    ],
  },
  "sudo-refused": {
    sentence: (p) => `sudo on ${p.host}: ${faultWords[p.reason]}${p.detail === "" ? "" : ` (${p.detail})`}`,
    hint: (p) => [
      ...(p.reason === "password-needed"
        ? [`give it a password: ${flags.askBecomePass} (-K) asks once, for all nodes`]
        : []),
      ...(p.reason === "needs-terminal"
        ? ["in its /etc/sudoers: Defaults:USER !requiretty, USER being the one of the login"]
        : []),
      `see what this user may do: ssh -t ${shellQuote(p.host)} sudo -l`,
    ],
  },
  "host-lost": {
    sentence: (p) => `the connection to ${p.host} was lost: ${p.reason}`,
    hint: (_, tool) => [
      "whether the command under way ended is not known; what is repeated looks at what is there first",
      `when ${tool("runs list")} shows an unfinished run: ${tool("resume")}`,
    ],
  },
};
