// Kubeconfigs without kubectl: the data of one user, in the layout that kubeadm and kubectl write. Anything else is refused.
import { shellText } from "./shell-text.ts";

export const shellKubeconfig = shellText(String.raw`
# Prints the numbers of the two data lines of a user: one list of users in block style, each field once, in its place.
kube_lines() {
  KUBE_USER=$2 awk '
    function trimmed(s) { sub(/^[ \t]+/, "", s); sub(/[ \t\r]+$/, "", s); return s }
    function bare(s) {
      s = trimmed(s)
      if (s ~ /^".*"$/ || s ~ /^\047.*\047$/) s = substr(s, 2, length(s) - 2)
      return s
    }
    function field(name) { return index(text, name ":") == 1 ? 1 : 0 }
    /^(---|\.\.\.|%|\t)/ && NR > 1 { odd = 1 }
    /^users:[ \t\r]*$/ { lists++; inside = 1; column = -1; next }
    /^users:/ { odd = 1 }
    /^[^ #\r-]/ { inside = 0 }
    !inside || /^[ ]*#/ || /^[ \r]*$/ { next }
    {
      text = $0; sub(/^ +/, "", text); indent = length($0) - length(text)
      if (text ~ /^- /) {
        if (column < 0) column = indent
        if (indent == column) {
          item++; users_column = -1
          sub(/^- +/, "", text); indent = length($0) - length(text); top = indent
        }
      }
      if (indent == top && field("name")) { names[item]++; name[item] = bare(substr(text, 6)) }
      if (indent == top) in_user = field("user")
      if (in_user && indent > top) {
        if (users_column < 0) users_column = indent
        if (field("client-certificate-data")) { if (indent != users_column) odd = 1; certs[item]++; cert[item] = NR; data[NR] = bare(substr(text, 25)) }
        if (field("client-key-data")) { if (indent != users_column) odd = 1; keys[item]++; key[item] = NR; data[NR] = bare(substr(text, 17)) }
        if (field("client-certificate") || field("client-key")) odd = 1
      }
    }
    END {
      if (odd || lists != 1) exit 1
      for (i = 1; i <= item; i++) {
        if (name[i] != ENVIRON["KUBE_USER"]) continue
        if (found++ || names[i] != 1 || certs[i] != 1 || keys[i] != 1) exit 1
        if (data[cert[i]] !~ /^[A-Za-z0-9+\/]+=*$/ || data[key[i]] !~ /^[A-Za-z0-9+\/]+=*$/) exit 1
        line = cert[i] " " key[i]
      }
      if (found != 1) exit 1
      print line
    }' "$1"
}

kube_plain() { kube_lines "$1" "$2" >/dev/null || stop "$t_kubeconfig $1"; }

# kube_get FILE USER cert|key
kube_get() {
  lines=$(kube_lines "$1" "$2") || { stop "$t_kubeconfig $1"; return 1; }
  case $3 in cert) line=@{lines% *} ;; *) line=@{lines#* } ;; esac
  sed -n "$line{s/^[^:]*: *//;s/[\"' 	]//g;p;}" "$1" | tr -d '\r' | base64 -d
}

# kube_put FILE USER CERT KEY: prints FILE with other data; quotes, comments and all other lines stay.
kube_put() {
  lines=$(kube_lines "$1" "$2") || { stop "$t_kubeconfig $1"; return 1; }
  KUBE_CERT=$(base64 <"$3" | tr -d '\n') KUBE_KEY=$(base64 <"$4" | tr -d '\n') \
    awk -v cert="@{lines% *}" -v key="@{lines#* }" '
    NR == cert || NR == key {
      match($0, /[A-Za-z0-9+\/]+=*["\047]?[ \t\r]*$/)
      tail = substr($0, RSTART); sub(/^[A-Za-z0-9+\/]+=*/, "", tail)
      print substr($0, 1, RSTART - 1) ENVIRON[NR == cert ? "KUBE_CERT" : "KUBE_KEY"] tail
      next
    }
    { print }' "$1"
}
`);
