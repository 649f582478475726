// The plan as tables of the shell: what is object 3, what is slot 2, what is guarded. Every value is one quoted word.
import { parseAddress } from "../../core/model/address.ts";
import { assertNever } from "../../core/model/errors.ts";
import type { Content, Guard, Plan, StageStep } from "../../core/model/plan.ts";
import type { IssueStep, TakeStep, Template } from "../../core/model/making-step.ts";
import { allSteps } from "../../core/plan/steps.ts";
import { tryParseIpAddress } from "../../core/pki/ip-address.ts";
import { encodeGeneralName } from "../../core/pki/extensions.ts";
import { newKey } from "../runbook-keys.ts";
import { shellQuote } from "../shell.ts";

/** Objects and slots by their numbers, from 1. */
export interface Numbers {
  readonly objects: readonly StageStep[];
  readonly slots: readonly (IssueStep | TakeStep)[];
}

export function numbersOf(plan: Plan): Numbers {
  const steps = allSteps(plan);
  return {
    objects: steps.filter((step) => step.kind === "stage"),
    slots: steps.filter((step) => step.kind === "issue" || step.kind === "take"),
  };
}

export function objectNumber({ objects }: Numbers, object: string): number {
  return objects.findIndex((stage) => stage.object === object) + 1;
}

export function slotNumber({ slots }: Numbers, slot: string): number {
  return slots.findIndex((step) => step.slot === slot) + 1;
}

/** Where the bytes are, below the root, behind links. */
export function placeOf(address: string, plan: Plan): string {
  const guard = plan.guards.find((one) => one.address === address);
  return guard?.link ?? parseAddress(address).path;
}

export function guardLines(plan: Plan, use: Guard["use"]): readonly string[] {
  return plan.guards
    .filter((guard) => guard.use === use)
    .map((guard) => {
      const path = parseAddress(guard.address).path;
      const traits = `${plainMode(guard.mode)} ${guard.uid} ${guard.gid}`;
      const words = [path, guard.link ?? path, guard.sha256, traits];
      return `guard ${words.map(shellQuote).join(" ")}`;
    });
}

/** As `stat -c %a` prints it. */
function plainMode(mode: string): string {
  return mode.replace(/^0+(?=.)/, "");
}

export function objectTable(plan: Plan, { objects }: Numbers): readonly string[] {
  return inCase(
    "object",
    objects.map(({ object, mode }) => {
      const place = placeOf(object, plan);
      const slash = place.lastIndexOf("/") + 1;
      const guard = plan.guards.find((one) => one.address === object);
      return [
        `path=${shellQuote(parseAddress(object).path)} real="$ROOT"${shellQuote(place)}`,
        `temporary="$ROOT"${shellQuote(`${place.slice(0, slash)}.perennial-by-hand-${place.slice(slash)}`)}`,
        `sha=${shellQuote(guard?.sha256 ?? "")} old_mode=${shellQuote(plainMode(guard?.mode ?? ""))} ids='${guard?.uid ?? ""} ${guard?.gid ?? ""}'`,
        `new_mode=${shellQuote(plainMode(mode))}`,
      ];
    }),
  );
}

export function slotTable(plan: Plan, { slots }: Numbers): readonly string[] {
  return inCase(
    "slot",
    slots.map((step) => [
      `name=${shellQuote(step.slot)}`,
      ...(step.template.form === "pem" || step.template.form === "kubeconfig"
        ? templateWords(step.template, plan)
        : []),
      ...(step.kind === "issue" ? issueWords(step, plan) : []),
    ]),
  );
}

function templateWords(template: Template, plan: Plan): readonly string[] {
  if (template.form === "kubeconfig")
    return [
      `form=kubeconfig file=${shellQuote(placeOf(template.file, plan))} user=${shellQuote(template.user)}`,
    ];
  const key = placeOf(template.key ?? template.certificate, plan);
  return [
    `form=pem file=${shellQuote(placeOf(template.certificate, plan))} index=${template.index} key_file=${shellQuote(key)}`,
  ];
}

function issueWords(step: IssueStep, plan: Plan): readonly string[] {
  const add = step.addSans.map((san) => Buffer.from(encodeGeneralName(san)).toString("hex")).join(" ");
  return [
    `ca=${shellQuote(placeOf(step.authorityCertificate, plan))} ca_sha=${shellQuote(step.authoritySha256)} ca_key=${shellQuote(placeOf(step.authorityKey, plan))}`,
    `key_mode=${step.key.mode} algorithm=${shellQuote(step.key.algorithm)} seconds=${Math.floor(step.validitySeconds)} cap=${Math.floor(step.notAfterCap / 1000)}`,
    `add='${add}' add_text=${shellQuote(step.addSans.map(sanText).join(","))}`,
  ];
}

/** As openssl prints it, which shortens no IPv6 address. */
function sanText({ kind, value }: IssueStep["addSans"][number]): string {
  const bytes = kind === "ip" ? tryParseIpAddress(value) : undefined;
  if (!bytes) return `${kind === "ip" ? "IP" : "DNS"}:${value}`;
  if (bytes.length === 4) return `IP:${bytes.join(".")}`;
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((bytes[2 * at] ?? 0) * 256 + (bytes[2 * at + 1] ?? 0)).toString(16).toUpperCase(),
  );
  return `IP:${groups.join(":")}`;
}

/** `new_key` makes `$t.key` with the algorithm of the slot. */
export function keyTable({ slots }: Numbers): readonly string[] {
  const algorithms = new Set(
    slots.flatMap((step) =>
      step.kind === "issue" && step.key.mode === "generate" ? [step.key.algorithm] : [],
    ),
  );
  return [
    "new_key() {",
    "  case $algorithm in",
    ...[...algorithms].map(
      (algorithm) => `  ${shellQuote(algorithm)}) ${newKey(algorithm, '"$t"').join("; ")} ;;`,
    ),
    '  *) stop "$algorithm" ;;',
    "  esac",
    "}",
  ];
}

/** `content N` prints the object's new bytes; `check_content N FILE` finds every certificate and key in it. */
export function contentTables(numbers: Numbers): readonly string[] {
  return [
    ...inCase(
      "content",
      numbers.objects.map(({ content }, index) => [
        `object ${index + 1} && ${contentCommand(content, numbers)}`,
      ]),
    ),
    ...inCase(
      "check_content",
      numbers.objects.map(({ content }) => [checksOf(content, numbers, '"$2"').join(" && ")]),
    ),
  ];
}

function contentCommand(content: Content, numbers: Numbers): string {
  switch (content.form) {
    case "pem-certificate":
      return `put_certificate "$real" ${content.index} "$W/slot-${slotNumber(numbers, content.slot)}.crt"`;
    case "pem-key":
      return `put_key "$real" "$W/slot-${slotNumber(numbers, content.slot)}.key"`;
    case "pem-combined": {
      const slot = slotNumber(numbers, content.slot);
      return `put_certificate "$real" ${content.index} "$W/slot-${slot}.crt" >"$W/read" && put_key "$W/read" "$W/slot-${slot}.key"`;
    }
    case "kubeconfig":
      return kubeconfigCommand(content, numbers);
    case "kubeconfig-new":
    case "copy":
      throw new TypeError(`no script for content ${content.form}`);
    default:
      return assertNever(content);
  }
}

function kubeconfigCommand(
  { users }: Extract<Content, { readonly form: "kubeconfig" }>,
  numbers: Numbers,
): string {
  const commands = users.map(({ user, slot }, at) => {
    const from = at === 0 ? '"$real"' : `"$W/new-user.${at - 1}"`;
    const to = at === users.length - 1 ? "" : ` >"$W/new-user.${at}"`;
    const pair = `"$W/slot-${slotNumber(numbers, slot)}`;
    return `kube_put ${from} ${shellQuote(user)} ${pair}.crt" ${pair}.key"${to}`;
  });
  return commands.join(" && ");
}

/** Commands that find the certificates of a content in a file. */
export function checksOf(content: Content, numbers: Numbers, file: string): readonly string[] {
  switch (content.form) {
    case "pem-certificate":
      return [`has_certificate ${file} pem ${content.index} ${slotNumber(numbers, content.slot)}`];
    case "pem-key":
      return [`has_key ${file} ${slotNumber(numbers, content.slot)}`];
    case "pem-combined": {
      const slot = slotNumber(numbers, content.slot);
      return [`has_certificate ${file} pem ${content.index} ${slot}`, `has_key ${file} ${slot}`];
    }
    case "kubeconfig":
      return content.users.map(
        ({ user, slot }) =>
          `has_certificate ${file} kubeconfig ${shellQuote(user)} ${slotNumber(numbers, slot)}`,
      );
    case "kubeconfig-new":
    case "copy":
      throw new TypeError(`no script for content ${content.form}`);
    default:
      return assertNever(content);
  }
}

/** A function that chooses by its first argument, a number from 1. */
export function inCase(name: string, bodies: readonly (readonly string[])[]): readonly string[] {
  return [
    `${name}() {`,
    "  case $1 in",
    ...bodies.flatMap((body, index) => [`  ${index + 1})`, ...body.map((line) => `    ${line}`), "    ;;"]),
    "  *) return 1 ;;",
    "  esac",
    "}",
  ];
}
