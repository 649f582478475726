// The programs of a host of 2015, as far as they fall short of today's: for scripts that have to do with those.
import { execFileSync } from "node:child_process";
import { mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Words of OpenSSL 1.0.2 (apps/*.c of 1.0.2n): what is not among them it refuses. Digests are options of some. */
const digests = "-md5 -sha1 -sha224 -sha256 -sha384 -sha512 -ripemd160";
const verification =
  "-attime -check_ss_sig -crl_check -crl_check_all -explicit_policy -extended_crl -ignore_critical -inhibit_any -inhibit_map -issuer_checks -no_alt_chains -partial_chain -policy -policy_check -policy_print -purpose -trusted_first -use_deltas -verify_depth -verify_email -verify_hostname -verify_ip -x509_strict";
const words: Readonly<Record<string, string>> = {
  x509: `-C -CA -CAcreateserial -CAform -CAkey -CAkeyform -CAserial -addreject -addtrust -alias -certopt -checkemail -checkend -checkhost -checkip -clrext -clrreject -clrtrust -dates -days -email -enddate -engine -extensions -extfile -fingerprint -force_pubkey -hash -in -inform -issuer -issuer_hash -keyform -modulus -nameopt -noout -ocsp_uri -ocspid -out -outform -passin -pubkey -purpose -req -serial -set_serial -setalias -signkey -sigopt -startdate -subject -subject_hash -text -trustout -x509toreq ${digests}`,
  req: `-batch -config -days -engine -extensions -in -inform -key -keyform -keyout -modulus -nameopt -new -newhdr -newkey -nodes -noout -out -outform -passin -passout -pkeyopt -pubkey -rand -reqexts -reqopt -set_serial -sigopt -subj -subject -text -utf8 -verbose -verify -x509 ${digests}`,
  pkey: "-engine -in -inform -noout -out -outform -passin -passout -pubin -pubout -text -text_pub",
  dgst: `-binary -c -d -engine -hex -hmac -keyform -mac -macopt -out -passin -prverify -r -rand -sign -signature -sigopt -verify ${digests}`,
  rand: "-base64 -engine -hex -out -rand",
  verify: `-CAfile -CApath -CRLfile -crl_download -engine -help -trusted -untrusted -verbose ${verification}`,
  genrsa:
    "-3 -F4 -aes128 -aes192 -aes256 -camellia128 -camellia192 -camellia256 -des -des3 -engine -f4 -out -passout -rand",
  ecparam:
    "-C -check -conv_form -engine -genkey -in -inform -list_curves -name -no_seed -noout -out -outform -param_enc -rand -text",
  pkcs8:
    "-embed -engine -in -inform -nocrypt -noiter -nooct -nsdb -out -outform -passin -passout -topk8 -v1 -v2 -v2prf",
  s_client: `-CAfile -CApath -CRL -CRLform -alpn -brief -cert -certform -connect -crlf -debug -engine -host -ign_eof -key -keyform -msg -nbio -pass -pause -port -prexit -quiet -rand -reconnect -servername -showcerts -ssl3 -starttls -state -status -tls1 -tls1_1 -tls1_2 -tlsextdebug -verify -verify_return_error ${verification}`,
};

/**
 * The machine's openssl behind the words of 1.0.2, with what else it did otherwise: `verify` ends well whatever it finds, `genrsa`
 * writes PKCS#1, `dgst` names no digest before a hash, a seed is left in $RANDFILE or the home folder, no address has colons.
 */
function opensslText(real: string): string {
  const cases = Object.entries(words).map(([command, known]) => `${command}) known=' ${known} ' ;;`);
  return `#!/bin/sh
command=$1
shift
case $command in
version) echo 'OpenSSL 1.0.2n  7 Dec 2017'; exit 0 ;;
${cases.join("\n")}
*) echo "openssl:Error: '$command' is an invalid command." >&2; exit 1 ;;
esac
for word in "$@"; do
  case $word in
  -*) case $known in *" $word "*) ;; *) echo "unknown option $word" >&2; exit 1 ;; esac ;;
  \\[*) [ "$command" != s_client ] || exit 1 ;;
  esac
done
case $command in rand | genrsa | ecparam | req) : >"\${RANDFILE:-$HOME/.rnd}" ;; esac
case $command in
verify) ${real} verify "$@"; exit 0 ;;
genrsa) exec ${real} genrsa -traditional "$@" ;;
dgst)
  case " $* " in *" -sign "*) exec ${real} dgst "$@" ;; esac
  ${real} dgst "$@" | sed 's/^[A-Z0-9-]*(stdin)= /(stdin)= /' ;;
*) exec ${real} "$command" "$@" ;;
esac
`;
}

/** sync of coreutils before 8.24 takes no file ("ignoring all arguments"); here that is a failure, so that nobody relies on it. */
const syncText = `#!/bin/busybox sh
[ $# -eq 0 ] || { echo "sync: ignoring all arguments" >&2; exit 1; }
`;

const applets =
  "awk sed sha256sum base64 stat od readlink cmp sort tail head ls grep mkdir id date tr cut cat cp mv rm ln chmod sleep diff printf wget";

/** A folder for PATH that has these programs, and none else. */
export function oldUserland(): string {
  const bin = mkdtempSync(join(tmpdir(), "old-userland-"));
  for (const applet of applets.split(" ")) symlinkSync("/usr/bin/busybox", join(bin, applet));
  const real = execFileSync("sh", ["-c", "command -v openssl"], { encoding: "utf8" }).trim();
  const program = (name: string, text: string): void => writeFileSync(join(bin, name), text, { mode: 0o755 });
  program("openssl", opensslText(real));
  program("sync", syncText);
  for (const absent of ["mktemp", "realpath", "curl"]) program(absent, "#!/bin/busybox sh\nexit 99\n");
  return bin;
}
