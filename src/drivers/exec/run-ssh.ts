// Starts the system's ssh: no shell, no terminal, never asking anybody by itself.
// INPUTS: the user's SSH configuration, agent and known hosts. OUTPUTS: what ssh writes there itself.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { AppError } from "../../core/model/errors.ts";

export interface SshProgram {
  /** What the operator calls the host. */
  readonly host: string;
  readonly program: string;
}

/** The terminal is taken away with the session, and whatever would open a window. */
function quietEnvironment(): Record<string, string | undefined> {
  const { DISPLAY, SSH_ASKPASS, ...env } = process.env;
  void DISPLAY;
  void SSH_ASKPASS;
  return { ...env, SSH_ASKPASS_REQUIRE: "never" };
}

export function startSsh(
  { program }: SshProgram,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcessWithoutNullStreams {
  return spawn(program, args, { stdio: "pipe", detached: true, env: { ...quietEnvironment(), ...env } });
}

const stopMs = 10_000;
const limitBytes = 65_536;

export interface SshAnswer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A short command of ssh. @throws AppError ssh-missing */
export function askSsh(ssh: SshProgram, args: readonly string[]): Promise<SshAnswer> {
  return new Promise((resolve, reject) => {
    const child = startSsh(ssh, args);
    let [stdout, stderr] = ["", ""];
    const timer = setTimeout(() => child.kill("SIGKILL"), stopMs);
    child.stdin.on("error", () => undefined);
    child.stdin.end();
    child.stdout.on("data", (chunk: Buffer) => (stdout = (stdout + chunk.toString()).slice(0, limitBytes)));
    child.stderr.on("data", (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(0, limitBytes)));
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(missing(ssh, error));
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

export function missing({ host, program }: SshProgram, cause: unknown): AppError<"ssh-missing"> {
  return new AppError("ssh-missing", { host, program }, { cause });
}
