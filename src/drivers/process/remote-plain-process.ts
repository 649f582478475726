// A consumer of a host that nobody supervises: found in its /proc by the name it was started with, stopped by signals, started again as it was.
// INPUTS: the host's /proc. OUTPUTS: signals; on the host a script (0700: an environment may hold secrets) that starts it again, which
// never leaves it, and a log in the work folder; a new process.
import { AppError } from "../../core/model/errors.ts";
import type { Startability } from "../../core/model/live.ts";
import type { ProcessInstance, StopOptions } from "../../engine/ports/node-processes.ts";
import type { Host } from "../shared/host.ts";
import { parseStat } from "../shared/processes.ts";
import { assign, shellText } from "../shared/remote/quote.ts";
import { newestFirst, waitUntil, type ConsumerDriver } from "./consumer-driver.ts";

export interface RemotePlainProcessOptions {
  readonly host: Host;
  readonly consumer: string;
  /** Base name of its argv[0]. */
  readonly name: string;
  /** Absolute path on the host; 0700, created. */
  readonly workFolder: string;
  readonly pollMs: number;
}

const through = "process";
const askMs = 30_000;
/** USER_HZ: what the kernel tells user space in, whatever its own. */
const ticksPerSecond = 100;

const prelude = shellText(String.raw`
umask 077
nl='
'

# Processes with this name and our root directory, outside pods: their stat, one a line.
find_all() {
  cd /proc || exit 1
  sed -n 's/^btime /boot /p' stat || exit 1
  ours=$(stat -L -c '%d:%i' /)
  for file in $(grep -lF -e "$name" [0-9]*/cmdline 2>/dev/null); do
    pid=@{file%/cmdline}
    first=$(tr '\0' '\n' 2>/dev/null <"$file" | head -n 1)
    [ "@{first##*/}" = "$name" ] || continue
    grep -q kubepods "$pid/cgroup" 2>/dev/null && continue
    [ "$(stat -L -c '%d:%i' "$pid/root" 2>/dev/null || echo "$ours")" = "$ours" ] || continue
    printf 'process %s %s\n' "$pid" "$(tr '\n' ' ' 2>/dev/null <"$pid/stat")"
  done
  echo done
}

# is_life: the same process, and no later one with its number; a zombie is gone (proc_pid_stat(5), fields 3 and 22).
is_life() {
  set -- $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null)
  case $1 in '' | Z | X | x) return 1 ;; esac
  [ "@{20}" = "$start" ]
}

alive() { if is_life; then echo yes; else echo no; fi; }

signal() {
  is_life || { echo gone; return; }
  kill "-$1" "$pid" 2>/dev/null
  echo sent
}

fail() {
  printf 'failed %s\n' "$1"
  exit 0
}

line() { printf '%s\n' "$1"; }

# Words that end with NUL, each as one quoted word of a shell on a line that goes on; line ends inside stay.
quoted() { tr '\000\012' '\012\001' | sed "s/'/'\\\\''/g; s/^/'/; s/\$/' \\\\/" | tr '\001' '\012'; }

# Paths can be opened again; pipes, sockets, terminals and deleted files cannot.
output() {
  target=$(readlink "$1") || return 1
  case $target in
  *' (deleted)' | /dev/pts* | /dev/tty* | /dev/console*) ;;
  /*) printf %s "$target" ;;
  esac
}

word() { printf %s "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/"; [ -n "$1" ] || printf "''"; }

# Nothing is stopped that could not be started again: everything is read, and the script is written, or it is said why not.
remember() {
  here=/proc/$pid
  exe=$(readlink "$here/exe") || fail "$here/exe"
  exe=@{exe%' (deleted)'}
  cwd=$(readlink "$here/cwd") || fail "$here/cwd"
  out=$(output "$here/fd/1") || fail "$here/fd/1"
  err=$(output "$here/fd/2") || fail "$here/fd/2"
  uid=$(sed -n 's/^Uid:[[:space:]]*[0-9]*[[:space:]]*\([0-9]*\).*/\1/p' "$here/status")
  gid=$(sed -n 's/^Gid:[[:space:]]*[0-9]*[[:space:]]*\([0-9]*\).*/\1/p' "$here/status")
  [ -n "$uid" ] && [ -n "$gid" ] || fail "$here/status"
  [ -r "$here/environ" ] && cat "$here/environ" >/dev/null 2>&1 || fail "$here/environ"
  first=$(tr '\0' '\n' <"$here/cmdline" | head -n 1)
  program=$exe
  # A program with several names goes by the one it was called with.
  if [ "@{first##*/}" != "@{exe##*/}" ]; then
    program=$(cd "$cwd" && command -v "$first") || fail "$first"
    [ "$(readlink -f "$program")" = "$(readlink -f "$exe")" ] || fail "$first"
  fi
  as=''
  if [ "$uid:$gid" != "$(id -u):$(id -g)" ]; then
    as=$(command -v setpriv) || fail 'setpriv is not installed'
    as="$as --reuid=$uid --regid=$gid --clear-groups"
  fi
  mkdir -p "@{record%/*}" || fail "$record"
  rm -f "$record.new"
  {
    line '#!/bin/sh'
    line 'echo "$$" >"$0.pid"'
    line 'for name in $(env | sed -n "s/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p"); do unset "$name" 2>/dev/null; done'
    tr '\000\012' '\012\001' <"$here/environ" | sed -n "/^[A-Za-z_][A-Za-z0-9_]*=/{s/'/'\\\\''/g; s/=/='/; s/\$/'/; s/^/export /; p;}" |
      tr '\001' '\012'
    printf 'cd %s || exit 1\n' "$(word "$cwd")"
    printf 'out=%s err=%s log=%s\n' "$(word "$out")" "$(word "$err")" "$(word "$log")"
    line '[ -n "$out" ] && [ -e "$out" ] || out=$log'
    line '[ -n "$err" ] && [ -e "$err" ] || err=$log'
    line 'set -- \'
    quoted <"$here/cmdline"
    line ''
    line 'shift'
    line 'umask 022'
    printf 'exec %s %s "$@" </dev/null >>"$out" 2>>"$err"\n' "$as" "$(word "$program")"
  } >"$record.new" || fail "$record.new"
  chmod 700 "$record.new"
  sync "$record.new"
  mv -f "$record.new" "$record" || fail "$record"
  echo remembered
}

recorded() { [ -x "$record" ] && stat -c 'recorded %Y' "$record"; }

# Resolves when the program runs: until then the process is the script's shell.
launch() {
  [ -e "$record" ] || { echo unknown; return; }
  rm -f "$record.pid"
  session=setsid
  command -v setsid >/dev/null 2>&1 || session=''
  $session nohup /bin/sh "$record" </dev/null >"$record.said" 2>&1 &
  tries=0
  while [ "$tries" -lt 50 ]; do
    pid=$(cat "$record.pid" 2>/dev/null)
    if [ -n "$pid" ]; then
      first=$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | head -n 1)
      state=$(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null)
      case $first:$state in
      : | :[ZXx]) fail "it ended at once: $(head -n 1 "$record.said")" ;;
      esac
      [ "@{first##*/}" = "$name" ] && { echo launched; return; }
    fi
    sleep 0.1 2>/dev/null || sleep 1
    tries=$((tries + 1))
  done
  fail "it did not start"
}
`);

interface Life {
  readonly pid: number;
  /** Clock ticks since the system came up. */
  readonly start: string;
  readonly startedAt: number | null;
}

export function remotePlainProcess(options: RemotePlainProcessOptions): ConsumerDriver {
  const { host, consumer, name, workFolder, pollMs } = options;
  const record = `${workFolder}/launch-${consumer}.sh`;

  async function ask(call: string, values: Readonly<Record<string, string | number>> = {}): Promise<string> {
    const words = assign({ name, record, log: `${workFolder}/${consumer}.log`, ...values });
    const { stdout } = await host.sh(`${words}\n${prelude}${call}\n`, { timeoutMs: askMs });
    return Buffer.from(stdout).toString("utf8").trim();
  }

  async function running(): Promise<readonly Life[]> {
    const lines = (await ask("find_all")).split("\n");
    if (lines.at(-1) !== "done") {
      throw new AppError("process-unknowable", { consumer, tried: [`${host.name}: /proc`] });
    }
    return livesIn(lines);
  }

  const unstopped = (ids: readonly string[], reason: string): AppError =>
    new AppError("process-not-stopped", { consumer, through, ids, reason });

  async function stop({ graceSeconds, signal }: StopOptions): Promise<readonly string[]> {
    signal?.throwIfAborted();
    const found = await running();
    const [first, second] = found;
    if (!first) throw new AppError("process-not-found", { consumer, through });
    if (second) throw new AppError("process-ambiguous", { consumer, through, pods: found.map(idOf) });
    const life = { pid: first.pid, start: first.start };
    const ids = [idOf(first)];
    const answer = await ask("remember", life);
    if (answer !== "remembered") {
      const why = answer.replace(/^failed /, "");
      throw unstopped(ids, `how it was started could not be read, so it was not stopped: ${why}`);
    }
    const isGone = async (): Promise<boolean> => (await ask("alive", life)) === "no";
    await ask("signal TERM", life);
    if (await waitUntil(isGone, { seconds: graceSeconds, pollMs })) return ids;
    await ask("signal KILL", life);
    if (await waitUntil(isGone, { seconds: 10, pollMs })) return ids;
    throw unstopped(ids, "it survived SIGKILL");
  }

  async function startability(): Promise<Startability> {
    const [first, second] = await running();
    if (second) return { state: "cannot", why: "ambiguous" };
    if (first) return { state: "can" };
    const [, seconds] = /^recorded (\d+)$/m.exec(await ask("recorded")) ?? [];
    if (seconds === undefined) return { state: "cannot", why: "not-known" };
    return { state: "recorded", command: consumer, recordedAt: Number(seconds) * 1000 };
  }

  return {
    startability,
    look: async () => ({ through, instances: newestFirst((await running()).map(instanceOf)) }),
    stop,
    async revive({ timeoutSeconds, signal }) {
      const graceSeconds = Math.max(1, Math.min(30, timeoutSeconds - 15));
      if ((await running()).length > 0) await stop({ graceSeconds, ...(signal && { signal }) });
      signal?.throwIfAborted();
      const answer = await ask("launch");
      if (answer === "launched") return;
      const reason =
        answer === "unknown"
          ? "it does not run, and how it was started is not known"
          : answer.replace(/^failed /, "");
      throw new AppError("process-not-revived", { consumer, through, reason });
    },
  };
}

/** `boot SECONDS` and `process PID STAT`; a child that was forked has its parent's words until it runs a program of its own. */
function livesIn(lines: readonly string[]): readonly Life[] {
  const boot = lines.flatMap((line) => /^boot (\d+)$/.exec(line)?.[1] ?? [])[0];
  const found = lines.flatMap((line) => {
    const [, pid, text = ""] = /^process (\d+) (.*)$/.exec(line) ?? [];
    const stat = parseStat(text);
    if (pid === undefined || !stat || stat.isZombie) return [];
    const sinceBootMs = (Number(stat.start) * 1000) / ticksPerSecond;
    const startedAt = boot === undefined ? null : Number(boot) * 1000 + sinceBootMs;
    const parent = / [A-Za-z] (\d+) /.exec(text.slice(text.lastIndexOf(")") + 1))?.[1] ?? "";
    return [{ pid: Number(pid), start: stat.start, startedAt, parent: Number(parent) }];
  });
  const pids = new Set(found.map(({ pid }) => pid));
  return found.filter(({ parent }) => !pids.has(parent));
}

function idOf({ pid, start }: Life): string {
  return `${pid}@${start}`;
}

function instanceOf(life: Life): ProcessInstance {
  return { id: idOf(life), state: "running", startedAt: life.startedAt, image: null, pid: life.pid };
}
