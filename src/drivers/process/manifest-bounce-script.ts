// The script that takes a static pod's manifest out and puts it back, alone on the node: POSIX sh, dash, busybox, CentOS 7.
// INPUTS: the manifest, the runtime's command line or /proc. OUTPUTS: the manifest's place, a status file, the pod's containers.
//
//   begun -> out -> (stopping) -> done        the manifest is back and the containers of before are gone
//                               > stuck       the manifest is back, the containers would not go
//                               > back        it was told to end, or had no time left; the manifest is back
//            failed                           it could not be moved; nothing was changed
//            conflict                         somebody has put another manifest in its place meanwhile; theirs stays, ours is kept
import { AppError } from "../../core/model/errors.ts";

export interface ScriptValues {
  readonly manifest: string;
  /** Where it waits meanwhile: dot-named or in a dot-named folder, on the same file system. */
  readonly held: string;
  readonly status: string;
  /** `crictl`, `docker`, `nerdctl`, `ctr`, or `proc`: only looked at, by name and marks. */
  readonly runtime: string;
  /** Absolute path of its command line; empty for `proc`. */
  readonly program: string;
  readonly socket: string;
  readonly container: string;
  /** "" when unknown: sandboxes are not looked at then. */
  readonly pod: string;
  /**
   * For `proc`, words: `pid=PID@START` of a process that ran, or a part of its control group's path: the pod's uid, the ids of its
   * containers. "" when nothing of the pod was there.
   */
  readonly marks: string;
  /** For the kubelet to notice and to end the containers by itself, seconds. */
  readonly patience: number;
  readonly grace: number;
  /** After so many seconds the manifest goes back whatever is. */
  readonly limit: number;
}

/** `@{` stands for the shell's `${`. */
const body = String.raw`
set -u
umask 077
export LC_ALL=C PATH="$PATH:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
unset DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS_VERIFY CONTAINERD_ADDRESS CONTAINERD_NAMESPACE CONTAINER_RUNTIME_ENDPOINT 2>/dev/null
C=io.kubernetes.container.name N=io.kubernetes.pod.namespace P=io.kubernetes.pod.name T=io.kubernetes.docker.type
main=$$

exists() { [ -e "$1" ] || [ -L "$1" ]; }

say() {
  printf '%s %s\n' "$1" "$main" >"$status.$main" && mv -f "$status.$main" "$status"
}

# A rename keeps bytes, mode, owner, times and label. Never over a file that somebody else has put there.
put_back() {
  exists "$held" || return 0
  if ! exists "$manifest"; then
    # Somebody else may be at it just now: gone is as good.
    mv "$held" "$manifest" || ! exists "$held"
  elif cmp -s "$held" "$manifest"; then
    rm -f "$held"
  else
    return 1
  fi
}

finish() {
  trap '' HUP INT TERM
  if put_back; then say "$1"; else say conflict; fi
  kill -KILL "$guard" 2>/dev/null
  exit 0
}

# Prints the running containers; fails when nobody can say.
containers() {
  case $runtime in
  crictl) "$program" -r "unix://$socket" -t 20s ps -q --label "$C=$container" --label "$N=kube-system" ;;
  docker) "$program" -H "unix://$socket" ps -q --no-trunc --filter "label=$C=$container" --filter "label=$N=kube-system" ;;
  nerdctl) "$program" -a "unix://$socket" -n k8s.io ps -q --no-trunc --filter "label=$C=$container" --filter "label=$N=kube-system" ;;
  ctr) ctr_running "labels.\"$C\"==$container,labels.\"$N\"==kube-system" ;;
  proc) by_mark ;;
  esac
}

# Prints the sandboxes that are up.
sandboxes() {
  [ -n "$pod" ] || return 0
  case $runtime in
  crictl) "$program" -r "unix://$socket" -t 20s pods -q --state ready --label "$P=$pod" --label "$N=kube-system" ;;
  docker) "$program" -H "unix://$socket" ps -q --no-trunc --filter "label=$P=$pod" --filter "label=$N=kube-system" --filter "label=$T=podsandbox" ;;
  nerdctl) "$program" -a "unix://$socket" -n k8s.io ps -q --no-trunc --filter "label=$P=$pod" --filter "label=$N=kube-system" ;;
  ctr) ctr_running "labels.\"$P\"==$pod,labels.\"$N\"==kube-system" ;;
  proc) : ;;
  esac
}

ctr_running() {
  known=$("$program" -a "$socket" -n k8s.io containers ls -q "$1") || return 1
  tasks=$("$program" -a "$socket" -n k8s.io tasks ls) || return 1
  for id in $known; do
    printf '%s\n' "$tasks" | awk -v id="$id" '$1 == id && ($3 == "RUNNING" || $3 == "PAUSED") { print id }'
  done
}

# The pod's own alone: other control planes of this machine have processes of the same names.
by_mark() {
  [ -n "$marks" ] || return 0
  # By mark and not by process: a node has few of these and thousands of those.
  for mark in $marks; do
    case $mark in
    pid=*) mark=@{mark#pid=}; is_life "@{mark%@*}" "$mark" && echo "/proc/@{mark%@*}/stat" ;;
    *) grep -lF -e "$mark" /proc/[0-9]*/cgroup 2>/dev/null ;;
    esac
  done | while IFS= read -r hit; do
    name=$(tr '\0' '\n' 2>/dev/null <"@{hit%/*}/cmdline" | head -n 1)
    [ "@{name##*/}" != "$container" ] || basename "@{hit%/*}"
  done | sort -u
  return 0
}

# is_life PID PID@START: the same process, and no later one with its number (proc_pid_stat(5), field 22).
is_life() {
  [ "$1" = "@{2%@*}" ] && [ "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20)" = "@{2#*@}" ]
}

# Something of the pod is up, or nobody can say.
is_up() {
  up=$(containers) || return 0
  [ -z "$up" ] || return 0
  up=$(sandboxes) || return 0
  [ -n "$up" ]
}

stop_all() {
  ids=$(containers) || return 0
  pods=$(sandboxes) || return 0
  case $runtime in
  crictl)
    for id in $ids; do "$program" -r "unix://$socket" -t 20s stop -t "$grace" "$id"; done
    for id in $pods; do "$program" -r "unix://$socket" -t 20s stopp "$id"; "$program" -r "unix://$socket" -t 20s rmp "$id"; done ;;
  docker)
    for id in $ids $pods; do
      "$program" -H "unix://$socket" stop -t "$grace" "$id" && "$program" -H "unix://$socket" rm -f "$id"
    done ;;
  # What the CRI plugin of containerd made is its own to remove.
  nerdctl)
    for id in $ids $pods; do "$program" -a "unix://$socket" -n k8s.io stop -t "$grace" "$id"; done ;;
  ctr)
    for id in $ids; do "$program" -a "$socket" -n k8s.io tasks kill -s SIGTERM "$id"; done
    waited=0
    while [ "$waited" -lt "$grace" ] && [ -n "$(containers)" ]; do sleep 1; waited=$((waited + 1)); done
    for id in $(containers); do "$program" -a "$socket" -n k8s.io tasks kill -s SIGKILL "$id"; done
    for id in $pods; do "$program" -a "$socket" -n k8s.io tasks kill -s SIGKILL "$id"; done ;;
  # A name alone is no proof that it is ours: that only waits.
  proc) : ;;
  esac
}

# The terminal may go, we stay.
trap '' HUP
guard=
trap 'finish back' INT TERM
say begun
# A run that was killed may have left it there.
if ! put_back; then say conflict; exit 0; fi
if ! exists "$manifest"; then say failed; exit 0; fi

# Puts it back when the limit is over, or we were killed; it is not held up by a runtime that hangs.
(
  trap '' INT TERM
  waited=0
  while [ "$waited" -lt "$limit" ] && kill -0 "$main" 2>/dev/null; do sleep 1; waited=$((waited + 1)); done
  exists "$held" || exit 0
  kill -KILL "$main" 2>/dev/null
  if put_back; then say back; else say conflict; fi
) </dev/null >/dev/null 2>&1 &
guard=$!

was_up=no
is_up && was_up=yes
mkdir -p "$(dirname "$held")"
if ! mv "$manifest" "$held"; then say failed; kill -KILL "$guard"; exit 0; fi
say out

# A container that goes is the proof that the kubelet has noticed; without one the time has to do.
waited=0
while [ "$waited" -lt "$patience" ]; do
  # Somebody has put one there: what runs now is theirs.
  exists "$manifest" && finish done
  [ "$was_up" = yes ] && ! is_up && break
  exists "$held" || break
  sleep 1
  waited=$((waited + 1))
done
# A kubelet that was restarted while the API is down ends nothing (kubernetes/kubernetes#88402).
exists "$manifest" && finish done
if is_up; then
  say stopping
  stop_all
  waited=0
  while [ "$waited" -lt 10 ] && is_up; do sleep 1; waited=$((waited + 1)); done
fi
last=done
is_up && last=stuck
finish "$last"
`;

/** The whole text: values first, each as one quoted word. */
export function manifestBounceScript(values: ScriptValues): string {
  const assignments = Object.entries(values).map(([name, value]) => `${name}=${quote(String(value))}`);
  return `#!/bin/sh\n# Takes the manifest of a static pod out and puts it back.\n${assignments.join("\n")}\n${body.replaceAll("@{", "${")}`;
}

function quote(value: string): string {
  if (value.includes("\0") || value.includes("\n")) {
    throw new AppError("value-invalid", { what: "path", value, expected: "text in one line" });
  }
  return `'${value.replaceAll("'", String.raw`'\''`)}'`;
}
