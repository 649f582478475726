// Shell scripts that make a room and live in it. What differs between hosts is in their environment.

export const sshdPath = "/usr/sbin/sshd";

/** Programs are this machine's, read-only, through mounts that only the host sees. */
export const sharedFolders = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"] as const;

/** The network's middle: a bridge, the way to this machine, and the balancer, in whose room they are. */
export const switchScript = `
ip link set lo up
ip link add br0 type bridge mcast_snooping 0
ip addr add "$ENDPOINT" dev br0 $NODAD
ip link set br0 up
eval "$COLLECTED"
ip link add up0 type veth peer name "$LINK" netns "$MACHINE"
ip link set up0 master br0 up
nsenter --target "$MACHINE" --net ip addr add "$GATEWAY" dev "$LINK" $NODAD
# This machine may have an address of its own that a rehearsed node has, too: it must not answer for it there.
nsenter --target "$MACHINE" --net sh -c 'echo 1 >"/proc/sys/net/ipv4/conf/$LINK/arp_ignore"'
nsenter --target "$MACHINE" --net ip link set "$LINK" up
echo ready
exec "$@"
`;

/** A host's way into the network and its file system; what needs its process space is done by `insideScript`. */
export const roomScript = `
ip link add eth0 type veth peer name "$PORT" netns "$SWITCH"
nsenter --target "$SWITCH" --net ip link set "$PORT" master br0 up
ip link set lo up
ip addr add "$ADDRESS" dev eth0 $NODAD
ip link set eth0 up
eval "$COLLECTED"
mount --bind "$ROOT" "$ROOT"
for folder in ${sharedFolders.join(" ")}; do
  if [ -d "$ROOT/$folder" ] && ! [ -L "$ROOT/$folder" ]; then
    mount --rbind "/$folder" "$ROOT/$folder"
    mount -o remount,bind,ro "$ROOT/$folder"
  fi
done
mount --rbind /dev "$ROOT/dev"
for program in node etcd; do
  path=$NODE
  [ $program = node ] || path=$ETCD
  : >"$ROOT/lab/bin/$program"
  mount --bind "$path" "$ROOT/lab/bin/$program"
done
mount --bind "$PROGRAM" "$ROOT/lab/program"
# Programs of the host's own come first in everybody's PATH.
mount --bind "$ROOT/lab/sbin" "$ROOT/usr/local/sbin"
if [ -e "$ROOT/usr/bin/systemctl" ]; then
  mount --bind "$ROOT/lab/sbin/systemctl" "$ROOT/usr/bin/systemctl"
fi
exec unshare --pid --fork --kill-child -- /bin/sh -euc "$INSIDE"
`;

export const insideScript = `
mount -t proc proc "$ROOT/proc"
cd "$ROOT"
pivot_root . lab/old
exec chroot . /bin/sh -eu /lab/init
`;

/**
 * Process 1 of a host: the little of systemd that is needed. It reaps what is orphaned while it waits; what ends is started
 * again, unless `systemctl stop` has left its mark.
 */
export const initScript = `# Process 1 of this host.
umount -l /lab/old
echo "$NAME" >/proc/sys/kernel/hostname
restart=$RESTART
unset INSIDE ROOT SWITCH NODE ETCD PROGRAM ADDRESS NODAD PORT COLLECTED RESTART
export HOME=/root
mkdir -p /run/lab-units
keep() {
  unit=/run/lab-units/$1 log=/var/log/$1.out pause=$2
  shift 2
  while :; do
    if ! [ -e "$unit.stopped" ]; then
      "$@" </dev/null >>"$log" 2>&1 &
      echo $! >"$unit.pid"
      wait $! || :
      rm -f "$unit.pid"
    fi
    sleep "$pause" &
    echo $! >"$unit.nap"
    wait $! || :
    rm -f "$unit.nap"
  done
}
keep sshd 0.3 ${sshdPath} -D -e -f /etc/ssh/sshd_config &
keep runtime 0.3 runtime "$SCRIPT" lab run runtime --dir /lab --host "$NAME" &
keep kubelet "$restart" kubelet "$SCRIPT" lab run kubelet --dir /lab --host "$NAME" &
while :; do
  sleep 3600 &
  wait $!
done
`;

/** `systemctl` for the kubelet, in the words that a renewal and an operator use. */
export const systemctlText = `#!/bin/sh
# A stand-in for systemctl: show, is-active, start, stop, restart, reset-failed of kubelet.service.
verb= unit= quiet=
while [ $# -gt 0 ]; do
  case $1 in
    -p) shift ;;
    -q | --quiet) quiet=1 ;;
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$1; else unit=\${1%.service}; fi ;;
  esac
  shift
done
state=/run/lab-units/$unit
case $verb in daemon-reload) exit 0 ;; is-system-running) echo running; exit 0 ;; esac
if ! [ "$unit" = kubelet ]; then
  if [ "$verb" = show ]; then printf 'LoadState=not-found\\nActiveState=inactive\\nMainPID=0\\n'; exit 0; fi
  echo "Unit $unit.service could not be found." >&2
  exit 4
fi
main() {
  pid=$(cat $state.pid 2>/dev/null) && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && echo "$pid"
}
active() {
  if [ -e $state.stopped ]; then echo inactive; elif main >/dev/null; then echo active; else echo activating; fi
}
ends() {
  old=$(main) || return 0
  kill "$old"
  i=0
  while kill -0 "$old" 2>/dev/null; do
    i=$((i + 1))
    [ $i -lt 600 ] || kill -9 "$old"
    sleep 0.1
  done
}
begins() {
  rm -f $state.stopped
  i=0
  until main >/dev/null; do
    kill "$(cat $state.nap 2>/dev/null)" 2>/dev/null
    i=$((i + 1))
    [ $i -lt 300 ] || exit 1
    sleep 0.1
  done
}
case $verb in
  show)
    pid=$(main)
    echo LoadState=loaded
    echo "ActiveState=$(active)"
    echo "MainPID=\${pid:-0}"
    ticks=$(sed 's/^.*) //' "/proc/\${pid:-none}/stat" 2>/dev/null | cut -d ' ' -f 20)
    echo "ExecMainStartTimestampMonotonic=\${ticks:-}\${ticks:+0000}"
    ;;
  is-active)
    is=$(active)
    [ -n "$quiet" ] || echo "$is"
    [ "$is" = active ]
    ;;
  stop) : >$state.stopped; ends ;;
  start) begins ;;
  restart | try-restart) rm -f $state.stopped; ends; begins ;;
  reset-failed) ;;
  *) echo "Unknown command verb $verb." >&2; exit 1 ;;
esac
`;
