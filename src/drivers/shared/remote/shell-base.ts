// The ground of every script that runs on a host: answering, taking input, new files with their attributes. POSIX sh with the
// userland of CentOS 7, busybox or newer. OUTPUTS: files in the current folder.
import { shellText } from "./quote.ts";

export const shellBase = shellText(String.raw`
umask 077
set -f
owed=0 reader=none me='' code=0 nl='
'

out() { for value; do printf '+%s\0' "$value"; done; }

# The one way out of a task. Input that was not taken is not the next task's.
finish() {
  [ "$owed" -eq 0 ] || take >/dev/null 2>&1
  printf '.\0'
  exit "$code"
}

# well KIND: an answer behind which the next task of a chain may begin (script-queue.ts knows the number).
well() {
  code=42
  answer "$@"
}

answer() {
  out "$@"
  finish
}

has() { command -v "$1" >/dev/null 2>&1; }

take() {
  size=$owed
  owed=0
  if [ "$reader" = last ]; then cat
  elif [ "$size" -gt 0 ]; then dd bs="$size" count=1 iflag=fullblock
  fi
}

# missing PATH: returns when nothing was there; answers when that cannot be said. What has appeared since was not there before.
missing() {
  err=$(stat -c '' "$1" 2>&1) && return 0
  case $err in *'No such file or directory') ;; *) answer unreadable "$err" ;; esac
}

# The current folder can be listed. An entry that vanishes meanwhile, which some ls look at, is no fault.
listable() {
  err=$(ls . 2>&1 >/dev/null) && return 0
  case $err in *'No such file or directory') ;; *) answer unreadable "$err" ;; esac
}

# regular PATH: a type is said before anything is opened.
regular() {
  if [ -L "$1" ]; then answer irregular link
  elif [ -f "$1" ]; then return 0
  elif [ -d "$1" ]; then answer irregular directory
  elif [ -p "$1" ]; then answer irregular fifo
  elif [ -c "$1" ]; then answer irregular character-device
  elif [ -b "$1" ]; then answer irregular block-device
  elif [ -S "$1" ]; then answer irregular socket
  fi
  missing "$1"
  answer unreadable 'No such file or directory'
}

# sha FILE: sets digest.
sha() {
  digest=$( { sha256sum <"$1"; } 2>&1) || answer unreadable "$digest"
  digest=@{digest%% *}
}

# safe_folders FOLDER...: whoever else may write to one of them could lead a path elsewhere.
safe_folders() {
  [ -n "$me" ] || me=$(id -u)
  modes=$(stat -L -c '%u %a' "$@" 2>&1) || answer failed open-directory "$modes"
  IFS=$nl
  for line in $modes; do
    case @{line%% *} in
    0 | "$me") ;;
    *) answer unsafe "$1" "$line" ;;
    esac
    case @{line#* } in
    [1357]???) ;;
    *[2367]? | *[2367]) answer unsafe "$1" "$line" ;;
    esac
    shift
  done
  unset IFS
}

# --- new files; $mode $uid $gid $mtime $xattrs $context $like $sha say what they shall be

drop() {
  rm -f "./$draft"
  answer "$@"
}

# put NAME: input as a new file, 0600 before its first byte, whole and synced when it returns.
put() {
  draft=$1
  if [ -e "./$draft" ] || [ -L "./$draft" ]; then err=$(rm -f "./$draft" 2>&1) || answer failed create "$err"; fi
  set -C
  err=$( { { :; } >"./$draft"; } 2>&1) || answer failed create "$err"
  set +C
  { fill; } 4>>"./$draft" || answer failed create unknown
}

fill() {
  size=$owed
  err=$(take 2>&1 >&4) || { owed=0; drop failed write "$err"; }
  owed=0
  ids=$(stat -c '%u:%g' "./$draft" 2>&1) || drop failed chown "$ids"
  wanted=@{uid:-@{ids%:*}}:@{gid:-@{ids#*:}}
  [ "$ids" = "$wanted" ] || err=$(chown "$wanted" "./$draft" 2>&1) || drop failed chown "$err"
  label
  err=$(chmod "$mode" "./$draft" 2>&1) || drop failed chmod "$err"
  [ -z "$mtime" ] || age
  err=$(dd if=/dev/null conv=fsync 2>&1 >&4) || drop failed fsync "$err"
  err=$( { sha256sum <"./$draft"; } 2>&1) || drop failed read-back "$err"
  [ "@{err%% *}" = "$sha" ] || drop mismatch "@{err%% *}"
}

# Small systems know whole seconds only.
age() {
  touch -c -d "@$mtime" "./$draft" 2>/dev/null && return 0
  err=$(touch -c -d "@@{mtime%.*}" "./$draft" 2>&1) || drop failed utimes "$err"
}

label() {
  if [ -n "$xattrs" ]; then
    if has setfattr; then restore_labels "$xattrs"
    elif [ -n "$context" ] && [ -e /sys/fs/selinux/enforce ]; then
      err=$(chcon -- "$context" "./$draft" 2>&1) || drop failed labels "$err"
    fi
  elif [ -n "$like" ]; then copy_labels
  fi
}

# labels_of FILE: sets labels, in the words of getfattr.
labels_of() {
  labels=''
  if has getfattr; then
    labels=$(getfattr -d -m - -e base64 --absolute-names "$1" 2>/dev/null) || answer unreadable getfattr
  elif [ -e /sys/fs/selinux/enforce ]; then
    labels=$(stat -L -c '%C' "$1" 2>&1) || answer unreadable "$labels"
  fi
}

copy_labels() {
  if has getfattr && has setfattr; then
    labels=$(getfattr -d -m - -e base64 --absolute-names "$like" 2>/dev/null) || drop failed labels getfattr
    case $labels in *"$nl"*) restore_labels "@{labels#*"$nl"}" ;; esac
  elif [ -e /sys/fs/selinux/enforce ]; then
    err=$(cp --attributes-only --preserve=context,xattr "$like" "./$draft" 2>&1) || drop failed labels "$err"
  fi
}

restore_labels() {
  err=$(printf '# file: /proc/self/fd/4\n%s\n' "$1" | setfattr --restore=- 2>&1) || drop failed labels "$err"
}

# move FROM TO: rename(2), and never into a folder; sets err.
move() {
  err=$(mv -fT "$1" "$2" 2>&1) && return 0
  case $err in *' option'*) ;; *) return 1 ;; esac
  [ ! -d "$2" ] || { err='Is a directory'; return 1; }
  err=$(mv -f "$1" "$2" 2>&1)
}

# link_new FROM TO: link(2), which fails rather than overwrite; sets err.
link_new() {
  err=$(ln -T "$1" "$2" 2>&1) && return 0
  case $err in *' option'*) ;; *) return 1 ;; esac
  [ ! -d "$2" ] || { err='File exists'; return 1; }
  err=$(ln "$1" "$2" 2>&1)
}

# An older sync takes no name and writes everything: slow, but done.
sync_folder() { err=$(sync "$1" 2>&1) || answer failed sync-directory "$err"; }
`);
