// The script's commands: check, apply, undo, status.
//
//   apply:  guards ─▶ before-images, snapshot, issue, stage ─▶ `swapping` ─▶ swap, prove, restart, prove served ─▶ `finished`
//             │ 4          │ 1, nothing changed                  │ 1 undone, or 6 when the old ones had expired
//   undo:   may every file be put back? ─▶ `undoing` ─▶ put back ─▶ restart what was restarted ─▶ nothing left but before-images
import { shellText } from "./shell-text.ts";

export const shellMain = shellText(String.raw`
confirm() {
  [ "$yes" = 1 ] && return 0
  [ -t 0 ] || { tell "$t_needs_yes" >&2; return 2; }
  printf '%s ' "$1" >&2
  read -r answer || answer=''
  [ "$answer" = yes ] || { tell "$t_declined" >&2; return 4; }
}

# Before the first live write: as if nothing had been.
abandon() {
  trap '' HUP INT TERM
  sweep
  rm -f "$W"/slot-* "$W"/new-*
  unlock
  tell "$t_nothing_changed" >&2
}

has_expired() { [ "$(date +%s)" -ge "$OLD_END" ]; }

say_midway() {
  if [ -e "$W/undoing" ]; then tell "$t_undo_midway" "$0"; else tell "$t_midway" "$0" "$0"; fi
}

midway() {
  trap '' HUP INT TERM
  if ! has_expired; then
    tell "$t_undoing" >&2
    restore && exit 1
  fi
  say_midway >&2
  exit 6
}

interrupted() {
  trap '' HUP INT TERM
  if [ -e "$W/swapping" ]; then say_midway >&2; else abandon; fi
  exit "$1"
}

prepare() {
  phase_back_up && phase_snapshot && phase_issue && phase_stage || return 1
  rm -f "$W/undoing"
  sync
  : >"$W/swapping"
  sync
}

change() {
  phase_swap && sync && phase_prove && phase_restart && phase_prove_live
}

apply() {
  needs && can_dial || exit 1
  [ -d "$ROOT/" ] || { tell "$t_no_root" "$ROOT" >&2; exit 2; }
  if [ -e "$W/finished" ] && [ ! -e "$W/undoing" ]; then
    if is_left_locked; then lock && rm -f "$W/swapping" && unlock || exit 5; fi
    tell "$t_finished"
    exit 0
  fi
  # Forward is no way any more: processes may have been brought back with the old certificates.
  if [ -e "$W/swapping" ] && [ -e "$W/undoing" ]; then say_midway >&2; exit 6; fi
  guards || exit 4
  layouts || exit 4
  confirm "$t_ask_apply" || exit "$?"
  lock || exit "$?"
  trap 'interrupted 129' HUP
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
  restore_manifests
  if [ ! -e "$W/swapping" ]; then
    guards || { abandon; exit 4; }
    prepare || { abandon; exit 1; }
    # The last look before the first write.
    differences=0
    guards_read
    guards_written
    [ "$differences" -eq 0 ] || { rm -f "$W/swapping"; abandon; exit 4; }
  else
    tell "$t_resuming"
    # Not made again: what is in place already belongs to them.
    guards || exit 4
  fi
  change || midway
  sweep
  note finished
  : >"$W/finished"
  rm -f "$W/swapping"
  sync
  unlock
  tell "$t_done" "$W"
  [ -z "$RESTART" ] || tell "$t_restart" "$RESTART"
}

# Puts every file back, last one first; 4 and nothing changed when one of them is somebody else's by now.
restore() {
  restore_manifests
  differences=0
  for number in $OBJECTS; do may_undo "$number"; done
  [ "$differences" -eq 0 ] || { tell "$t_guards_differ" "$differences" >&2; return 4; }
  # Half undone is midway as well.
  : >"$W/swapping"
  : >"$W/undoing"
  rm -f "$W/finished"
  for number in $SWAPPED; do
    object "$number"
    put_back "$number" || { stop "$t_not_put_back $path"; return 1; }
    note "undone $path"
  done
  sync
  rebounce || return 1
  sweep
  rm -f "$W"/slot-* "$W/finished" "$W/swapping" "$W"/bounce-* "$W"/rebounce-* "$W"/new-* "$W/undoing"
  note undone
  unlock
  tell "$t_undone"
}

undo() {
  needs || exit 1
  if [ ! -e "$W/swapping" ] && [ ! -e "$W/finished" ]; then
    # Killed before its first write, or in its very last lines.
    if is_left_locked; then lock || exit "$?"; abandon; fi
    tell "$t_nothing_to_undo"
    exit 0
  fi
  if has_expired; then confirm "$t_ask_expired"; else confirm "$t_ask_undo"; fi || exit "$?"
  lock || exit "$?"
  trap 'interrupted 129' HUP
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
  restore || {
    if [ -e "$W/swapping" ]; then say_midway >&2; exit 6; fi
    unlock
    exit 4
  }
}

check() {
  # What it changed is no longer as planned: that is how it has to be.
  if [ -e "$W/finished" ] && [ ! -e "$W/undoing" ]; then
    tell "$t_finished"
    exit 0
  fi
  needs && can_dial || exit 1
  guards || exit 4
  layouts || exit 4
  tell "$t_guards_hold"
}

status() {
  if [ -e "$W/finished" ] && [ ! -e "$W/undoing" ]; then tell "$t_finished"
  elif [ -e "$W/swapping" ]; then say_midway
  else tell "$t_not_begun"; fi
  [ ! -f "$W/log" ] || cat "$W/log"
}

main() {
  command=@{1:-help} yes=0 snapshot=1
  [ "$#" -eq 0 ] || shift
  while [ "$#" -gt 0 ]; do
    case $1 in
    --yes) yes=1 ;;
    --no-snapshot) snapshot=0 ;;
    --root)
      [ "$#" -gt 1 ] || { tell "$t_usage" "$0" >&2; exit 2; }
      shift
      ROOT=@{1%/}
      S=$ROOT/var/lib/perennial ;;
    *) tell "$t_usage" "$0" >&2; exit 2 ;;
    esac
    shift
  done
  W=$S/by-hand-$D12
  case $command in
  check | apply | undo | status) "$command" ;;
  *) tell "$t_usage" "$0" >&2; exit 2 ;;
  esac
}
`);
