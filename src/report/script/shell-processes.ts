// The script's restarts: through the node's runtime, the kubelet through systemd.
// INPUTS: crictl, docker, nerdctl or ctr, systemctl, /proc. OUTPUTS: containers, manifests (out and in again), the kubelet.
import { shellText } from "./shell-text.ts";

export const shellProcesses = shellText(String.raw`
# limited SECONDS COMMAND...: nothing hangs for ever; the input is passed on.
limited() {
  seconds_left=$1
  shift
  exec 3<&0
  "$@" <&3 3<&- &
  job=$!
  exec 3<&-
  (
    n=0
    while [ "$n" -lt "$seconds_left" ]; do
      sleep 1
      kill -0 "$job" || exit 0
      n=$((n + 1))
    done
    kill "$job"
  ) >/dev/null 2>&1 </dev/null &
  wait "$job" 2>/dev/null
}

# Where the kubelet has its runtime: crictl's own default is another one on many hosts.
endpoint=''
find_endpoint() {
  kubelet=$ROOT/var/lib/kubelet
  endpoint=$(sed -n 's/.*--container-runtime-endpoint[= ]\([^ "]*\).*/\1/p' "$kubelet/kubeadm-flags.env" 2>/dev/null)
  [ -n "$endpoint" ] || endpoint=$(sed -n 's/^containerRuntimeEndpoint:[ "]*\([^ "]*\).*/\1/p' "$kubelet/config.yaml" 2>/dev/null)
  endpoint=@{endpoint#unix://}
}

# The runtimes of this root: below another one those of this machine are not the node's, unless the environment says which are.
# They end the shell that they are in, which limited has made for them.
crictl_here() {
  case $endpoint in
  /*) exec crictl -r "unix://$ROOT$endpoint" "$@" ;;
  ?*) exec crictl -r "$endpoint" "$@" ;;
  esac
  [ -z "$ROOT" ] || [ -n "@{CONTAINER_RUNTIME_ENDPOINT:-}" ] || exit 1
  exec crictl "$@"
}
docker_here() {
  [ -z "$ROOT" ] || [ -n "@{DOCKER_HOST:-}" ] || set -- -H "unix://$ROOT/var/run/docker.sock" "$@"
  exec docker "$@"
}
nerdctl_here() { containerd_here nerdctl "$@"; }
ctr_here() { containerd_here ctr "$@"; }
containerd_here() {
  client=$1
  shift
  [ -z "$ROOT" ] || [ -n "@{CONTAINERD_ADDRESS:-}" ] || set -- -a "$ROOT/run/containerd/containerd.sock" "$@"
  exec "$client" -n k8s.io "$@"
}

L=io.kubernetes.container.name N=io.kubernetes.pod.namespace

# containers RUNTIME NAME: ids of the running ones; fails when the runtime does not answer.
containers() {
  case $1 in
  crictl) limited 20 crictl_here ps -q --label "$L=$2" --label "$N=kube-system" ;;
  docker) limited 20 docker_here ps -q --no-trunc --filter "label=$L=$2" --filter "label=$N=kube-system" ;;
  nerdctl) limited 20 nerdctl_here ps -q --no-trunc --filter "label=$L=$2" --filter "label=$N=kube-system" ;;
  ctr)
    known=$(limited 20 ctr_here containers ls -q "labels.\"$L\"==$2,labels.\"$N\"==kube-system") || return 1
    tasks=$(limited 20 ctr_here tasks ls) || return 1
    for id in $known; do printf '%s\n' "$tasks" | awk -v id="$id" '$1 == id && $3 == "RUNNING" { print id }'; done ;;
  esac
}

# Exited ones too: while one is listed the kubelet holds its successor back for up to 5 minutes.
remains() {
  case $1 in
  crictl) limited 20 crictl_here ps -a -q --label "$L=$2" --label "$N=kube-system" ;;
  docker) limited 20 docker_here ps -a -q --no-trunc --filter "label=$L=$2" --filter "label=$N=kube-system" ;;
  esac
}

sandboxes() {
  case $1 in
  crictl) limited 20 crictl_here pods -q --label "component=$2" --label "$N=kube-system" ;;
  docker) limited 20 docker_here ps -a -q --no-trunc --filter "label=component=$2" --filter label=io.kubernetes.docker.type=podsandbox ;;
  esac
}

# The runtime that knows the process, else the first that answers.
choose_runtime() {
  find_endpoint
  runtime=''
  for tool in crictl docker nerdctl ctr; do
    command -v "$tool" >/dev/null 2>&1 || continue
    ids_now=$(containers "$tool" "$1" 2>/dev/null) || continue
    [ -n "$runtime" ] || runtime=$tool
    [ -z "$ids_now" ] || { runtime=$tool; return 0; }
  done
  [ -n "$runtime" ] || stop "$t_no_runtime"
}

stop_container() {
  case $runtime in
  crictl) limited "$(($2 + 30))" crictl_here stop -t "$2" "$1" ;;
  docker) limited "$(($2 + 30))" docker_here stop -t "$2" "$1" ;;
  nerdctl) limited "$(($2 + 30))" nerdctl_here stop -t "$2" "$1" ;;
  ctr)
    limited 20 ctr_here tasks kill -s SIGTERM "$1"
    waited=0
    while [ "$waited" -lt "$2" ] && containers ctr "$process" | grep -q -x -F "$1"; do
      sleep 1
      waited=$((waited + 1))
    done
    ! containers ctr "$process" | grep -q -x -F "$1" || limited 20 ctr_here tasks kill -s SIGKILL "$1" ;;
  esac >/dev/null 2>&1
}

# What containerd made is containerd's to remove: only crictl and docker do.
remove_remains() {
  case $runtime in
  crictl)
    for id in $2; do limited 20 crictl_here stopp "$id"; done
    for id in $1; do limited 20 crictl_here rm "$id"; done
    for id in $2; do limited 20 crictl_here rmp "$id"; done ;;
  docker) for id in $1 $2; do limited 20 docker_here stop -t 5 "$id"; limited 20 docker_here rm -f "$id"; done ;;
  esac >/dev/null 2>&1
  return 0
}

# A running container that is not one of those before; $came names it, though it may have ended again since.
successor() {
  for id in $(containers "$runtime" "$process"); do
    case " $old_ids " in *" $id "*) ;; *) came=$id; return 0 ;; esac
  done
  return 1
}

# Seconds since the machine came up: nobody sets that clock.
up_seconds() { sed 's/[. ].*//' /proc/uptime; }

# wait_for SECONDS COMMAND...: what it takes to ask counts as well.
wait_for() {
  limit=$(($(up_seconds) + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(up_seconds)" -lt "$limit" ] || return 1
    sleep 1
  done
}

is_gone() { gone=$(containers "$runtime" "$process") && [ -z "$gone" ]; }

# Dot-named the kubelet does not see it. A run that was killed meanwhile puts it back first of all.
manifest_out_and_in() {
  manifest=$ROOT/etc/kubernetes/manifests/$process.yaml
  held=$ROOT/etc/kubernetes/manifests/.perennial-held-$process.yaml
  [ -f "$manifest" ] || { stop "$t_no_manifest $manifest"; return 1; }
  tell "$t_manifest" "$process"
  mv "$manifest" "$held" || return 1
  wait_for 60 is_gone
  restore_manifests
}

restore_manifests() {
  for held in "$ROOT"/etc/kubernetes/manifests/.perennial-held-*.yaml; do
    [ -f "$held" ] || continue
    manifest=@{held%/*}/@{held##*/.perennial-held-}
    exists "$manifest" || mv "$held" "$manifest"
  done
}

# Pid and start of the node's kubelets.
kubelets() {
  for folder in "$ROOT"/proc/[0-9]*; do
    word=$({ tr '\000' '\n' <"$folder/cmdline" | sed -n 1p; } 2>/dev/null)
    case $word in kubelet | */kubelet) printf '%s-%s\n' "@{folder##*/}" "$(started "@{folder##*/}")" ;; esac
  done
}

other_kubelet() {
  found=$(kubelets)
  [ -n "$found" ] && [ "$found" != "$(cat "$1")" ]
}

# systemd where it runs below this root (sd_booted(3)): below another root this machine's own is not the node's. Elsewhere whoever
# runs the kubelet restarts it, and another process than before is what counts.
restart_kubelet() {
  if [ -d "$ROOT/run/systemd/system" ]; then
    limited 15 systemctl reset-failed kubelet >/dev/null 2>&1
    limited 120 systemctl restart kubelet && wait_for 60 systemctl is-active kubelet
    return
  fi
  [ -f "$1" ] || { kubelets >"$1.new" && mv "$1.new" "$1"; } || return 1
  other_kubelet "$1" || { tell "$t_restart_kubelet" && wait_for 120 other_kubelet "$1"; } || stop "$t_not_back kubelet"
}

# cycle NAME GRACE [MARK]: another process than before, whoever it was; a re-run does not stop the successor.
cycle() {
  process=$1 grace=$2 mark=@{3:-$W/bounce-$1}
  if [ "$process" = kubelet ]; then restart_kubelet "$mark"; return; fi
  choose_runtime "$process" || return 1
  if [ ! -f "$mark" ]; then
    { containers "$runtime" "$process" | tr '\n' ' '; echo; } >"$mark.new" && mv "$mark.new" "$mark"
  fi
  old_ids=$(cat "$mark")
  if ! successor; then
    tell "$t_stopping" "$process"
    # What is listed now; a successor may come before we are through.
    pods=$(sandboxes "$runtime" "$process")
    exited=$(remains "$runtime" "$process")
    for id in $(containers "$runtime" "$process"); do
      stop_container "$id" "$grace" || { stop "$t_not_stopped $process"; return 1; }
    done
    remove_remains "$exited" "$pods"
    wait_for 60 successor || { manifest_out_and_in && wait_for 120 successor; } || { stop "$t_not_back $process"; return 1; }
  fi
  tell "$t_returned" "$process" "$came"
}

# bounce NUMBER: restarted when need be, well, and presenting what it has to.
bounce() {
  process_of "$1"
  if [ "$when" = if-needed ] && [ ! -f "$W/bounce-$consumer" ]; then
    wait_for "$reload" well "$1" && { tell "$t_reloaded" "$consumer"; return 0; }
  fi
  rm -f "$W/rebounce-$consumer"
  fence && note "bounced $consumer" && cycle "$consumer" "$grace_of" || return 1
  # What came and is not well is no successor: the next run restarts it.
  wait_for "$timeout" well "$1" || { rm -f "$W/bounce-$consumer"; stop "$t_not_well $consumer"; return 1; }
  tell "$t_well" "$consumer"
}

# Did this run restart it, and nothing take that back since?
is_bounced() {
  awk -v name="$1" '$0 == "undone" || $0 == "rebounced " name { is = 0 } $0 == "bounced " name { is = 1 } END { exit !is }' "$W/log"
}

# Those that this run has restarted hold the new certificates in memory. The kubelet is the last of $BOUNCED: with bytes that have
# expired it may not start again, and without it nothing else does. One that does not come back keeps none of the others.
rebounce() {
  [ -f "$W/log" ] || return 0
  lost=''
  for consumer in $BOUNCED; do
    is_bounced "$consumer" || continue
    # Gone before it is restarted: what comes then has the old files, and is no successor for a run that goes on after all.
    rm -f "$W/bounce-$consumer"
    fence || return 1
    if cycle "$consumer" 30 "$W/rebounce-$consumer"; then note "rebounced $consumer"; else lost="$lost $consumer"; fi
  done
  [ -z "$lost" ] || stop "$t_not_rebounced$lost"
}
`);
