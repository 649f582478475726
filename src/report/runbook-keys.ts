// Shell commands that take out old certificates and keys, and make new keys like them.
import type { IssueStep, Template } from "../core/model/making-step.ts";
import type { Plan } from "../core/model/plan.ts";
import { at } from "./runbook-paths.ts";
import { shellQuote } from "./shell.ts";

export function takeOld(template: Template, name: string, plan: Plan): readonly string[] {
  if (template.form === "kubeconfig") {
    return [
      `user_field ${at(template.file, plan)} ${shellQuote(template.user)} client-certificate-data > ${name}.old.crt`,
    ];
  }
  return [`certificate_of ${at(template.certificate, plan)} ${template.index} > ${name}.old.crt`];
}

export function keyCommands(
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

export function oldKey(template: Template, name: string, plan: Plan): string {
  if (template.form === "kubeconfig") {
    return `user_field ${at(template.file, plan)} ${shellQuote(template.user)} client-key-data > ${name}.key`;
  }
  return `key_of ${at(template.key ?? template.certificate, plan)} > ${name}.key`;
}
