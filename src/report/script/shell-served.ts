// The script's proof from what runs: what listeners present, whether they are well, whether the API takes a write.
// INPUTS: listeners. OUTPUTS: an object of the API, created and deleted again.
import { shellText } from "./shell-text.ts";

export const shellServed = shellText(String.raw`
# s_client before OpenSSL 1.1 takes the first colon for the one before the port: no proof could be had.
can_dial() {
  [ -n "$DIALS_IPV6" ] || return 0
  case $(openssl version 2>/dev/null) in 'OpenSSL 0.'* | 'OpenSSL 1.0.'*) stop "$t_no_ipv6" ;; esac
}

# ask SCHEME HOST PORT METHOD PATH [CERT KEY]: the status of the answer.
ask() {
  if [ "$1" = https ]; then
    # No command substitution: it would take the empty line at the end.
    printf '%s %s HTTP/1.0\r\nHost: %s\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' \
      "$4" "$5" "$2" "@{#body}" "$body" |
      limited 10 openssl s_client -quiet -connect "$2:$3" @{6:+-cert "$6" -key "$7"} 2>/dev/null
  elif command -v curl >/dev/null 2>&1; then
    curl -s -i --max-time 10 "http://$2:$3$5" 2>/dev/null
  else
    wget -q -S -O - "http://$2:$3$5" 2>&1 </dev/null | sed 's/^ *//'
  fi
}

# answers SCHEME HOST PORT METHOD PATH: with 200.
answers() { body=''; ask "$@" | sed -n 1p | grep -q '^HTTP/[0-9.]* 200'; }

served() {
  limited 10 openssl s_client -connect "$1:$2" @{3:+-servername "$3"} </dev/null 2>/dev/null |
    openssl x509 -noout -fingerprint -sha256 2>/dev/null | sed 's/.*=//' | tr -d ':' | tr A-F a-f
}

# serves HOST PORT SNI SHA256: that very certificate; any, when nothing was planned for it.
serves() {
  presented=$(served "$1" "$2" "$3")
  [ -n "$presented" ] && { [ -z "$4" ] || [ "$presented" = "$4" ]; }
}

slot_print() { print_of "$W/slot-$1.crt"; }

# etcd_reads HOST PORT CERT KEY: /health is a read with the quorum.
etcd_reads() {
  body=''
  ask https "$1" "$2" GET /health "$ROOT$3" "$ROOT$4" | grep -q '"health" *: *"\{0,1\}true'
}

# api_write KUBECONFIG USER HOST PORT: an object is created and deleted again.
api_write() {
  kube_get "$ROOT$1" "$2" cert >"$W/api.crt" && kube_get "$ROOT$1" "$2" key >"$W/api.key" || return 1
  objects=/api/v1/namespaces/kube-system/configmaps
  body="{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"perennial-by-hand-$D12\"}}"
  code=$(ask https "$3" "$4" POST "$objects" "$W/api.crt" "$W/api.key" | sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p')
  body=''
  [ "$code" = 201 ] || [ "$code" = 409 ] || return 1
  ask https "$3" "$4" DELETE "$objects/perennial-by-hand-$D12" "$W/api.crt" "$W/api.key" | sed -n 1p | grep -q '^HTTP/[0-9.]* 200'
}

# prove_live NUMBER: a process that was last may have become well only just now.
prove_live() { wait_for 60 live "$1" || stop "$t_not_proved"; }
`);
