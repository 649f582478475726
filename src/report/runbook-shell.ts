// The shell commands that do by hand what one step of a plan does: POSIX sh, openssl, kubectl for kubeconfigs.
import { parseAddress } from "../core/model/address.ts";
import { assertNever } from "../core/model/errors.ts";
import type {
  BackUpStep,
  Content,
  Guard,
  ForgetStep,
  InstallStep,
  IssueStep,
  MakingStep,
  Plan,
  ProveStep,
  StageStep,
  Step,
  SwapStep,
  TakeStep,
  Template,
} from "../core/model/plan.ts";
import { stepsOf } from "./plan-text.ts";
import { shellQuote } from "./shell.ts";

/** Commands of a step, how to undo it; both are lines of sh. */
export interface StepCommands {
  readonly run: readonly string[];
  readonly undo: readonly string[];
}

/**
 * Helpers that the steps use, defined once per shell. `extensions CERT [SAN]` writes the old certificate's extensions as an
 * extension file for openssl, `put_certificate FILE N NEW` and `put_key FILE NEW` print FILE with one PEM block replaced.
 */
export function preamble(plan: Plan, stateDirectory: string): readonly string[] {
  return [
    "set -u; umask 077",
    `S=${shellQuote(stateDirectory)}`,
    `W="$S/by-hand-${plan.digest
      .replace(/^sha256:/, "")
      .slice(0, 12)
      .replace(/[^0-9a-f]/g, "0")}"`,
    'mkdir -p -m 0700 "$W/before" && cd "$W"',
    'stop() { echo "STOP: $*" >&2; return 1; }',
    'same() { echo "$1  $2" | sha256sum -c - || stop "$2 was changed since the plan"; }',
    ...lockHelpers,
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
    'user_field() { kubectl config view --kubeconfig "$1" --raw -o jsonpath="{.users[?(@.name==\\"$2\\")].user.$3}" | base64 -d; }',
    'pair() { [ "$(openssl x509 -in "$1" -noout -pubkey)" = "$(openssl pkey -in "$2" -pubout)" ] && echo "pair ok" || stop "$1 and $2 do not belong together"; }',
  ];
}

/**
 * A claim as the engine's own (src/engine/lock.ts): it refuses while the newest one is held and its holder is not known to be dead,
 * and no process has the number 0. `take_lock` refuses likewise, and makes the claim whole or not at all (link(2)).
 */
const lockHelpers: readonly string[] = [
  `newest_claim() { ls "$S/lock" 2>/dev/null | grep -E '^[0-9]{8,15}$' | sort -n | tail -n 1; }`,
  "take_lock() {",
  '  mkdir -p "$S/lock" || return 1; n=$(newest_claim)',
  `  if [ -n "$n" ] && ! grep -q '"state":"free"' "$S/lock/$n"; then stop "the lock is held: $(cat "$S/lock/$n")"; return 1; fi`,
  "  t=$(echo \"${n:-0}\" | sed 's/^0*//'); t=$(( ${t:-0} + 1 ))",
  `  printf '{"token":%s,"state":"held","holder":{"user":"%s","sudoUser":null,"sshConnection":null,"host":"by hand","pid":0,"processStart":"","bootId":""},"sinceAt":%s000,"what":"runbook"}\\n' \\`,
  '    "$t" "$(id -un | tr -cd A-Za-z0-9._-)" "$(date +%s)" > "$W/claim"',
  '  ln "$W/claim" "$S/lock/$(printf %08d "$t")" && rm -f "$W/claim" && echo "lock taken" || stop "somebody else was quicker"',
  "}",
  "release_lock() {",
  '  n=$(newest_claim); grep -q \'"pid":0,\' "$S/lock/$n" || { stop "the lock is not held by hand"; return 1; }',
  `  sed 's/"state":"held"/"state":"free"/' "$S/lock/$n" > "$S/lock/$n.free" && mv -f "$S/lock/$n.free" "$S/lock/$n" && echo "lock released"`,
  "}",
];

export function commandsOf(step: Step, plan: Plan): StepCommands {
  switch (step.kind) {
    case "issue":
      return issueCommands(step, plan);
    case "install":
      return installCommands(step, plan);
    case "forget":
      return { run: forgetCommands(step), undo: [":"] };
    case "take":
      return takeCommands(step, plan);
    case "back-up":
      return backUpCommands(step, plan);
    case "stage":
      return stageCommands(step, plan);
    case "swap":
      return swapCommands(step, plan);
    case "prove":
      return proveCommands(step, plan);
    default:
      return assertNever(step);
  }
}

/** Where the object really is on the machine: below the plan's root, behind links. */
export function realPath(address: string, plan: Plan): string {
  const guard = guardOf(address, plan);
  const { store, path: own } = parseAddress(address);
  const path = guard?.link ?? own;
  // Answers lie wherever the operator has them.
  if (store === "answer") return path;
  return plan.root === "/" ? path : `${plan.root.replace(/\/$/, "")}${path}`;
}

function guardOf(address: string, plan: Plan): Guard | undefined {
  return plan.guards.find((guard) => guard.address === address);
}

function at(address: string, plan: Plan): string {
  return shellQuote(realPath(address, plan));
}

/** Base name of a slot's working files: letters, digits, dots and dashes only. */
function work(slot: string): string {
  return slot.replace(/[^A-Za-z0-9.-]+/g, "_");
}

function issueCommands(step: IssueStep, plan: Plan): StepCommands {
  const name = work(step.slot);
  const [certificate, key] = [at(step.authorityCertificate, plan), at(step.authorityKey, plan)];
  const days = Math.floor(step.validitySeconds / 86_400);
  const add = step.addSans.map((san) => `${san.kind === "ip" ? "IP" : "DNS"}:${san.value}`).join(",");
  return {
    run: [
      `openssl x509 -in ${certificate} -noout -serial -enddate # serial=${step.authoritySerialHex.toUpperCase()}`,
      `pair ${certificate} ${key}`,
      ...takeOld(step.template, name, plan),
      ...keyCommands(step, name, plan),
      `openssl x509 -x509toreq -in ${name}.old.crt -signkey ${name}.key -out ${name}.csr`,
      `openssl req -in ${name}.csr -noout -subject`,
      `extensions ${name}.old.crt${add === "" ? "" : ` ${shellQuote(add)}`} > ${name}.ext && cat ${name}.ext`,
      `DAYS=$(( (${Math.floor(step.notAfterCap / 1000)} - $(date +%s)) / 86400 )); [ "$DAYS" -le ${days} ] || DAYS=${days}; [ "$DAYS" -ge 1 ] || stop "the CA ends"`,
      `openssl x509 -req -in ${name}.csr -CA ${certificate} -CAkey ${key} -set_serial "0x1$(openssl rand -hex 7)" -days "$DAYS" -sha256 -extfile ${name}.ext -out ${name}.crt`,
      `openssl verify -CAfile ${certificate} ${name}.crt`,
      `pair ${name}.crt ${name}.key`,
      `extensions ${name}.crt | diff ${name}.ext - && echo "extensions ok"`,
    ],
    undo: [`rm -f ${name}.*`],
  };
}

function installCommands(step: InstallStep, plan: Plan): StepCommands {
  const name = work(step.slot);
  const [certificate, answer] = [at(step.authorityCertificate, plan), at(step.answer.file, plan)];
  const key =
    step.key.mode === "pending"
      ? `cp ${pendingAt(step.key.file)} ${name}.key && chmod 0600 ${name}.key`
      : oldKey(step.template, name, plan);
  return {
    run: [
      ...takeOld(step.template, name, plan),
      `certificate_of ${answer} ${step.answer.index} > ${name}.crt`,
      `openssl x509 -in ${name}.crt -noout -serial -enddate # serial=${step.serialHex.toUpperCase()}`,
      `openssl x509 -in ${name}.old.crt -noout -subject; openssl x509 -in ${name}.crt -noout -subject`,
      key,
      `pair ${name}.crt ${name}.key`,
      ...step.chain.map(({ file, index }) => `certificate_of ${at(file, plan)} ${index} >> ${name}.crt`),
      `openssl verify -CAfile ${certificate} -untrusted ${name}.crt ${name}.crt`,
    ],
    undo: [`rm -f ${name}.*`],
  };
}

/** Relative to the state directory, which the preamble calls S. */
function pendingAt(file: string): string {
  return `"$S"${shellQuote(parseAddress(file).path)}`;
}

function forgetCommands({ file }: ForgetStep): readonly string[] {
  const record = file.replace(/\.key$/, ".json");
  return [`rm -f ${pendingAt(record)} && rm -f ${pendingAt(file)}`];
}

function takeOld(template: Template, name: string, plan: Plan): readonly string[] {
  if (template.form === "kubeconfig") {
    return [
      `user_field ${at(template.file, plan)} ${shellQuote(template.user)} client-certificate-data > ${name}.old.crt`,
    ];
  }
  return [`certificate_of ${at(template.certificate, plan)} ${template.index} > ${name}.old.crt`];
}

function keyCommands({ key, template }: IssueStep, name: string, plan: Plan): readonly string[] {
  if (key.mode === "keep") return [oldKey(template, name, plan)];
  const [family = "", size = ""] = key.algorithm.split("-");
  const like = likeOldKey(template, name, plan);
  // OpenSSL 3 writes PKCS#8 unless told otherwise; before it there is no such option.
  if (family === "RSA") {
    const bits = shellQuote(size);
    return [
      `openssl genrsa -traditional -out ${name}.key ${bits} 2>/dev/null || openssl genrsa -out ${name}.key ${bits}`,
      ...like,
    ];
  }
  const curves: Readonly<Record<string, string>> = {
    P256: "prime256v1",
    P384: "secp384r1",
    P521: "secp521r1",
  };
  const curve = curves[size];
  if (curve === undefined) return [`stop ${shellQuote(`no command for keys of the kind ${key.algorithm}`)}`];
  return [`openssl ecparam -name ${curve} -genkey -noout -out ${name}.key`, ...like];
}

/** The new key in the PEM type of the old one: PKCS#1 and SEC 1 stay, PKCS#8 stays. */
function likeOldKey(template: Template, name: string, plan: Plan): readonly string[] {
  if (template.form === "pem")
    return [`key_like ${at(template.key ?? template.certificate, plan)} ${name}.key`];
  return [
    `user_field ${at(template.file, plan)} ${shellQuote(template.user)} client-key-data > ${name}.old.key`,
    `key_like ${name}.old.key ${name}.key; rm -f ${name}.old.key`,
  ];
}

function oldKey(template: Template, name: string, plan: Plan): string {
  if (template.form === "kubeconfig") {
    return `user_field ${at(template.file, plan)} ${shellQuote(template.user)} client-key-data > ${name}.key`;
  }
  return `key_of ${at(template.key ?? template.certificate, plan)} > ${name}.key`;
}

function takeCommands(step: TakeStep, plan: Plan): StepCommands {
  const name = work(step.slot);
  const { template } = step;
  return {
    run: [
      ...takeOld(template, name, plan),
      `mv ${name}.old.crt ${name}.crt`,
      oldKey(template, name, plan),
      `openssl x509 -in ${name}.crt -noout -serial -enddate # serial=${step.serialHex.toUpperCase()}`,
      `pair ${name}.crt ${name}.key`,
    ],
    undo: [`rm -f ${name}.*`],
  };
}

/** Where the copy of an object is kept, relative to the working folder. */
function keptAt(object: string): string {
  return shellQuote(`before${parseAddress(object).path}`);
}

function backUpCommands({ object }: BackUpStep, plan: Plan): StepCommands {
  const [path, kept, guard] = [at(object, plan), keptAt(object), guardOf(object, plan)];
  if (guard?.presence === "absent") return { run: [`[ ! -e ${path} ] || stop "it exists"`], undo: [":"] };
  return {
    run: [
      `mkdir -p "$(dirname ${kept})" && cp -p ${path} ${kept}`,
      ...(guard === undefined ? [] : [`same ${guard.sha256} ${kept}`]),
    ],
    undo: [`rm -f ${kept}`],
  };
}

/** The new file beside its target, dot-named: in the manifests folder the kubelet would run any other. */
function stagedAt(object: string, plan: Plan): string {
  const path = realPath(object, plan);
  const slash = path.lastIndexOf("/") + 1;
  return shellQuote(`${path.slice(0, slash)}.perennial-by-hand-${path.slice(slash)}`);
}

function stageCommands({ object, content, mode }: StageStep, plan: Plan): StepCommands {
  const [path, staged] = [at(object, plan), stagedAt(object, plan)];
  return {
    run: [
      `cp -p ${path} ${staged}`,
      ...contentCommands(content, path, staged),
      `chmod ${mode} ${staged} && ls -l ${staged}`,
    ],
    undo: [`rm -f ${staged}`],
  };
}

function contentCommands(content: Content, path: string, staged: string): readonly string[] {
  switch (content.form) {
    case "pem-certificate":
      return [`put_certificate ${path} ${content.index} ${work(content.slot)}.crt > ${staged}`];
    case "pem-key":
      return [`put_key ${path} ${work(content.slot)}.key > ${staged}`];
    case "pem-combined": {
      const name = work(content.slot);
      return [
        `put_certificate ${path} ${content.index} ${name}.crt > ${name}.both && put_key ${name}.both ${name}.key > ${staged}`,
      ];
    }
    case "kubeconfig":
      return content.users.map(({ user, slot }) => {
        const name = work(slot);
        return `kubectl config set-credentials ${shellQuote(user)} --kubeconfig ${staged} --embed-certs=true --client-certificate=${name}.crt --client-key=${name}.key`;
      });
    default:
      return assertNever(content);
  }
}

function swapCommands({ object }: SwapStep, plan: Plan): StepCommands {
  const [path, staged, kept, guard] = [
    at(object, plan),
    stagedAt(object, plan),
    keptAt(object),
    guardOf(object, plan),
  ];
  return {
    run: [
      ...(guard === undefined ? [] : [`same ${guard.sha256} ${path}`]),
      `mv -f ${staged} ${path} && sync`,
    ],
    undo: [`cp -p ${kept} ${staged} && mv -f ${staged} ${path} && sync`],
  };
}

function proveCommands(step: ProveStep, plan: Plan): StepCommands {
  const steps = stepsOf(plan);
  const issue = steps.find(
    (one): one is MakingStep => (one.kind === "issue" || one.kind === "install") && one.slot === step.slot,
  );
  const stages = steps.filter((one) => one.kind === "stage");
  if (issue) {
    // What was installed begins with its leaf, whatever was there before.
    const template =
      issue.kind === "install" && issue.template.form === "pem"
        ? { ...issue.template, index: 0 }
        : issue.template;
    const object = template.form === "pem" ? template.certificate : template.file;
    return { run: readBack(object, template, { name: work(step.slot), plan }), undo: [":"] };
  }
  const path = `/${step.name.replace(/#.*$/, "")}`;
  const copy = stages.find((one) => parseAddress(one.object).path === path);
  const [user] = copy?.content.form === "kubeconfig" ? copy.content.users : [];
  if (copy === undefined || user === undefined) return { run: [`perennial check -o wide`], undo: [":"] };
  const template: Template = { form: "kubeconfig", file: copy.object, user: user.user };
  return { run: readBack(copy.object, template, { name: work(user.slot), plan }), undo: [":"] };
}

function readBack(
  object: string,
  template: Template,
  { name, plan }: { readonly name: string; readonly plan: Plan },
): readonly string[] {
  const read =
    template.form === "pem"
      ? `certificate_of ${at(object, plan)} ${template.index}`
      : `user_field ${at(object, plan)} ${shellQuote(template.user)} client-certificate-data`;
  return [
    `${read} > proof.crt && openssl x509 -in proof.crt -noout -serial -enddate`,
    `[ "$(openssl x509 -in proof.crt -noout -fingerprint -sha256)" = "$(openssl x509 -in ${name}.crt -noout -fingerprint -sha256)" ] && echo "${name} ok" || stop "another certificate is in place"`,
  ];
}
