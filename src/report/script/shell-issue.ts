// Issuing with nothing but openssl's signature: the certificate is put together byte for byte after the old one, so that every
// openssl from 1.0.2 on gives the same (x509 -x509toreq keeps the old public key before 3.0, x509 -req adds its own ideas since).
import { shellText } from "./shell-text.ts";

export const shellIssue = shellText(String.raw`
hex_of() { openssl x509 -in "$1" -outform DER 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; }

# Prints the bytes of hex digits.
bytes_of() {
  printf "$(printf '%s\n' "$1" | awk '
    function nibble(c) { return index("0123456789abcdef", c) - 1 }
    { for (i = 1; i < length($0); i += 2) printf "\\%03o", nibble(substr($0, i, 1)) * 16 + nibble(substr($0, i + 1, 1)) }')"
}

# der bits SPKI: the public key's bits. der tbs: hash, algorithm and what is to be signed (RFC 5280 section 4.1), after $OLD.
# der whole TBS ALGORITHM SIGNATURE: the certificate. All in hex digits.
der() {
  awk -v task="$1" -v one="@{2:-}" -v two="@{3:-}" -v three="@{4:-}" '
    function nibble(c) { return index("0123456789abcdef", c) - 1 }
    function octet(p) { return nibble(substr(h, p, 1)) * 16 + nibble(substr(h, p + 1, 1)) }
    # Reads tag T, first digit B and end E of the value that begins at digit p.
    function head(p, n, size) {
      T = substr(h, p, 2); n = octet(p + 2); B = p + 4; size = n
      if (n > 127) { size = 0; for (n -= 128; n > 0; n--) { size = size * 256 + octet(B); B += 2 } }
      E = B + 2 * size
      return E
    }
    function tlv(tag, content, n) {
      n = length(content) / 2
      if (n < 128) return tag sprintf("%02x", n) content
      if (n < 256) return tag "81" sprintf("%02x", n) content
      return tag "82" sprintf("%04x", n) content
    }
    function take(p) { head(p); next_at = E; return substr(h, p, E - p) }
    function parse(cert) {
      h = cert; head(1); head(B); end = E
      version = ""; next_at = B
      head(B); if (T == "a0") version = take(next_at)
      serial = take(next_at); algorithm = take(next_at); issuer = take(next_at); take(next_at)
      subject = take(next_at); spki = take(next_at)
      extensions = ""
      while (next_at < end) { head(next_at); if (T == "a3") extensions = substr(h, B, E - B); next_at = E }
    }
    function bits(key) { h = key; head(1); head(B); head(E); return substr(h, B + 2, E - B - 2) }
    # The list of extensions as arrays: whole, oid, critical, value.
    function split_extensions(list, at, last, stop_at) {
      count = 0
      if (list == "") return
      h = list; head(1); at = B; last = E
      while (at < last) {
        head(at); stop_at = E; count++
        whole[count] = substr(h, at, E - at)
        oid[count] = take(B); critical[count] = ""
        head(next_at); if (T == "01") { critical[count] = take(next_at); head(next_at) }
        value[count] = substr(h, B, E - B)
        at = stop_at
      }
    }
    function has(list, wanted, at, last) {
      h = list; head(1); at = B; last = E
      while (at < last) { if (take(at) == wanted) return 1; at = next_at }
      return 0
    }
    function content(list) { h = list; head(1); return substr(h, B, E - B) }
    function with_names(list, names, n, i, name) {
      n = split(names, name, " ")
      for (i = 1; i <= n; i++) if (!has(list, name[i])) list = tlv("30", content(list) name[i])
      return list
    }
    # The forms that the old one has, with what the authority is now.
    function key_id(list, at, last, out) {
      out = ""; h = list; head(1); at = B; last = E
      while (at < last) {
        h = list; head(at); tag = T; at = E
        if (tag == "80") out = out tlv("80", ca_key_id)
        if (tag == "a1") out = out tlv("a1", tlv("a4", ca_issuer))
        if (tag == "82") out = out tlv("82", content(ca_serial))
      }
      return tlv("30", out)
    }
    function time(seconds, days, rest, z, era, doe, yoe, y, doy, mp, d, m, text, i, out) {
      days = int(seconds / 86400); rest = seconds - days * 86400
      z = days + 719468; era = int(z / 146097); doe = z - era * 146097
      yoe = int((doe - int(doe / 1460) + int(doe / 36524) - int(doe / 146096)) / 365)
      y = yoe + era * 400; doy = doe - (365 * yoe + int(yoe / 4) - int(yoe / 100))
      mp = int((5 * doy + 2) / 153); d = doy - int((153 * mp + 2) / 5) + 1
      m = mp < 10 ? mp + 3 : mp - 9; if (m <= 2) y++
      text = sprintf("%04d%02d%02d%02d%02d%02d", y, m, d, int(rest / 3600), int(rest / 60) % 60, rest % 60)
      # RFC 5280 section 4.1.2.5: two digits of the year until 2049.
      if (y < 2050) text = substr(text, 3)
      for (i = 1; i <= length(text); i++) out = out "3" substr(text, i, 1)
      return tlv(y < 2050 ? "17" : "18", out "5a")
    }
    # The hash of a curve has its size (as the tool has it); RSA stays with SHA-384 and SHA-512 where it was.
    function choose(key) {
      if (index(key, "06092a864886f70d010101")) {
        hash = "sha256"; rsa = "0b"
        if (index(algorithm, "06092a864886f70d01010c")) { hash = "sha384"; rsa = "0c" }
        if (index(algorithm, "06092a864886f70d01010d")) { hash = "sha512"; rsa = "0d" }
        return "300d06092a864886f70d0101" rsa "0500"
      }
      if (!index(key, "06072a8648ce3d0201")) exit 1
      if (index(key, "06082a8648ce3d030107")) { hash = "sha256"; return "300a06082a8648ce3d040302" }
      if (index(key, "06052b81040022")) { hash = "sha384"; return "300a06082a8648ce3d040303" }
      if (index(key, "06052b81040023")) { hash = "sha512"; return "300a06082a8648ce3d040304" }
      exit 1
    }
    function spki_of(cert) { parse(cert); return spki }
    BEGIN {
      if (task == "spki") { print spki_of(one); exit }
      if (task == "subject") { parse(one); print subject; exit }
      if (task == "bits") { print bits(one); exit }
      if (task == "whole") { print tlv("30", one two tlv("03", "00" three)); exit }
      parse(ENVIRON["CA"]); ca_spki = spki; ca_subject = subject; ca_issuer = issuer; ca_serial = serial
      ca_key_id = ENVIRON["CA_KEY_ID"]
      split_extensions(extensions)
      for (i = 1; i <= count; i++) if (oid[i] == "0603551d0e") ca_key_id = content(value[i])
      parse(ENVIRON["OLD"]); signed_by = choose(ca_spki)
      split_extensions(extensions); list = ""; names = ENVIRON["ADD"]
      for (i = 1; i <= count; i++) {
        if (seen[oid[i]]++) exit 1
        new = value[i]
        if (oid[i] == "0603551d0e") new = tlv("04", ENVIRON["KEY_ID"])
        if (oid[i] == "0603551d23") new = key_id(value[i])
        if (oid[i] == "0603551d11") { new = with_names(value[i], names); names = "" }
        list = list (new == value[i] ? whole[i] : tlv("30", oid[i] critical[i] tlv("04", new)))
      }
      # Critical when the subject is empty (RFC 5280 section 4.2.1.6).
      if (names != "") {
        if (version == "") exit 1
        gsub(/ /, "", names)
        list = list tlv("30", "0603551d11" (subject == "3000" ? "0101ff" : "") tlv("04", tlv("30", names)))
      }
      print hash; print signed_by
      print tlv("30", version tlv("02", ENVIRON["SERIAL"]) signed_by ca_subject tlv("30", time(ENVIRON["FROM"]) time(ENVIRON["UNTIL"])) \
        subject ENVIRON["SPKI"] (list == "" ? "" : tlv("a3", tlv("30", list))))
    }'
}

key_id_of() { bytes_of "$(der bits "$1")" | openssl dgst -sha1 | sed 's/.*[= ]//'; }

# Prints the certificate of a bundle whose DER has this hash: it alone is the one that was planned with.
pick_certificate() {
  n=0
  while certificate_of "$1" "$n" >"$t.pick" && [ -s "$t.pick" ]; do
    hash=$(openssl x509 -in "$t.pick" -outform DER 2>/dev/null | sha256sum)
    if [ "@{hash%% *}" = "$2" ]; then cat "$t.pick"; return 0; fi
    n=$((n + 1))
  done
  stop "$t_authority $1"
}

# make_certificate: $t.crt from $t.old, $t.ca, the authority's key and $t.key.
make_certificate() {
  now=$(date +%s)
  until=$((now + seconds))
  [ "$until" -le "$cap" ] || until=$cap
  [ "$until" -gt "$now" ] || { stop "$t_authority_ends"; return 1; }
  random=$(openssl rand -hex 8) || return 1
  spki=$(openssl pkey -in "$t.key" -pubout -outform DER | od -An -v -tx1 | tr -d ' \n')
  ca_hex=$(hex_of "$t.ca")
  ca_spki=$(der spki "$ca_hex")
  parts=$(
    export CA="$ca_hex" OLD="$(hex_of "$t.old")" SPKI="$spki" ADD="$add" SERIAL="4@{random#?}" FROM="$((now - 300))" UNTIL="$until"
    export KEY_ID="$(key_id_of "$spki")" CA_KEY_ID="$(key_id_of "$ca_spki")"
    der tbs
  ) || { stop "$t_not_issued $name"; return 1; }
  set -- $parts
  bytes_of "$3" >"$t.tbs"
  openssl dgst "-$1" -sign "$ROOT$ca_key" -out "$t.sig" "$t.tbs" || return 1
  bytes_of "$(der whole "$3" "$2" "$(od -An -v -tx1 <"$t.sig" | tr -d ' \n')")" >"$t.der"
  openssl x509 -inform DER -in "$t.der" -out "$t.crt"
}

names_in() { extensions "$1" | sed -n 's/^subjectAltName=\(critical,\)*//p' | tr ',' '\n'; }

# What openssl thinks of it: chain, pair, subject, extensions, every name of the old one and those added, the end.
verify_certificate() {
  case $(openssl verify -partial_chain -CAfile "$t.ca" "$t.crt" 2>&1) in *": OK"*) ;; *) stop "$t_chain $name"; return 1 ;; esac
  pair "$t.crt" "$t.key" >/dev/null || return 1
  [ "$(der subject "$(hex_of "$t.crt")")" = "$(der subject "$(hex_of "$t.old")")" ] || { stop "$t_subject $name"; return 1; }
  [ "$(extensions "$t.crt" | sed '/^subjectAltName=/d')" = "$(extensions "$t.old" | sed '/^subjectAltName=/d')" ] ||
    { stop "$t_extensions $name"; return 1; }
  wanted=$({ names_in "$t.old"; [ -z "$add_text" ] || printf '%s\n' "$add_text" | tr ',' '\n'; } | sort -u)
  [ "$(names_in "$t.crt" | sort -u)" = "$wanted" ] || { stop "$t_names $name"; return 1; }
  openssl x509 -in "$t.crt" -noout -checkend 0 >/dev/null || stop "$t_authority_ends"
}

issue() {
  slot "$1"
  t=$W/slot-$1
  [ -e "$t.ok" ] && return 0
  rm -f "$t".*
  pick_certificate "$ROOT$ca" "$ca_sha" >"$t.ca" && pair "$t.ca" "$ROOT$ca_key" >/dev/null || return 1
  case $form in
  pem) certificate_of "$ROOT$file" "$index" >"$t.old" ;;
  *) kube_get "$ROOT$file" "$user" cert >"$t.old" ;;
  esac || return 1
  if [ "$key_mode" = keep ]; then
    old_key >"$t.key"
  else
    new_key 2>/dev/null && old_key >"$t.like" && key_like "$t.like" "$t.key" && rm -f "$t.like"
  fi || return 1
  make_certificate && verify_certificate || return 1
  rm -f "$t.tbs" "$t.sig" "$t.der" "$t.pick"
  : >"$t.ok"
  tell "$t_issued" "$name" "$(openssl x509 -in "$t.crt" -noout -enddate | sed 's/.*=//')"
}

# Takes a certificate that stays, so that a stale copy can follow it.
take() {
  slot "$1"
  t=$W/slot-$1
  case $form in
  pem) certificate_of "$ROOT$file" "$index" >"$t.crt" ;;
  *) kube_get "$ROOT$file" "$user" cert >"$t.crt" ;;
  esac && old_key >"$t.key" && pair "$t.crt" "$t.key" >/dev/null
}

old_key() {
  case $form in
  pem) [ -z "$key_file" ] || [ ! -f "$ROOT$key_file" ] || key_of "$ROOT$key_file" ;;
  *) kube_get "$ROOT$file" "$user" key ;;
  esac
}
`);
