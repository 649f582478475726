// The shell functions that the runbook's steps use: POSIX sh, openssl, awk; and the lock, taken by hand.
import type { Plan } from "../core/model/plan.ts";
import { shellQuote } from "./shell.ts";

/** 12 hex digits that name the working folder of a plan that is done by hand. */
export function shortDigest({ digest }: Plan): string {
  return digest
    .replace(/^sha256:/, "")
    .slice(0, 12)
    .replace(/[^0-9a-f]/g, "0");
}

/**
 * Helpers that the steps use, defined once per shell. `extensions CERT [SAN]` writes the old certificate's extensions as an
 * extension file for openssl, `put_certificate FILE N NEW` and `put_key FILE NEW` print FILE with one PEM block replaced.
 */
export function preamble(plan: Plan, stateDirectory: string): readonly string[] {
  return [
    "set -u; umask 077",
    `S=${shellQuote(stateDirectory)}`,
    `W="$S/by-hand-${shortDigest(plan)}"`,
    'mkdir -p -m 0700 "$W/before" && cd "$W"',
    'stop() { echo "STOP: $*" >&2; return 1; }',
    'same() { echo "$1  $2" | sha256sum -c - || stop "$2 was changed since the plan"; }',
    ...lockHelpers,
    ...pemHelpers,
    'user_field() { kubectl config view --kubeconfig "$1" --raw -o jsonpath="{.users[?(@.name==\\"$2\\")].user.$3}" | base64 -d; }',
  ];
}

/**
 * A claim as the engine's own (src/engine/lock.ts): it refuses while the newest one is held and its holder is not known to be dead,
 * and no process has the number 0. `take_lock` refuses likewise, and makes the claim whole or not at all (link(2)). `may_take CLAIM`
 * may be defined otherwise afterwards; `$what`, `$mark` and `$boot` go into the claim.
 */
export const lockHelpers: readonly string[] = [
  `newest_claim() { ls "$S/lock" 2>/dev/null | grep -E '^[0-9]{8,15}$' | sort -n | tail -n 1; }`,
  `may_take() { grep -q '"state":"free"' "$1"; }`,
  "take_lock() {",
  '  mkdir -p "$S/lock" || return 1; n=$(newest_claim)',
  `  if [ -n "$n" ] && ! may_take "$S/lock/$n"; then stop "the lock is held: $(cat "$S/lock/$n")"; return 1; fi`,
  "  t=$(echo \"${n:-0}\" | sed 's/^0*//'); t=$(( ${t:-0} + 1 ))",
  `  printf '{"token":%s,"state":"held","holder":{"user":"%s","sudoUser":null,"sshConnection":null,"host":"by hand","pid":0,"processStart":"%s","bootId":"%s"},"sinceAt":%s000,"what":"%s"}\\n' \\`,
  '    "$t" "$(id -un | tr -cd A-Za-z0-9._-)" "${mark:-}" "${boot:-}" "$(date +%s)" "${what:-runbook}" > "$W/claim.$$"',
  '  ln "$W/claim.$$" "$S/lock/$(printf %08d "$t")" && rm -f "$W/claim.$$" && echo "lock taken" || stop "somebody else was quicker"',
  "}",
  "release_lock() {",
  '  n=$(newest_claim); grep -q \'"pid":0,\' "$S/lock/$n" || { stop "the lock is not held by hand"; return 1; }',
  `  sed 's/"state":"held"/"state":"free"/' "$S/lock/$n" > "$S/lock/$n.free" && mv -f "$S/lock/$n.free" "$S/lock/$n" && echo "lock released"`,
  "}",
];

/** Reading and replacing PEM blocks, the extensions of a certificate, whether key and certificate belong together. Needs `stop`. */
export const pemHelpers: readonly string[] = [
  "extensions() {",
  '  openssl x509 -in "$1" -noout -text | awk -v add="${2:-}" \'',
  '    function out(name) { critical = /critical/ ? "critical," : ""; getline',
  '      gsub(/^ +| +$/, ""); gsub(/, /, ","); gsub(/IP Address:/, "IP:")',
  '      if (name == "subjectAltName" && add != "") { $0 = $0 "," add; add = "" }',
  '      print name "=" critical $0 }',
  '    /X509v3 Basic Constraints:/ { out("basicConstraints") }',
  '    /X509v3 Key Usage:/ { out("keyUsage") }',
  '    /X509v3 Extended Key Usage:/ { out("extendedKeyUsage") }',
  '    /X509v3 Subject Alternative Name:/ { out("subjectAltName") }',
  '    END { if (add != "") print "subjectAltName=" add; print "authorityKeyIdentifier=keyid" }\'',
  "}",
  "put_certificate() {",
  '  awk -v n="$2" -v new="$3" \'BEGIN { i = -1 }',
  "    /-----BEGIN CERTIFICATE-----/ { i++; if (i == n) { while ((getline line < new) > 0) print line; skip = 1 } }",
  '    !skip { print } /-----END CERTIFICATE-----/ { skip = 0 }\' "$1"',
  "}",
  "put_key() {",
  '  awk -v new="$2" \'/-----BEGIN [A-Z ]*PRIVATE KEY-----/ && !done { while ((getline line < new) > 0) print line; skip = 1; done = 1 }',
  '    !skip { print } /-----END [A-Z ]*PRIVATE KEY-----/ { skip = 0 }\' "$1"',
  "}",
  "key_of() { awk '/-----BEGIN [A-Z ]*PRIVATE KEY-----/ { p = 1 } p { print } /-----END [A-Z ]*PRIVATE KEY-----/ { exit }' \"$1\"; }",
  'key_like() { grep -q "BEGIN PRIVATE KEY" "$1" || return 0; openssl pkcs8 -topk8 -nocrypt -in "$2" -out "$2.p8" && mv -f "$2.p8" "$2"; }',
  'certificate_of() { awk -v n="$2" \'BEGIN { i = -1 } /-----BEGIN CERTIFICATE-----/ { i++ } i == n { print } i == n && /-----END CERTIFICATE-----/ { exit }\' "$1"; }',
  'pair() { [ "$(openssl x509 -in "$1" -noout -pubkey)" = "$(openssl pkey -in "$2" -pubout)" ] && echo "pair ok" || stop "$1 and $2 do not belong together"; }',
];
