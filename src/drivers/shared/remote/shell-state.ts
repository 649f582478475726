// What a state directory does on a host. INPUTS and OUTPUTS: everything below one 0700 directory; what keeps it safe is shell-base.ts
// and that the shell stands in the folder that was checked.
import { shellText } from "./quote.ts";

export const shellState = shellText(String.raw`
there() { [ -e "$1" ] || [ -L "$1" ]; }

# A folder as such, no link to one.
refuse_link() {
  [ ! -L "$1" ] || answer state-unsafe "$1" "link to $(readlink "$1")"
  [ -d "$1" ] || [ ! -e "$1" ] || answer state-unsafe "$1" 'not a directory'
}

# Sets unsound to what keeps it from being trusted.
enter_state() {
  refuse_link "$UP"
  refuse_link "$STATE"
  if [ ! -d "$STATE" ]; then
    if err=$(stat -c '' "$STATE" 2>&1); then refuse_link "$STATE"
    else
      case $err in *'No such file or directory') ;; *) answer state-unreadable "$err" ;; esac
      [ "$1" = make ] || answer missing
      make_state
    fi
  fi
  cd -P "$STATE" 2>/dev/null || answer state-unreadable 'Permission denied'
  me=$(id -u)
  mine=$(stat -c '%u %a' . 2>&1) || answer state-unreadable "$mine"
  [ "@{mine%% *}" = "$me" ] || answer state-owned "$STATE" "@{mine%% *}"
  case @{mine#* } in *[2367]? | *[2367]) answer state-open "$STATE" "@{mine#* }" ;; esac
  safe_above
  [ "$1" = look ] || [ "@{mine#* }" = 700 ] || err=$(chmod 0700 . 2>&1) || answer failed chmod "$err"
}

make_state() {
  make_above
  err=$(mkdir -m 0700 "$STATE" 2>&1) || [ -d "$STATE" ] || answer failed mkdir "$err"
  sync_folder "$UP"
  refuse_link "$STATE"
}

# An ordinary folder of the system, where it is missing.
above() {
  [ ! -d "$2" ] || return 0
  err=$(mkdir -m 0755 "$2" 2>&1) || [ -d "$2" ] || answer failed mkdir "$err"
  sync_folder "$1"
}

# inner PARENT FOLDER, as seen from the state directory.
inner() {
  ! there "./$2" || return 0
  err=$(mkdir -m 0700 "./$2" 2>&1) || [ -d "./$2" ] || answer failed mkdir "$err"
  sync_folder "./$1"
}

state_read() {
  enter_state look
  [ ! -L "./$file" ] || answer unreadable 'Too many levels of symbolic links'
  if [ ! -e "./$file" ]; then
    missing "./$file"
    answer missing
  fi
  regular_state
  err=$( { { :; } <"./$file"; } 2>&1) || {
    there "./$file" || answer missing
    answer unreadable "$err"
  }
  out bytes
  printf '+'
  { ended=$( { { head -c "$limit" <"./$file" 2>/dev/null; echo "$?" >&5; } | base64 >&4; } 5>&1); } 4>&1
  printf '\0'
  out "$ended"
  finish
}

regular_state() {
  [ ! -d "./$file" ] || answer unreadable 'Is a directory'
  [ -f "./$file" ] || answer unreadable 'Operation not supported'
}

state_list() {
  enter_state look
  if ! there "./$file"; then
    missing "./$file"
    answer missing
  fi
  cd "./$file" 2>/dev/null || answer unreadable 'Not a directory'
  listable
  out names
  set +f
  for name in .* *; do
    case $name in . | .. | .new-*) continue ;; esac
    ! there "./$name" || out "$name"
  done
  finish
}

state_remove() {
  enter_state look
  if ! there "./$file"; then
    missing "./$file"
    answer done
  fi
  err=$(rm -rf "./$file" 2>&1) || answer failed remove "$err"
  sync_folder "./$parent"
  answer done
}

state_create() {
  enter_state make
  make_inner
  ! there "./$file" || answer exists
  put "$temporary"
  if ! link_new "./$temporary" "./$file"; then
    case $err in *'File exists') drop exists ;; esac
    drop failed create "$err"
  fi
  rm -f "./$temporary"
  sync_folder "./$parent"
  answer created
}

state_append() {
  enter_state make
  make_inner
  [ ! -L "./$file" ] || answer failed create 'Too many levels of symbolic links'
  new=0
  if ! there "./$file"; then new=1; elif [ ! -f "./$file" ]; then answer failed create 'Is a directory'; fi
  err=$( { { :; } >>"./$file"; } 2>&1) || answer failed create "$err"
  { append_input; } 4>>"./$file" || answer failed create unknown
  [ "$new" = 0 ] || sync_folder "./$parent"
  answer done
}

# What did not fit is not taken back: others may have appended behind it.
append_input() {
  size=$owed
  err=$(take 2>&1 >&4) || { owed=0; answer failed write "$err"; }
  owed=0
  err=$(dd if=/dev/null conv=fsync 2>&1 >&4) || answer failed fsync "$err"
}

state_rename() {
  enter_state make
  make_inner
  move "./$from" "./$file" || answer failed rename "$err"
  sync_folder "./$parent"
  [ "$from_parent" = "$parent" ] || sync_folder "./$from_parent"
  answer done
}

state_keep() {
  enter_state make
  make_inner
  kept=''
  if there "./$file"; then
    [ ! -L "./$file" ] || answer unreadable 'Too many levels of symbolic links'
    regular_state
    sha "./$file"
    kept=$digest
  fi
  if [ "$kept" != "$sha" ]; then
    put "$temporary"
    move "./$temporary" "./$file" || drop failed rename "$err"
    sync_folder "./$parent"
  fi
  liken_folders
  answer done
}

# liken FOLDER MODE UID GID
liken() {
  now=$(stat -c '%a %u:%g' "./$1" 2>&1) || answer failed chmod-folders "$now"
  [ "@{now#* }" = "$3:$4" ] || err=$(chown "$3:$4" "./$1" 2>&1) || answer failed chmod-folders "$err"
  [ "@{now%% *}" = "$2" ] || err=$(chmod "$2" "./$1" 2>&1) || answer failed chmod-folders "$err"
}
`);
