// What a store of files does on a host. INPUTS: files below the root. OUTPUTS: `.perennial-RUN-TOKEN-NAME`, then the target itself.
import { shellText } from "./quote.ts";

export const shellFiles = shellText(String.raw`
# --- looking

read_file() {
  if [ "$labelled" = 1 ]; then walk "$path" folders; else walk "$path" none; fi
  [ "$state" = found ] || answer absent "$dangling"
  p=$ROOT$at/$name
  regular "$p"
  err=$( { { :; } <"$p"; } 2>&1) || answer unreadable "$err"
  { show; } 3<"$p" || answer unreadable again
}

# The file that is open as 3, whatever its name leads to by now.
show() {
  traits=$(stat -L -c '%s %a %u %g %Y %y %F' /proc/self/fd/3 2>&1) || answer unreadable "$traits"
  case $traits in *' regular file' | *' regular empty file') ;; *) answer unreadable again ;; esac
  [ "@{traits%% *}" -le "$limit" ] || answer large "@{traits%% *}"
  labels=''
  [ "$labelled" = 0 ] || labels_of /proc/self/fd/3
  out present "$at/$name" "$linked" "$traits" "$labels" "$folders"
  printf '+'
  { ended=$( { { head -c "$((limit + 1))" <&3 2>/dev/null; echo "$?" >&5; } | base64 >&4; } 5>&1); } 4>&1
  printf '\0'
  out "$ended"
  finish
}

list_folder() {
  walk "$path" none
  [ "$state" = found ] || answer absent
  enter
  listable
  out names
  set +f
  for name in .* *; do
    case $name in . | ..) continue ;; esac
    if [ -e "./$name" ] || [ -L "./$name" ]; then out "$name"; fi
  done
  finish
}

# --- changing

stage() {
  aim "$path"
  look
  [ "$found" = "$expect" ] || answer conflict "$found"
  [ "$state" != nowhere ] || make_folder
  [ "$name" = "$base" ] || answer named "$name"
  if [ "$found" = "$sha" ] && [ "$again" = 0 ]; then
    labels=''
    [ "$labelled" = 0 ] || labels_of "./$name"
    answer same "$at" "$traits" "$labels"
  fi
  like=''
  if [ "$found" != absent ]; then
    like=./$name
    ids=@{traits#* * }
    uid=@{uid:-@{ids%% *}} ids=@{ids#* }
    gid=@{gid:-@{ids%% *}}
  fi
  put "$temporary"
  answer staged "$at"
}

# One folder that is missing is made as its parent is, less what lets others write, and is the current one then.
make_folder() {
  to_missing
  folder_mode=000$(stat -c %a .) || answer failed make-directory unknown
  if err=$(mkdir -m 0700 "./$part" 2>&1); then
    err=$(chmod "@{folder_mode#"@{folder_mode%???}"}" "./$part" 2>&1 && chmod go-w,ug-s,-t "./$part" 2>&1) ||
      answer failed make-directory "$err"
    sync_folder .
  else
    [ -d "./$part" ] && [ ! -L "./$part" ] || answer failed make-directory "$err"
  fi
  at=$at/$part name=$rest state=absent
  enter
}

# verify NAME: sets verdict, empty for the staged bytes.
verify() {
  verdict=''
  if [ "$state" = nowhere ] || [ "$at" != "$folder" ]; then verdict=directory-moved
  elif [ -L "./$1" ]; then verdict=not-regular
  elif [ ! -e "./$1" ]; then
    missing "./$1"
    verdict=ENOENT
  elif [ ! -f "./$1" ]; then verdict=not-regular
  else
    sha "./$1"
    [ "$digest" = "$sha" ] || verdict=bytes-changed
  fi
}

commit() {
  aim "$path"
  verify "$temporary"
  look
  if [ "$found" = "$sha" ]; then
    [ "$unchanged" = 0 ] || well unchanged
    if [ "$expect" != "$sha" ] || { [ ! -e "./$temporary" ] && [ ! -L "./$temporary" ]; }; then
      forget "$temporary"
      sync_folder .
      well unchanged
    fi
  fi
  [ "$found" = "$expect" ] || answer conflict "$found"
  [ "$state" != nowhere ] || answer failed open-directory 'No such file or directory'
  [ -z "$verdict" ] || answer unverified "$verdict"
  make_live
  sync_folder .
  well written
}

# The newest claim of the node's lock still is ours, or nothing is changed: whoever has a newer one sweeps our file.
held() {
  newest=0
  set +f
  for claim in "$lock"/*; do
    claim=@{claim##*/}
    case $claim in *[!0-9]* | '' | ? | ?? | ??? | ???? | ????? | ?????? | ???????) continue ;; esac
    [ "$claim" -le "$newest" ] || newest=$claim
  done
  set -f
  [ "$newest" -eq "$token" ] || answer lost "$newest"
}

# Nothing lies between the look and this.
make_live() {
  draft=$temporary
  [ -z "$lock" ] || held
  if [ "$expect" != absent ]; then
    move "./$temporary" "./$name" || drop failed rename "$err"
    return 0
  fi
  link_new "./$temporary" "./$name" || {
    case $err in *'File exists') answer conflict present ;; esac
    drop failed link "$err"
  }
  forget "$temporary"
}

forget() { err=$(rm -f "./$1" 2>&1) || answer failed unlink-temporary "$err"; }

remove() {
  aim "$path"
  look
  [ "$found" != absent ] || answer removed
  [ "$found" = "$expect" ] || answer conflict "$found"
  err=$(rm -f "./$name" 2>&1) || answer failed unlink "$err"
  sync_folder .
  answer removed
}

# --- staged files after the fact; $folder is where they lie, $prefix and $suffix are around the token

hold() {
  walk "$folder/." all
  [ "$state" != found ] || enter
}

adopt() {
  hold
  [ "$state" = found ] || answer failed open-directory 'No such file or directory'
  listable
  best='' highest=-1
  set +f
  for entry in "$prefix"*"$suffix"; do
    number=@{entry#"$prefix"}
    number=@{number%"$suffix"}
    case $number in '' | *[!0-9]*) continue ;; esac
    if [ "$number" -ge "$first" ] && [ "$number" -le "$token" ] && [ "$number" -gt "$highest" ]; then
      if [ -e "./$entry" ] || [ -L "./$entry" ]; then best=$entry highest=$number; fi
    fi
  done
  set -f
  new=$prefix$token$suffix
  if [ -n "$best" ] && [ "$best" != "$new" ]; then
    move "./$best" "./$new" || answer failed adopt-temporary "$err"
    sync_folder .
  fi
  folder=$at
  verify "$new"
  [ -z "$verdict" ] || answer unverified "$verdict"
  answer adopted
}

discard() {
  hold
  [ "$state" != found ] || forget "$temporary"
  answer discarded
}

# Names of temporary files in a folder that is ours; which of them are old is not for the shell to say.
temporaries() {
  walk "$path" none
  [ "$state" != nowhere ] || answer none
  [ "$linked" = 0 ] || in_trees "$at/$name" || answer none
  enter
  listable
  out temporaries "$at"
  set +f
  for entry in .perennial-*; do
    if [ -e "./$entry" ] || [ -L "./$entry" ]; then out "$entry"; fi
  done
  finish
}

# sweep NAME...
sweep() {
  hold
  [ "$state" = found ] || answer swept
  for entry; do forget "$entry"; done
  sync_folder .
  answer swept
}
`);
