// Arguments of the system's OpenSSH client, always as an array.
import type { Reach } from "../../core/model/cluster.ts";
import type { StreamTarget } from "../shared/host.ts";

export type SshReach = Extract<Reach, { readonly kind: "ssh" }>;

export interface SshPlace {
  readonly reach: SshReach;
  /** `-F`; undefined: the user's and the system's. */
  readonly sshConfig: string | undefined;
  readonly controlPath: string;
}

/** No terminal, no window, no agent lent. */
const quiet = ["-T", "-x", "-a"] as const;
const connectSeconds = 10;

/** The way to the host as the user's configuration and the operator's words give it. */
function way({ reach, sshConfig }: SshPlace): readonly string[] {
  return [
    ...(sshConfig === undefined ? [] : ["-F", sshConfig]),
    ...(reach.user === null ? [] : ["-l", reach.user]),
    ...(reach.port === null ? [] : ["-p", String(reach.port)]),
    ...(reach.identityFile === null ? [] : ["-i", reach.identityFile]),
    ...(reach.jump === null ? [] : ["-J", reach.jump]),
  ];
}

/**
 * How long the connection lives with nothing over it: a busy machine may take seconds to start the ssh of the first shell, and finds no
 * connection any more if it was too slow. Only a tool that was killed leaves one for so long.
 */
const idleSeconds = 15;

/** The connection all others share. It goes into the background once logged in, and away when nothing has used it for some seconds. */
export function masterArguments(place: SshPlace, usesPassword: boolean): readonly string[] {
  return [
    ...way(place),
    "-vv",
    ...quiet,
    "-N",
    "-M",
    "-S",
    place.controlPath,
    ...options([
      `ControlPersist=${idleSeconds}`,
      `ConnectTimeout=${connectSeconds}`,
      "ServerAliveInterval=5",
      "ServerAliveCountMax=3",
      "ClearAllForwardings=yes",
      "PermitLocalCommand=no",
      ...(usesPassword ? ["NumberOfPasswordPrompts=1"] : ["BatchMode=yes"]),
    ]),
    "--",
    place.reach.host,
  ];
}

/** What goes over the master, or nowhere: without it there is no other way to any machine. */
function shared({ controlPath }: SshPlace): readonly string[] {
  return [
    ...quiet,
    "-F",
    "/dev/null",
    "-S",
    controlPath,
    ...options(["ControlMaster=no", "ProxyCommand=false", "BatchMode=yes", "LogLevel=ERROR"]),
  ];
}

/** `code` runs as `sh -c`; see bootCode for why it can stand between single quotes of any login shell. */
export function shellArguments(place: SshPlace, code: string): readonly string[] {
  return [...shared(place), "--", place.reach.host, `exec sh -c '${code}'`];
}

export function controlArguments(place: SshPlace, command: "exit" | "check"): readonly string[] {
  return [...shared(place), "-O", command, "--", place.reach.host];
}

export function forwardArguments(place: SshPlace, path: string, target: StreamTarget): readonly string[] {
  return [
    ...shared(place),
    "-O",
    "forward",
    "-L",
    `${escaped(path)}:${targetOf(target)}`,
    "--",
    place.reach.host,
  ];
}

/** What the configuration makes of the host's name. */
export function configurationArguments(place: SshPlace): readonly string[] {
  return [...way(place), "-G", "--", place.reach.host];
}

function options(values: readonly string[]): readonly string[] {
  return values.flatMap((value) => ["-o", value]);
}

function targetOf(target: StreamTarget): string {
  if (target.kind === "unix") return escaped(target.path);
  return `${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}`;
}

/** ssh's misc.c, parse_fwd_field: a backslash takes the next character as it is. */
function escaped(path: string): string {
  return path.replace(/[\\:]/g, String.raw`\$&`);
}
