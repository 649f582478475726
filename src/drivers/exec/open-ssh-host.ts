// Another machine as a Host, over the system's OpenSSH: one master connection, a few long-lived shells, forwarded listeners.
// INPUTS: the user's SSH configuration, agent, known hosts; passwords when asked for. OUTPUTS: a runtime folder and ssh processes until
// `close`; on the far side nothing but what scripts leave.
import { join } from "node:path";
import { isAppError, type AppError } from "../../core/model/errors.ts";
import type { Host, StreamTarget } from "../shared/host.ts";
import type { FrameShell } from "./frame-shell.ts";
import { openFrameShell, OpeningFailed } from "./open-frame-shell.ts";
import { hostOfPool } from "./host-of-pool.ts";
import { newWord } from "./local-host.ts";
import { startSsh, type SshProgram } from "./run-ssh.ts";
import { makeRuntimeFolder, type RuntimeFolder } from "./runtime-folder.ts";
import { shellPool } from "./shell-pool.ts";
import { shellArguments, type SshPlace, type SshReach } from "./ssh-arguments.ts";
import { loginFault, shellFault } from "./ssh-faults.ts";
import { openForwards, type Forwards } from "./ssh-forwards.ts";
import { startMaster, type SshMaster } from "./ssh-master.ts";

export interface OpenSshHostOptions {
  readonly name: string;
  readonly reach: SshReach;
  /** A file for `ssh -F`, in place of the user's and the system's configuration. */
  readonly sshConfig?: string;
  /** Where the 0700 folder for sockets is made; default XDG_RUNTIME_DIR, else the temporary folder. */
  readonly runtimeFolder?: string;
  /** Asked once, when sudo wants it; kept in memory. */
  readonly sudoPassword?: () => Promise<string>;
  /** Given, ssh may ask for the password of the login; asked once, kept in memory. Without it ssh asks nobody (BatchMode). */
  readonly sshPassword?: () => Promise<string>;
  /** How many scripts run at once; default 2. */
  readonly shells?: number;
  /** For a login, and again for a shell; default 30 s. */
  readonly connectTimeoutMs?: number;
  /** Default `ssh`. */
  readonly sshProgram?: string;
}

interface Connection {
  readonly folder: RuntimeFolder;
  readonly place: SshPlace;
  readonly master: SshMaster;
  readonly forwards: Forwards;
}

const terminateMs = 5000;

/**
 * Nothing is dialled before the first call. A connection that was lost is made anew by the next call.
 * @throws AppError from its calls: ssh-missing, host-key-unknown, host-key-changed, login-refused, host-unreachable, host-unfit,
 * sudo-refused, host-lost, command-failed, endpoint-unreachable
 */
export function openSshHost(options: OpenSshHostOptions): Host {
  const { name, reach, connectTimeoutMs: timeoutMs = 30_000 } = options;
  const ssh: SshProgram = { host: name, program: options.sshProgram ?? "ssh" };
  const login = once(options.sshPassword);
  const sudo = reach.sudo ? { password: once(options.sudoPassword) } : null;
  let current: Promise<Connection> | null = null;
  let refusal: AppError | null = null;
  let last: SshMaster | null = null;

  async function dial(): Promise<Connection> {
    const folder = makeRuntimeFolder(options.runtimeFolder);
    const place = { reach, sshConfig: options.sshConfig, controlPath: join(folder.path, "m") };
    try {
      const common = { ssh, place, folder: folder.path };
      const master = await startMaster({ ...common, word: newWord(), password: login, timeoutMs });
      return { folder, place, master, forwards: openForwards({ ...common, master }) };
    } catch (error) {
      folder.remove();
      if (login && isAppError(error, "login-refused")) refusal = error;
      throw error;
    }
  }

  async function connection(): Promise<Connection> {
    if (refusal) throw refusal;
    const known = await current?.catch(() => null);
    if (known?.master.isAlive()) return known;
    if (known) await hangUp(known);
    current ??= dial();
    const mine = current;
    mine.catch(() => {
      if (current === mine) current = null;
    });
    return mine;
  }

  async function hangUp(known: Connection): Promise<void> {
    if ((await current?.catch(() => null)) === known) current = null;
    await known.master.stop();
    known.folder.remove();
  }

  /** A master that has gone without our noticing is made anew: no frame was sent yet. */
  async function open(isAgain = false): Promise<FrameShell> {
    const known = await connection();
    try {
      return await openOver(known, timeoutMs);
    } catch (error) {
      if (!(error instanceof OpeningFailed)) throw error;
      if (!isSshFailure(error) || isSessionRefused(error)) throw explained(error);
      await hangUp(known);
      if (isAgain) throw loginFault(name, known.master.log);
      return open(true);
    }
  }

  async function openOver({ place, master }: Connection, withinMs: number): Promise<FrameShell> {
    const start = (code: string) => startSsh(ssh, shellArguments(place, code));
    last = master;
    return openFrameShell({ word: newWord(), start, timeoutMs: withinMs, sudo });
  }

  function explained(error: OpeningFailed): AppError {
    const found = shellFault(name, error);
    // A password is not tried again: accounts are locked that way.
    if (isAppError(found, "sudo-refused")) refusal = found;
    return found;
  }

  async function terminate(shell: FrameShell): Promise<boolean> {
    shell.drop();
    const known = await current?.catch(() => null);
    if (!known) return false;
    const isTerminated = await killThere(known, shell).catch(() => false);
    if (!isTerminated) await hangUp(known);
    return isTerminated;
  }

  /** The shell's process group, if the process still is the one that runs our loop. */
  async function killThere(known: Connection, { word, pid, group }: FrameShell): Promise<boolean> {
    if (group < 2 || !known.master.isAlive()) return false;
    const killer = await openOver(known, terminateMs);
    const script = `grep -q ${word} /proc/${pid}/cmdline 2>/dev/null || exit 0; kill -9 -${group}`;
    const frame = {
      input: new Uint8Array(),
      timeoutMs: terminateMs,
      limitBytes: 4096,
      signal: undefined,
    };
    const end = await killer.run(script, frame);
    await killer.end(terminateMs);
    killer.drop();
    return end.kind === "done";
  }

  const pool = shellPool({
    size: options.shells ?? 2,
    open,
    terminate,
    isFull: (error) =>
      isAppError(error) && error.cause instanceof OpeningFailed && isSessionRefused(error.cause),
  });
  return hostOfPool(name, pool, {
    connect: async (target: StreamTarget, signal?: AbortSignal) =>
      (await connection()).forwards.connect(target, signal),
    lostWords: () => (last && !last.isAlive() ? last.words() : ""),
    close: async () => {
      const known = await current?.catch(() => null);
      if (known) await hangUp(known);
    },
  });
}

/** ssh itself failed, not what it ran. */
function isSshFailure({ fault }: OpeningFailed): boolean {
  return fault.kind === "ended" && fault.code === 255;
}

/** MaxSessions of the far side. */
function isSessionRefused({ fault }: OpeningFailed): boolean {
  return fault.kind === "ended" && /Session open refused|session request failed/i.test(fault.words);
}

function once(ask: (() => Promise<string>) | undefined): (() => Promise<string>) | null {
  let answer: Promise<string> | null = null;
  return ask ? () => (answer ??= ask()) : null;
}
