// Whether a file of a host could be replaced, found out without changing anything.
import { shellText } from "./quote.ts";

export const shellPreflight = shellText(String.raw`
# Answers with what a write would fail with, or with the room there is.
preflight() {
  aim "$path"
  if [ "$state" = nowhere ]; then to_missing; found=absent; else look; fi
  may_create
  if [ "$found" != absent ]; then
    may_replace
    may_give
  fi
  room=$(stat -f -c '%S %f %a %c %d' . 2>&1) || answer failed create "$room"
  [ -n "$me" ] || me=$(id -u)
  answer room "$room" "$me"
}

# rmdir(2) of what is not there says EROFS before it looks; root may write anywhere, as some shells have it.
may_create() {
  err=$(rmdir "./.perennial-none-$token" 2>&1)
  case $err in *'Read-only file system') answer failed create "$err" ;; esac
  [ -w . ] && [ -x . ] || answer failed create 'Permission denied'
}

# An immutable file refuses to be opened for writing; a mount point cannot be renamed over.
may_replace() {
  err=$( { { :; } <>"./$name"; } 2>&1)
  case $err in
  '' | *'Permission denied') ;;
  *) answer failed rename "$err" ;;
  esac
  [ "$(stat -c '%d' "./$name")" = "$(stat -c '%d' .)" ] || answer failed rename 'Device or resource busy'
  here=@{real%/}$at/$name
  while read -r number parent device from point others; do
    case $point in *\\*) point=$(printf '%b' "$(printf '%s' "$point" | sed 's/\\/\\0/g')") ;; esac
    [ "$point" != "$here" ] || answer failed rename 'Device or resource busy'
  done </proc/self/mountinfo
}

# Only root gives files away.
may_give() {
  [ -n "$me" ] || me=$(id -u)
  [ "$me" -ne 0 ] || return 0
  ids=$(stat -c '%u:%g' "./$name")
  case " $(id -G) " in *" @{ids#*:} "*) ;; *) answer failed chown 'Operation not permitted' ;; esac
  [ "@{ids%:*}" = "$me" ] || answer failed chown 'Operation not permitted'
}
`);
