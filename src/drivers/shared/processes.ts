// Who we are, and whether another process still runs. INPUTS: /proc, the environment. OUTPUTS: none; signal 0 only asks.
import { readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import type { Actor } from "../../core/model/run.ts";
import type { Processes } from "../../engine/ports/state.ts";
import { errnoOf } from "./directory-handles.ts";

/** The processes of this machine. */
export function systemProcesses(env: NodeJS.ProcessEnv = process.env): Processes {
  const bootId = readOrEmpty("/proc/sys/kernel/random/boot_id").trim();
  return {
    self: () => ({
      user: userName(env),
      sudoUser: env["SUDO_USER"] ?? null,
      sshConnection: env["SSH_CONNECTION"] ?? null,
      host: hostname(),
      pid: process.pid,
      processStart: parseStat(readOrEmpty(`/proc/${process.pid}/stat`))?.start ?? "",
      bootId,
    }),
    isAlive: (actor) => isAlive(actor, bootId),
  };
}

function isAlive(actor: Actor, bootId: string): Life {
  return lifeOn({ host: hostname(), bootId }, actor, {
    stat: () => readOrEmpty(`/proc/${actor.pid}/stat`),
    isGone: () => isGone(actor.pid),
  });
}

export type Life = "alive" | "dead" | "unknown";

/** Judged by what the machine says of the process: `stat` is the text of proc_pid_stat(5), empty without an entry. */
export function lifeOn(
  { host, bootId }: Pick<Actor, "host" | "bootId">,
  actor: Actor,
  { stat, isGone: isGoneThere }: { readonly stat: () => string; readonly isGone: () => boolean },
): Life {
  if (actor.host !== host || actor.bootId === "" || bootId === "") return "unknown";
  if (actor.bootId !== bootId) return "dead";
  const found = parseStat(stat());
  // With hidepid a process of others has no entry, though it runs.
  if (!found) return isGoneThere() ? "dead" : "unknown";
  return found.isZombie || found.start !== actor.processStart ? "dead" : "alive";
}

/** proc_pid_stat(5): fields after the command, which stands in parentheses and may hold spaces and parentheses itself. */
export function parseStat(
  text: string,
): { readonly start: string; readonly parent: number; readonly isZombie: boolean } | null {
  const fields = text
    .slice(text.lastIndexOf(")") + 1)
    .trim()
    .split(/\s+/);
  // State is field 3, the parent field 4, the start time field 22.
  const [state, parent, start] = [fields[0], fields[1], fields[19]];
  if (state === undefined || start === undefined) return null;
  return { start, parent: Number(parent), isZombie: /[ZXx]/.test(state) };
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errnoOf(error) === "ESRCH";
  }
}

/** A uid without an entry in the user database has a number for a name. */
function userName(env: NodeJS.ProcessEnv): string {
  try {
    return userInfo().username;
  } catch {
    return env["USER"] ?? String(process.getuid?.() ?? "");
  }
}

/** "" when there is none, or it may not be seen. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
