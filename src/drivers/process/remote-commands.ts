// Programs and the operator's lines on a host, as run-command.ts runs them here: arguments as they are, a deadline, the C locale.
// INPUTS: the program's own. OUTPUTS: the program's own; of a line also a log file (0600) on the host.
import { basename } from "node:path";
import { AppError, isAppError } from "../../core/model/errors.ts";
import type { Host, ShellOptions, ShellResult } from "../shared/host.ts";
import { assign, quote, shellText } from "../shared/remote/quote.ts";
import type { CommandResult, RunCommand } from "./run-command.ts";

/** These lead the tools to other machines, namespaces and sockets than this node's; its own are given as arguments. */
const plainEnvironment = shellText(String.raw`
unset DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_CONFIG DOCKER_API_VERSION
unset CONTAINERD_ADDRESS CONTAINERD_NAMESPACE CONTAINERD_SNAPSHOTTER NERDCTL_TOML
unset CONTAINER_RUNTIME_ENDPOINT IMAGE_SERVICE_ENDPOINT CRI_CONFIG_FILE
export SYSTEMD_PAGER=
`);

/** A non-zero exit is a result; too late and too much are `command-failed`, a lost connection what the host rejects with. */
export function remoteRun(host: Host): RunCommand {
  return async (program, args, { timeoutMs, signal, limitBytes }) => {
    signal?.throwIfAborted();
    const command = [basename(program), ...args].join(" ").slice(0, 200);
    const script = `${plainEnvironment}exec ${[program, ...args].map(quote).join(" ")}`;
    const options = { timeoutMs, ...(signal && { signal }), ...(limitBytes !== undefined && { limitBytes }) };
    const { code, stdout, stderr } = await named(host, script, { command, options });
    return { code, stdout: Buffer.from(stdout).toString("utf8"), stderr };
  };
}

async function named(
  host: Host,
  script: string,
  { command, options }: { readonly command: string; readonly options: ShellOptions },
): Promise<ShellResult> {
  try {
    return await host.sh(script, options);
  } catch (error) {
    if (!isAppError(error, "command-failed")) throw error;
    throw new AppError("command-failed", { ...error.params, command }, { cause: error });
  }
}

export interface RemoteLineOptions {
  /** For errors: `kubelet.start`. */
  readonly name: string;
  readonly timeoutMs: number;
  /** Absolute path on the host; written anew. */
  readonly log: string;
}

const lineScript = shellText(String.raw`
umask 077
mkdir -p "@{log%/*}" || exit 125
rm -f "$log"
/bin/sh -c "$line" </dev/null >"$log" 2>&1
code=$?
tail -c 4096 "$log" >&2
exit "$code"
`);

/** The end of what it said stands in place of standard error. What the line leaves in the background lives on. */
export async function remoteLine(
  host: Host,
  line: string,
  { name, timeoutMs, log }: RemoteLineOptions,
): Promise<CommandResult> {
  const script = `${plainEnvironment}${assign({ line, log })}\n${lineScript}`;
  const { code, stderr } = await named(host, script, { command: name, options: { timeoutMs } });
  return { code, stdout: "", stderr };
}
