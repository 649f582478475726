// The script's ground: telling, links below a root, guards, the lock, the log of steps. POSIX sh.
// INPUTS: the guarded files. OUTPUTS: the state directory (lock, by-hand-DIGEST: log, before-images, working files).
import { shellText } from "./shell-text.ts";

export const shellBase = shellText(String.raw`
# Prints a sentence and the values in it; what a terminal would obey is left out of the values.
tell() {
  sentence=$1
  shift
  printf "$sentence\n" "$@" | tr -d '\000-\011\013-\037\177'
}

stop() {
  tell "$t_stop" "$*" >&2
  return 1
}

sha() {
  digest=$(sha256sum <"$1") && printf '%s\n' "@{digest%% *}"
}

# Mode, owner and group: the same words from coreutils and busybox.
traits() { stat -c '%a %u %g' "$1"; }

exists() { [ -e "$1" ] || [ -L "$1" ]; }

# Prints where a path leads, links followed one by one: below another root an absolute link stays below it.
resolve() {
  rest=$1 at='' hops=0
  while [ -n "$rest" ]; do
    part=@{rest%%/*}
    case $rest in */*) rest=@{rest#*/} ;; *) rest='' ;; esac
    case $part in
    '' | .) continue ;;
    ..) at=@{at%/*}; continue ;;
    esac
    if [ -L "$ROOT$at/$part" ]; then
      hops=$((hops + 1))
      [ "$hops" -le 40 ] || return 1
      target=$(readlink "$ROOT$at/$part") || return 1
      case $target in /*) at='' ;; esac
      rest=$target/$rest
    else
      at=$at/$part
    fi
  done
  printf '%s\n' "$at"
}

differs() {
  differences=$((differences + 1))
  tell "$t_differs" "$@" >&2
}

# guard PATH REALPATH SHA TRAITS: adds to $differences whatever is not as planned.
guard() {
  found=$(resolve "$1") || found='?'
  if [ "$found" != "$2" ]; then differs "$1" link "$2" "$found"; return 0; fi
  if [ ! -f "$ROOT$2" ]; then differs "$1" presence present absent; return 0; fi
  found=$(sha "$ROOT$2") || found='?'
  [ "$found" = "$3" ] || differs "$1" sha256 "$3" "$found"
  found=$(traits "$ROOT$2") || found='?'
  [ "$found" = "$4" ] || differs "$1" mode/uid/gid "$4" "$found"
}

# Files that are only read hold at any time, those that are written until the first of them is.
guards() {
  differences=0
  guards_read
  [ -e "$W/swapping" ] || guards_written
  [ "$differences" -eq 0 ] || { tell "$t_guards_differ" "$differences" >&2; return 4; }
}

needs() {
  for tool in openssl awk sed sha256sum base64 stat od readlink cmp "$@"; do
    command -v "$tool" >/dev/null 2>&1 || { stop "$t_no_tool $tool"; return 1; }
  done
}

# --- lock and log

started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# A claim of this script whose process is gone is ours to go on with; everybody else's is not.
may_take() {
  grep -q '"state":"free"' "$1" && return 0
  grep -q "\"what\":\"$what\"" "$1" || return 1
  [ "$(sed 's/.*"bootId":"\([^"]*\)".*/\1/' "$1")" = "$boot" ] || return 0
  owner=$(sed 's/.*"processStart":"\([^"]*\)".*/\1/' "$1")
  [ -n "$(started "@{owner%%-*}")" ] || return 0
  [ "$(started "@{owner%%-*}")" != "@{owner#*-}" ]
}

lock() {
  what="script $D12" mark="$$-$(started "$$")" boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)
  mkdir -p -m 0700 "$S" && mkdir -p -m 0700 "$W" || return 1
  rm -f "$W"/claim.*
  # OpenSSL before 1.1 keeps its seed in the home folder unless told where.
  export RANDFILE="$W/random"
  take_lock >/dev/null || return 5
  token=$(newest_claim)
  grep -q "\"processStart\":\"$mark\"" "$S/lock/$token" || { stop "$t_lock_lost"; return 5; }
}

# Somebody who breaks the lock has a higher claim from then on.
fence() { [ "$(newest_claim)" = "$token" ] || stop "$t_lock_lost"; }

unlock() { [ "$(newest_claim)" != "$token" ] || release_lock >/dev/null; }

# A killed run of this script holds it still.
is_left_locked() {
  n=$(newest_claim)
  [ -n "$n" ] && grep -q '"state":"held"' "$S/lock/$n" && grep -q "\"what\":\"script $D12\"" "$S/lock/$n"
}

note() { printf '%s\n' "$*" >>"$W/log"; }

# step ID COMMAND...: does it, and says so in the log.
step() {
  step_id=$1
  shift
  if "$@"; then note "done $step_id"; else
    tell "$t_step_failed" "$step_id" >&2
    note "failed $step_id"
    return 1
  fi
}
`);
