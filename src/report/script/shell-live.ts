// The script's part for what runs: etcd's snapshot, restarts through the node's runtime, proof from the listeners.
// INPUTS: crictl, docker, nerdctl or ctr, systemctl, etcdctl, listeners. OUTPUTS: containers, manifests (out and in again), a snapshot.
import { shellText } from "./shell-text.ts";

export const shellLive = shellText(String.raw`
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

L=io.kubernetes.container.name N=io.kubernetes.pod.namespace

# containers RUNTIME NAME: ids of the running ones; fails when the runtime does not answer.
containers() {
  case $1 in
  crictl) limited 20 crictl ps -q --label "$L=$2" --label "$N=kube-system" ;;
  docker) limited 20 docker ps -q --no-trunc --filter "label=$L=$2" --filter "label=$N=kube-system" ;;
  nerdctl) limited 20 nerdctl -n k8s.io ps -q --no-trunc --filter "label=$L=$2" --filter "label=$N=kube-system" ;;
  ctr)
    known=$(limited 20 ctr -n k8s.io containers ls -q "labels.\"$L\"==$2,labels.\"$N\"==kube-system") || return 1
    tasks=$(limited 20 ctr -n k8s.io tasks ls) || return 1
    for id in $known; do printf '%s\n' "$tasks" | awk -v id="$id" '$1 == id && $3 == "RUNNING" { print id }'; done ;;
  esac
}

# Exited ones too: while one is listed the kubelet holds its successor back for up to 5 minutes.
remains() {
  case $1 in
  crictl) limited 20 crictl ps -a -q --label "$L=$2" --label "$N=kube-system" ;;
  docker) limited 20 docker ps -a -q --no-trunc --filter "label=$L=$2" --filter "label=$N=kube-system" ;;
  esac
}

sandboxes() {
  case $1 in
  crictl) limited 20 crictl pods -q --label "component=$2" --label "$N=kube-system" ;;
  docker) limited 20 docker ps -a -q --no-trunc --filter "label=component=$2" --filter label=io.kubernetes.docker.type=podsandbox ;;
  esac
}

# The runtime that knows the process, else the first that answers.
choose_runtime() {
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
  crictl) limited "$(($2 + 30))" crictl stop -t "$2" "$1" ;;
  docker) limited "$(($2 + 30))" docker stop -t "$2" "$1" ;;
  nerdctl) limited "$(($2 + 30))" nerdctl -n k8s.io stop -t "$2" "$1" ;;
  ctr)
    limited 20 ctr -n k8s.io tasks kill -s SIGTERM "$1"
    waited=0
    while [ "$waited" -lt "$2" ] && containers ctr "$process" | grep -q -x -F "$1"; do
      sleep 1
      waited=$((waited + 1))
    done
    ! containers ctr "$process" | grep -q -x -F "$1" || limited 20 ctr -n k8s.io tasks kill -s SIGKILL "$1" ;;
  esac >/dev/null 2>&1
}

# What containerd made is containerd's to remove: only crictl and docker do.
remove_remains() {
  case $runtime in
  crictl)
    for id in $2; do limited 20 crictl stopp "$id"; done
    for id in $1; do limited 20 crictl rm "$id"; done
    for id in $2; do limited 20 crictl rmp "$id"; done ;;
  docker) for id in $1 $2; do limited 20 docker stop -t 5 "$id"; limited 20 docker rm -f "$id"; done ;;
  esac >/dev/null 2>&1
  return 0
}

# Prints a running container that is not one of those before.
successor() {
  for id in $(containers "$runtime" "$process"); do
    case " $old_ids " in *" $id "*) ;; *) printf '%s\n' "$id"; return 0 ;; esac
  done
  return 1
}

wait_for() {
  waited=0
  limit=$1
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$waited" -lt "$limit" ] || return 1
    sleep 1
    waited=$((waited + 1))
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

# Another process than before, whoever it was; a re-run does not stop the successor.
cycle() {
  process=$1 grace=$2
  if [ "$process" = kubelet ]; then systemctl restart kubelet && wait_for 60 systemctl is-active kubelet; return; fi
  choose_runtime "$process" || return 1
  if [ ! -f "$W/bounce-$process" ]; then
    { containers "$runtime" "$process" | tr '\n' ' '; echo; } >"$W/bounce-$process.new" && mv "$W/bounce-$process.new" "$W/bounce-$process"
  fi
  old_ids=$(cat "$W/bounce-$process")
  if ! successor >/dev/null; then
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
  tell "$t_returned" "$process" "$(successor)"
}

# bounce NUMBER: restarted when need be, well, and presenting what it has to.
bounce() {
  process_of "$1"
  if [ "$when" = if-needed ] && [ ! -f "$W/bounce-$consumer" ]; then
    wait_for "$reload" well "$1" && { tell "$t_reloaded" "$consumer"; return 0; }
  fi
  fence && note "bounced $consumer" && cycle "$consumer" "$grace_of" || return 1
  wait_for "$timeout" well "$1" || { stop "$t_not_well $consumer"; return 1; }
  tell "$t_well" "$consumer"
}

# Those that this run has restarted hold the new certificates in memory.
rebounce() {
  [ -f "$W/log" ] || return 0
  for consumer in $(awk '$0 == "undone" { split("", seen) } /^bounced / { seen[$2] } END { for (one in seen) print one }' "$W/log"); do
    rm -f "$W/bounce-$consumer"
    cycle "$consumer" 30 || return 1
    note "rebounced $consumer"
  done
}

# ask SCHEME HOST PORT METHOD PATH [CERT KEY]: the status of the answer.
ask() {
  if [ "$1" = https ]; then
    # No command substitution: it would take the empty line at the end.
    printf '%s %s HTTP/1.0\r\nHost: %s\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' \
      "$4" "$5" "$2" "@{#body}" "$body" |
      limited 10 openssl s_client -quiet -connect "$2:$3" @{6:+-cert "$6" -key "$7"} 2>/dev/null
  elif command -v curl >/dev/null 2>&1; then
    curl -s -i --max-time 10 "http://$2:$3$5" 2>/dev/null
  else
    wget -q -S -O - "http://$2:$3$5" 2>&1 </dev/null | sed 's/^ *//'
  fi
}

# answers SCHEME HOST PORT METHOD PATH: with 200.
answers() { body=''; ask "$@" | sed -n 1p | grep -q '^HTTP/[0-9.]* 200'; }

served() {
  limited 10 openssl s_client -connect "$1:$2" @{3:+-servername "$3"} </dev/null 2>/dev/null |
    openssl x509 -noout -fingerprint -sha256 2>/dev/null | sed 's/.*=//' | tr -d ':' | tr A-F a-f
}

# serves HOST PORT SNI SHA256: that very certificate; any, when nothing was planned for it.
serves() {
  presented=$(served "$1" "$2" "$3")
  [ -n "$presented" ] && { [ -z "$4" ] || [ "$presented" = "$4" ]; }
}

slot_print() { print_of "$W/slot-$1.crt"; }

# etcd_reads HOST PORT CERT KEY: /health is a read with the quorum.
etcd_reads() {
  body=''
  ask https "$1" "$2" GET /health "$ROOT$3" "$ROOT$4" | grep -q '"health" *: *"\{0,1\}true'
}

# api_write KUBECONFIG USER HOST PORT: an object is created and deleted again.
api_write() {
  kube_get "$ROOT$1" "$2" cert >"$W/api.crt" && kube_get "$ROOT$1" "$2" key >"$W/api.key" || return 1
  objects=/api/v1/namespaces/kube-system/configmaps
  body="{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"perennial-by-hand-$D12\"}}"
  code=$(ask https "$3" "$4" POST "$objects" "$W/api.crt" "$W/api.key" | sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p')
  body=''
  [ "$code" = 201 ] || [ "$code" = 409 ] || return 1
  ask https "$3" "$4" DELETE "$objects/perennial-by-hand-$D12" "$W/api.crt" "$W/api.key" | sed -n 1p | grep -q '^HTTP/[0-9.]* 200'
}

# prove_live NUMBER: a process that was last may have become well only just now.
prove_live() { wait_for 60 live "$1" || stop "$t_not_proved"; }

# --- etcd's data before the first write

# A client certificate for one day in the snapshot's own files: the stored one may have expired.
snapshot_client() {
  t=$W/snapshot
  printf '%s\n' '[req]' distinguished_name=dn prompt=no '[dn]' "CN=$etcd_name" '[ext]' extendedKeyUsage=clientAuth >"$t.cnf"
  openssl req -new -newkey rsa:2048 -nodes -keyout "$t.key" -config "$t.cnf" -out "$t.csr" 2>/dev/null &&
    openssl x509 -req -in "$t.csr" -CA "$ROOT$etcd_ca" -CAkey "$ROOT$etcd_key" -set_serial "0x1$(openssl rand -hex 7)" -days 1 \
      -extfile "$t.cnf" -extensions ext -out "$t.crt" 2>/dev/null
}

# Its certificate may have expired; its key is the one on the disk, or it is not etcd.
is_etcd() {
  spki=$(limited 10 openssl s_client -connect "$etcd_host:$etcd_port" </dev/null 2>/dev/null | openssl x509 -noout -pubkey 2>/dev/null |
    openssl pkey -pubin -outform DER 2>/dev/null | sha256sum)
  case " $etcd_spki " in *" @{spki%% *} "*) return 0 ;; esac
  return 1
}

etcdctl_words() {
  printf '%s ' --endpoints "https://$etcd_host:$etcd_port" --insecure-skip-tls-verify
}

snapshot() {
  [ "$snapshot" = 1 ] || { tell "$t_no_snapshot"; return 0; }
  [ -s "$W/etcd-snapshot.db" ] && return 0
  etcd_of "$1"
  choose_runtime etcd 2>/dev/null || runtime=''
  id=''
  [ -z "$runtime" ] || id=$(containers "$runtime" etcd | sed -n 1p)
  if [ -z "$id" ] && [ -n "$runtime" ] && [ -z "$(served "$etcd_host" "$etcd_port" '')" ]; then
    # The member is stopped: its files are whole.
    [ -n "$etcd_data" ] && cp -a "$ROOT$etcd_data" "$W/etcd-data" && { tell "$t_cold_copy" "$W/etcd-data"; return 0; }
  fi
  is_etcd && snapshot_client && save_snapshot && [ -s "$W/etcd-snapshot.db" ] || { stop "$t_snapshot_failed"; return 1; }
  rm -f "$W"/snapshot.*
  tell "$t_snapshot" "$W/etcd-snapshot.db"
}

save_snapshot() {
  if command -v etcdctl >/dev/null 2>&1; then
    ETCDCTL_API=3 limited 300 etcdctl $(etcdctl_words) --cert "$W/snapshot.crt" --key "$W/snapshot.key" snapshot save "$W/etcd-snapshot.db" >/dev/null 2>&1
    return
  fi
  # In the container, with what it has mounted: the folder of its certificates and its data.
  [ -n "$etcd_data" ] && [ -n "$id" ] || return 1
  pki=@{etcd_ca%/*}
  for part in crt key; do cat "$W/snapshot.$part" >"$ROOT$pki/.perennial-snapshot.$part" || return 1; done
  set -- etcdctl $(etcdctl_words) --cert "$pki/.perennial-snapshot.crt" --key "$pki/.perennial-snapshot.key" \
    snapshot save "$etcd_data/.perennial-snapshot.db"
  case $runtime in
  crictl) limited 300 crictl exec "$id" "$@" ;;
  docker) limited 300 docker exec -e ETCDCTL_API=3 "$id" "$@" ;;
  nerdctl) limited 300 nerdctl -n k8s.io exec -e ETCDCTL_API=3 "$id" "$@" ;;
  *) limited 300 ctr -n k8s.io tasks exec --exec-id "perennial-$$" "$id" "$@" ;;
  esac >/dev/null 2>&1
  code=$?
  rm -f "$ROOT$pki/.perennial-snapshot.crt" "$ROOT$pki/.perennial-snapshot.key"
  [ "$code" = 0 ] && mv "$ROOT$etcd_data/.perennial-snapshot.db" "$W/etcd-snapshot.db"
}
`);

/** For plans that only write files. */
export const shellWithoutLive = shellText(String.raw`
restore_manifests() { :; }

rebounce() { :; }
`);
