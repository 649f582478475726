// The way to a file on a host: component by component, links resolved by us against the root, folders held by the shell itself.
import { shellText } from "./quote.ts";

export const shellWalk = shellText(String.raw`
# Takes slashes and dots off the front of what is left of a link.
trim() {
  while :; do
    case $link in
    /*) link=@{link#/} ;;
    ./*) link=@{link#./} ;;
    .) link='' ;;
    *) break ;;
    esac
  done
}

# walk PATH KEEP: sets at (folder as the node sees it), name, linked, state (found, absent, nowhere: no such folder) and dangling.
# KEEP all: refuses folders on the way that others may write to; folders: lists the path's own folders in $folders.
walk() {
  rest=$1 keep=$2 link='' at='' name='' linked=0 hops=0 dangling='' folders='' target=''
  set --
  [ -d "$ROOT/" ] || answer rootless
  while :; do
    if [ "$keep" = all ] || { [ "$keep" = folders ] && [ -z "$link" ]; }; then set -- "$@" "$ROOT$at/"; fi
    if [ -n "$link" ]; then
      part=@{link%%/*} from=link
      case $link in */*) link=@{link#*/} ;; *) link='' ;; esac
      trim
    elif [ -n "$rest" ]; then
      part=@{rest%%/*} from=path
      case $rest in */*) rest=@{rest#*/} ;; *) rest='' ;; esac
    else answer irregular directory
    fi
    if [ "$part" = .. ]; then
      [ -n "$at" ] || [ -z "$ROOT" ] || answer refused "$target"
      at=@{at%/*}
      continue
    fi
    p=$ROOT$at/$part
    if [ -L "$p" ]; then follow
    elif [ -n "$link$rest" ]; then
      if [ -d "$p" ]; then at=$at/$part; continue; fi
      [ ! -e "$p" ] || answer unreadable 'Not a directory'
      state=nowhere
      break
    else
      name=$part state=absent
      [ ! -e "$p" ] || state=found
      break
    fi
  done
  if [ "$state" != found ]; then
    missing "$p"
    [ "$from" = path ] || dangling=$at/$part@{link:+/$link}
  fi
  case $keep in
  all) safe_root && safe_folders "$@" ;;
  folders) folders=$(stat -c '%a %u %g' "$@" 2>&1) || answer unreadable "$folders" ;;
  esac
}

follow() {
  hops=$((hops + 1))
  [ "$hops" -le 40 ] || answer unreadable 'Too many levels of symbolic links'
  target=$(readlink -n "$p" && echo .) || answer unreadable again
  target=@{target%.} linked=1
  case $target in /*) at='' ;; esac
  link=$target/$link
  trim
}

# From here on names are looked up in the very folder that was walked to.
enter() {
  real=$(cd -P "$ROOT/" 2>/dev/null && pwd -P) && cd -P "$ROOT$at/" 2>/dev/null || answer unreadable 'Permission denied'
  [ "$(pwd -P)" = "@{real%/}$at" ] || [ "$(pwd -P)" = "@{real%/}$at/" ] || answer unreadable again
}

# aim PATH: as walk, for a change.
aim() {
  walk "$1" all
  [ -z "$dangling" ] || answer refused "$dangling"
  [ "$state" != nowhere ] || return 0
  [ "$linked" = 0 ] || in_trees "$at/$name" || answer refused "$at/$name"
  enter
}

# to_missing: after a walk that led nowhere, makes the parent of $part current, the folder that alone is missing: below one of the
# trees and behind no link. Answers otherwise.
to_missing() {
  [ "$linked" = 0 ] && [ -n "$rest" ] && in_trees "$at/$part" || answer failed open-directory 'No such file or directory'
  case $rest in */*) answer failed open-directory 'No such file or directory' ;; esac
  enter
}

# look: sets found (sha256, or absent) and what a file has beside its bytes.
look() {
  found=absent traits=''
  [ "$state" != nowhere ] || return 0
  if [ ! -e "./$name" ] && [ ! -L "./$name" ]; then
    missing "./$name"
    return 0
  fi
  regular "./$name"
  traits=$(stat -c '%s %a %u %g %Y %y' "./$name" 2>&1) || answer unreadable "$traits"
  [ "@{traits%% *}" -le 1048576 ] || answer large "@{traits%% *}"
  sha "./$name"
  found=$digest
}
`);
