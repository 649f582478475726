// Shell commands of the steps that bring a certificate: issued here, installed from elsewhere, taken as it is.
import { parseAddress } from "../core/model/address.ts";
import type {
  ForgetStep,
  InstallStep,
  IssueStep,
  IssueTemplate,
  TakeStep,
} from "../core/model/making-step.ts";
import type { Plan } from "../core/model/plan.ts";
import { authoritySlotOf, issuedHere } from "../core/plan/authority.ts";
import { takeOld, keyCommands, newKey, oldKey } from "./runbook-keys.ts";
import { type StepCommands, at, work } from "./runbook-paths.ts";
import { shellQuote } from "./shell.ts";

export function issueCommands(step: IssueStep, plan: Plan): StepCommands {
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

export function installCommands(step: InstallStep, plan: Plan): StepCommands {
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

export function forgetCommands({ file }: ForgetStep): readonly string[] {
  const record = file.replace(/\.key$/, ".json");
  return [`rm -f ${pendingAt(record)} && rm -f ${pendingAt(file)}`];
}

export function takeCommands(step: TakeStep, plan: Plan): StepCommands {
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
