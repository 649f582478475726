// The shell commands that do by hand what one step of a plan does: POSIX sh, openssl, kubectl for kubeconfigs.
import { parseAddress } from "../core/model/address.ts";
import { assertNever } from "../core/model/errors.ts";
import type {
  ArchiveStep,
  BackUpStep,
  Content,
  Guard,
  ForgetStep,
  InstallStep,
  IssueStep,
  IssueTemplate,
  MakingStep,
  Plan,
  ProveStep,
  StageStep,
  Step,
  SwapStep,
  TakeStep,
  Template,
} from "../core/model/plan.ts";
import { archiveFile } from "../core/plan/archive-file.ts";
import { authoritySlotOf, issuedHere } from "../core/plan/authority.ts";
import { stepsOf } from "./plan-text.ts";
import { bounceCommands, proveLiveCommands, snapshotCommands } from "./runbook-live.ts";
import { shellQuote } from "./shell.ts";

/** Commands of a step, how to undo it; both are lines of sh. */
export interface StepCommands {
  readonly run: readonly string[];
  readonly undo: readonly string[];
}

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
    case "archive":
      return archiveCommands(step);
    case "stage":
      return stageCommands(step, plan);
    case "swap":
      return swapCommands(step, plan);
    case "prove":
      return proveCommands(step, plan);
    case "snapshot":
      return snapshotCommands(step);
    case "bounce":
      return bounceCommands(step);
    case "prove-live":
      return proveLiveCommands(step);
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
  const { template } = step;
  if (template.form === "authority") return authorityCommands(step, template.commonName);
  const name = work(step.slot);
  const [certificate, key] = issuerFiles(step, plan);
  const days = Math.floor(step.validitySeconds / 86_400);
  const add = step.addSans.map((san) => `${san.kind === "ip" ? "IP" : "DNS"}:${san.value}`).join(",");
  return {
    run: [
      `openssl x509 -in ${certificate} -noout -serial -enddate${step.authoritySha256 === issuedHere ? "" : ` # serial=${step.authoritySerialHex.toUpperCase()}`}`,
      `pair ${certificate} ${key}`,
      ...(template.form === "profile"
        ? [...newKey(step.key.algorithm, name), ...requestCommands(template, { name, add })]
        : [
            ...takeOld(template, name, plan),
            ...keyCommands(step, template, { name, plan }),
            `openssl x509 -x509toreq -in ${name}.old.crt -signkey ${name}.key -out ${name}.csr`,
            `openssl req -in ${name}.csr -noout -subject`,
            `extensions ${name}.old.crt${add === "" ? "" : ` ${shellQuote(add)}`} > ${name}.ext && cat ${name}.ext`,
          ]),
      `DAYS=$(( (${Math.floor(step.notAfterCap / 1000)} - $(date +%s)) / 86400 )); [ "$DAYS" -le ${days} ] || DAYS=${days}; [ "$DAYS" -ge 1 ] || stop "the CA ends"`,
      `openssl x509 -req -in ${name}.csr -CA ${certificate} -CAkey ${key} -set_serial "0x1$(openssl rand -hex 7)" -days "$DAYS" -sha256 -extfile ${name}.${template.form === "profile" ? "new" : "ext"} -out ${name}.crt`,
      `openssl verify -CAfile ${certificate} ${name}.crt`,
      `pair ${name}.crt ${name}.key`,
      ...(template.form === "profile"
        ? [`openssl x509 -in ${name}.crt -noout -text | sed -n '/X509v3 extensions/,/Signature/p'`]
        : [`extensions ${name}.crt | diff ${name}.ext - && echo "extensions ok"`]),
    ],
    undo: [`rm -f ${name}.*`],
  };
}

/** Of an authority that an earlier step has made, the working files. */
function issuerFiles(step: IssueStep, plan: Plan): readonly [string, string] {
  if (step.authoritySha256 !== issuedHere)
    return [at(step.authorityCertificate, plan), at(step.authorityKey, plan)];
  const authority = work(authoritySlotOf(step));
  return [`${authority}.crt`, `${authority}.key`];
}

/** Without an old certificate: subject and extensions as the plan has them. */
function requestCommands(
  { commonName, organizations, usages }: Extract<IssueTemplate, { readonly form: "profile" }>,
  { name, add }: { readonly name: string; readonly add: string },
): readonly string[] {
  const lines = [
    "keyUsage=critical,digitalSignature,keyEncipherment",
    `extendedKeyUsage=${usages.join(",")}`,
    "basicConstraints=critical,CA:FALSE",
    ...(add === "" ? [] : [`subjectAltName=${add}`]),
    "authorityKeyIdentifier=keyid",
  ];
  const subject = [...organizations.map((value) => `/O=${escapeRdn(value)}`), `/CN=${escapeRdn(commonName)}`];
  return [
    `openssl req -new -key ${name}.key -subj ${shellQuote(subject.join(""))} -out ${name}.csr`,
    `openssl req -in ${name}.csr -noout -subject`,
    `printf '%s\\n' ${lines.map(shellQuote).join(" ")} > ${name}.new && cat ${name}.new`,
  ];
}

function escapeRdn(value: string): string {
  return value.replace(/[\\/+]/g, String.raw`\$&`);
}

/** A new self-signed authority; a configuration of its own, since openssl's default one differs from host to host. */
function authorityCommands(step: IssueStep, commonName: string): StepCommands {
  const name = work(step.slot);
  const lines = [
    "[req]",
    "distinguished_name=dn",
    "x509_extensions=ca",
    "prompt=no",
    "[dn]",
    `CN=${commonName}`,
    "[ca]",
    "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign",
    "basicConstraints=critical,CA:TRUE",
    "subjectKeyIdentifier=hash",
    `subjectAltName=DNS:${commonName}`,
  ];
  const days = Math.floor(step.validitySeconds / 86_400);
  return {
    run: [
      ...newKey(step.key.algorithm, name),
      `printf '%s\\n' ${lines.map(shellQuote).join(" ")} > ${name}.cnf`,
      `openssl req -x509 -new -key ${name}.key -config ${name}.cnf -days ${days} -sha256 -out ${name}.crt`,
      `openssl x509 -in ${name}.crt -noout -subject -enddate`,
      `pair ${name}.crt ${name}.key`,
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

function keyCommands(
  { key, recreates }: IssueStep,
  template: Template,
  { name, plan }: { readonly name: string; readonly plan: Plan },
): readonly string[] {
  if (key.mode === "keep") return [oldKey(template, name, plan)];
  // What is made again after an old certificate is not stored as that one's key was.
  const isLike = !recreates || template.form === "kubeconfig";
  return [...newKey(key.algorithm, name), ...(isLike ? likeOldKey(template, name, plan) : [])];
}

export function newKey(algorithm: string, name: string): readonly string[] {
  const [family = "", size = ""] = algorithm.split("-");
  // OpenSSL 3 writes PKCS#8 unless told otherwise; before it there is no such option.
  if (family === "RSA") {
    const bits = shellQuote(size);
    return [
      `openssl genrsa -traditional -out ${name}.key ${bits} 2>/dev/null || openssl genrsa -out ${name}.key ${bits}`,
    ];
  }
  const curves: Readonly<Record<string, string>> = {
    P256: "prime256v1",
    P384: "secp384r1",
    P521: "secp521r1",
  };
  const curve = curves[size];
  if (curve === undefined) return [`stop ${shellQuote(`no command for keys of the kind ${algorithm}`)}`];
  return [`openssl ecparam -name ${curve} -genkey -noout -out ${name}.key`];
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

/** In the working folder, which has the copies; with the program `age`. */
function archiveCommands(step: ArchiveStep): StepCommands {
  const file = shellQuote(archiveFile(step, "by-hand"));
  const recipients = step.recipients.map((recipient) => `-r ${shellQuote(recipient)}`).join(" ");
  return {
    run: [
      'set -- before; for each in etcd-snapshot.db etcd-data; do [ ! -e "$each" ] || set -- "$@" "$each"; done',
      `if [ -e ${file} ]; then stop "it exists"; else tar -cf - "$@" | (umask 077 && age ${recipients} -o ${file}) && ls -l ${file}; fi`,
    ],
    undo: [`rm -f ${file}`],
  };
}

/** The new file beside its target, dot-named: in the manifests folder the kubelet would run any other. */
function stagedAt(object: string, plan: Plan): string {
  const path = realPath(object, plan);
  const slash = path.lastIndexOf("/") + 1;
  return shellQuote(`${path.slice(0, slash)}.perennial-by-hand-${path.slice(slash)}`);
}

function stageCommands({ object, content, mode, owner }: StageStep, plan: Plan): StepCommands {
  const [path, staged] = [at(object, plan), stagedAt(object, plan)];
  if (guardOf(object, plan)?.presence === "absent") {
    const id = owner ? `${owner.uid}:${owner.gid}` : "0:0";
    return {
      run: [
        ...newContentCommands(content, staged, plan),
        `chown ${id} ${staged} && chmod ${mode} ${staged} && ls -l ${staged}`,
      ],
      undo: [`rm -f ${staged}`],
    };
  }
  return {
    run: [
      `cp -p ${path} ${staged}`,
      ...contentCommands(content, path, staged),
      `chmod ${mode} ${staged} && ls -l ${staged}`,
    ],
    undo: [`rm -f ${staged}`],
  };
}

/** A file that was not there; umask 077 keeps it to its owner until it has its mode. */
function newContentCommands(content: Content, staged: string, plan: Plan): readonly string[] {
  switch (content.form) {
    case "pem-certificate":
      return [`cat ${work(content.slot)}.crt > ${staged}`];
    case "pem-key":
      return [`cat ${work(content.slot)}.key > ${staged}`];
    case "pem-combined":
      return [`cat ${work(content.slot)}.crt ${work(content.slot)}.key > ${staged}`];
    case "copy":
      return [`cat ${at(content.from, plan)} > ${staged}`];
    case "kubeconfig":
      return [`cat ${at(content.from ?? "", plan)} > ${staged}`, ...contentCommands(content, staged, staged)];
    case "kubeconfig-new": {
      const { user, cluster, server } = content;
      const [name, file] = [work(content.slot), `--kubeconfig ${staged}`];
      const context = shellQuote(`${user}@${cluster}`);
      return [
        `kubectl config set-cluster ${shellQuote(cluster)} ${file} --server=${shellQuote(server)} --embed-certs=true --certificate-authority=${at(content.authority, plan)}`,
        `kubectl config set-credentials ${shellQuote(user)} ${file} --embed-certs=true --client-certificate=${name}.crt --client-key=${name}.key`,
        `kubectl config set-context ${context} ${file} --cluster=${shellQuote(cluster)} --user=${shellQuote(user)}`,
        `kubectl config use-context ${context} ${file}`,
      ];
    }
    default:
      return assertNever(content);
  }
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
    case "kubeconfig-new":
    case "copy":
      return ['stop "it was not there when the plan was made"'];
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
  if (guard?.presence === "absent") {
    // As the tool does: link(2) fails where something is by now.
    return { run: [`ln ${staged} ${path} && rm -f ${staged} && sync`], undo: [`rm -f ${path} && sync`] };
  }
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
  if (issue?.kind === "issue") {
    const place = placeOf(issue, plan);
    return { run: readBack(place.object, place.template, { name: work(step.slot), plan }), undo: [":"] };
  }
  if (issue?.kind === "install") {
    // What was installed begins with its leaf, whatever was there before.
    const template = issue.template.form === "pem" ? { ...issue.template, index: 0 } : issue.template;
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

/** Where the new certificate is read back: where the old one was, or where the missing one belongs. */
function placeOf(
  { template, recreates, slot }: IssueStep,
  plan: Plan,
): { readonly object: string; readonly template: Template } {
  if (!recreates && (template.form === "pem" || template.form === "kubeconfig"))
    return { object: template.form === "pem" ? template.certificate : template.file, template };
  const object = recreates?.object ?? "";
  const stage = stepsOf(plan).find((one) => one.kind === "stage" && one.object === object);
  const content = stage?.kind === "stage" ? stage.content : null;
  const user =
    content?.form === "kubeconfig-new"
      ? content.user
      : content?.form === "kubeconfig"
        ? content.users.find((one) => one.slot === slot)?.user
        : undefined;
  if (user !== undefined) return { object, template: { form: "kubeconfig", file: object, user } };
  return { object, template: { form: "pem", certificate: object, index: 0, key: null } };
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
