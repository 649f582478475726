// etcd's data before the first write, as the script saves it.
// INPUTS: etcd, etcdctl of the host or of etcd's container. OUTPUTS: a snapshot, or a copy of a stopped member's files.
import { shellText } from "./shell-text.ts";

export const shellSnapshot = shellText(String.raw`
# --- etcd's data before the first write

# A client certificate for one day in the snapshot's own files: the stored one may have expired. OpenSSL before 1.1 would sign with SHA-1.
snapshot_client() {
  t=$W/snapshot
  printf '%s\n' '[req]' distinguished_name=dn prompt=no '[dn]' "CN=$etcd_name" '[ext]' extendedKeyUsage=clientAuth >"$t.cnf"
  openssl req -new -newkey rsa:2048 -nodes -keyout "$t.key" -sha256 -config "$t.cnf" -out "$t.csr" 2>/dev/null &&
    openssl x509 -req -in "$t.csr" -CA "$ROOT$etcd_ca" -CAkey "$ROOT$etcd_key" -set_serial "0x1$(openssl rand -hex 7)" -days 1 -sha256 \
      -extfile "$t.cnf" -extensions ext -out "$t.crt" 2>/dev/null
}

# Its certificate may have expired; its key is the one on the disk, or it is not etcd.
is_etcd() {
  spki=$(limited 10 openssl s_client -connect "$etcd_host:$etcd_port" </dev/null 2>/dev/null | openssl x509 -noout -pubkey 2>/dev/null |
    openssl pkey -pubin -outform DER 2>/dev/null | sha256sum)
  case " $etcd_spki " in *" @{spki%% *} "*) return 0 ;; esac
  return 1
}

etcdctl_words() {
  printf '%s ' --endpoints "https://$etcd_host:$etcd_port" --insecure-skip-tls-verify
}

copy_cold() {
  rm -rf "$W/etcd-data.new" && cp -a "$ROOT$etcd_data" "$W/etcd-data.new" && rm -rf "$W/etcd-data" && mv "$W/etcd-data.new" "$W/etcd-data"
}

# What a killed run may have left where etcd's container sees it.
sweep_live() {
  rm -f "$W"/snapshot.* "$W"/api.*
  etcd_of 1 || return 0
  rm -f "$ROOT@{etcd_ca%/*}"/.perennial-snapshot.*
  [ -z "$etcd_data" ] || rm -f "$ROOT$etcd_data/.perennial-snapshot.db"
}

# Anew each time: a run that goes on before the first write may do so days later.
snapshot() {
  [ "$snapshot" = 1 ] || { tell "$t_no_snapshot"; return 0; }
  etcd_of "$1"
  choose_runtime etcd 2>/dev/null || runtime=''
  id=''
  [ -z "$runtime" ] || id=$(containers "$runtime" etcd | sed -n 1p)
  if [ -z "$id" ] && [ -n "$runtime" ] && [ -z "$(served "$etcd_host" "$etcd_port" '')" ]; then
    # The member is stopped: its files are whole.
    [ -n "$etcd_data" ] && copy_cold && { tell "$t_cold_copy" "$W/etcd-data"; return 0; }
  fi
  is_etcd && snapshot_client && save_snapshot && [ -s "$W/etcd-snapshot.db" ] || { stop "$t_snapshot_failed"; return 1; }
  rm -f "$W"/snapshot.*
  tell "$t_snapshot" "$W/etcd-snapshot.db"
}

# in_etcd COMMAND...: in the container $id.
in_etcd() {
  case $runtime in
  crictl) limited 300 crictl_here exec "$id" "$@" ;;
  docker) limited 300 docker_here exec "$id" "$@" ;;
  nerdctl) limited 300 nerdctl_here exec "$id" "$@" ;;
  *) limited 300 ctr_here tasks exec --exec-id "perennial-$$-$#" "$id" "$@" ;;
  esac >/dev/null 2>&1
}

save_snapshot() {
  if command -v etcdctl >/dev/null 2>&1; then
    ETCDCTL_API=3 limited 300 etcdctl $(etcdctl_words) --cert "$W/snapshot.crt" --key "$W/snapshot.key" snapshot save "$W/etcd-snapshot.db" >/dev/null 2>&1
    return
  fi
  # In the container, with what it has mounted: the folder of its certificates and its data.
  [ -n "$etcd_data" ] && [ -n "$id" ] || return 1
  pki=@{etcd_ca%/*}
  for part in crt key; do cat "$W/snapshot.$part" >"$ROOT$pki/.perennial-snapshot.$part" || return 1; done
  set -- etcdctl $(etcdctl_words) --cert "$pki/.perennial-snapshot.crt" --key "$pki/.perennial-snapshot.key" \
    snapshot save "$etcd_data/.perennial-snapshot.db"
  # Before 3.4 etcdctl takes the words of version 2 unless told otherwise; those images have a shell, later ones need none.
  in_etcd "$@" || in_etcd sh -c 'ETCDCTL_API=3 exec "$@"' sh "$@"
  code=$?
  rm -f "$ROOT$pki/.perennial-snapshot.crt" "$ROOT$pki/.perennial-snapshot.key"
  [ "$code" = 0 ] && mv "$ROOT$etcd_data/.perennial-snapshot.db" "$W/etcd-snapshot.db"
}
`);
