// The script's files: before-images, the new bytes, swap by rename, the way back.
// INPUTS: the plan's objects. OUTPUTS: dot-named files beside them, then the objects themselves.
import { shellText } from "./shell-text.ts";

export const shellFiles = shellText(String.raw`
# What identifies a certificate in a message and in a comparison.
print_of() { openssl x509 -in "$1" -noout -fingerprint -sha256 | sed 's/.*=//' | tr -d ':' | tr A-F a-f; }

# Mode and owner come last in a copy: without them it is a half one.
is_before_image() { [ -f "$1" ] && [ "$(sha "$1")" = "$sha" ] && [ "$(traits "$1")" = "$old_mode $ids" ]; }

back_up() {
  object "$1"
  is_before_image "$W/before-$1" && return 0
  rm -f "$W/before-$1"
  cp -a "$real" "$W/before-$1" && is_before_image "$W/before-$1"
}

# The label goes along where there are labels.
beside() {
  rm -f "$temporary"
  cp -a "$1" "$temporary" || return 1
  [ ! -e /sys/fs/selinux/enforce ] || chcon --reference="$real" "$temporary" 2>/dev/null || :
}

# The new bytes beside the target: mode first, so that a key is never readable by others.
put_beside() {
  beside "$real" && chmod "$new_mode" "$temporary" && cat "$W/new-$1" >"$temporary" &&
    [ "$(sha "$temporary")" = "$(cat "$W/new-$1.sha")" ] && [ "$(traits "$temporary")" = "$new_mode $ids" ]
}

stage() {
  object "$1"
  content "$1" >"$W/new-$1" && check_content "$1" "$W/new-$1" || return 1
  sha "$W/new-$1" >"$W/new-$1.sha" && put_beside "$1"
}

# has_certificate FILE pem INDEX|kubeconfig USER SLOT: that very certificate is in the file, and its key where both are.
has_certificate() {
  case $2 in
  pem) certificate_of "$1" "$3" >"$W/read" ;;
  *) kube_get "$1" "$3" key >"$W/read" && pair "$W/slot-$4.crt" "$W/read" >/dev/null && kube_get "$1" "$3" cert >"$W/read" ;;
  esac || return 1
  [ "$(print_of "$W/read")" = "$(print_of "$W/slot-$4.crt")" ]
}

has_key() {
  key_of "$1" >"$W/read" && pair "$W/slot-$2.crt" "$W/read" >/dev/null
}

swap() {
  object "$1"
  new=$(cat "$W/new-$1.sha")
  now=$(sha "$real") || return 1
  [ "$now" = "$new" ] && [ "$(traits "$real")" = "$new_mode $ids" ] && return 0
  [ "$now" = "$sha" ] || { stop "$t_changed $path"; return 1; }
  fence || return 1
  [ -f "$temporary" ] && [ "$(sha "$temporary")" = "$new" ] || put_beside "$1" || return 1
  mv -f "$temporary" "$real" && [ "$(sha "$real")" = "$new" ]
}

# prove FILE pem INDEX|kubeconfig USER SLOT: read back from the disk.
prove() { has_certificate "$@" || stop "$t_not_in_place $1"; }

# May the object be put back? Not when somebody else has changed it since.
may_undo() {
  object "$1"
  now=$(sha "$real") || now='?'
  [ "$now" = "$sha" ] && return 0
  [ -f "$W/new-$1.sha" ] && [ "$now" = "$(cat "$W/new-$1.sha")" ] && [ "$(sha "$W/before-$1")" = "$sha" ] && return 0
  differs "$path" sha256 "$sha" "$now"
}

put_back() {
  object "$1"
  rm -f "$temporary"
  [ "$(sha "$real")" = "$sha" ] && [ "$(traits "$real")" = "$old_mode $ids" ] && return 0
  fence && beside "$W/before-$1" && mv -f "$temporary" "$real" && [ "$(sha "$real")" = "$sha" ] &&
    [ "$(traits "$real")" = "$old_mode $ids" ]
}

# Nothing with a key in it stays: working files, what lies beside the targets.
sweep() {
  rm -f "$W"/slot-*.key "$W"/slot-*.like "$W"/new-*[0-9] "$W/read" "$W/random"
  sweep_live
  for number in $OBJECTS; do
    object "$number"
    rm -f "$temporary"
  done
}
`);
