// A kubeconfig from nothing, laid out as kubeadm writes it (app/util/kubeconfig/kubeconfig.go: CreateWithCerts).
import { encodeBase64 } from "../../kubeconfig/base64.ts";
import type { Content } from "../../model/plan.ts";
import { encodePem } from "../../pki/pem.ts";
import type { IssuedMaterial } from "../compose.ts";

type NewKubeconfig = Extract<Content, { readonly form: "kubeconfig-new" }>;

/** `authorityPem` is embedded whole, so that a bundle stays one. */
export function newKubeconfig(
  { cluster, server, user }: NewKubeconfig,
  { certificateDer, keyPem }: IssuedMaterial,
  authorityPem: Uint8Array,
): Uint8Array {
  const context = scalar(`${user}@${cluster}`);
  const lines = [
    "apiVersion: v1",
    "clusters:",
    "- cluster:",
    `    certificate-authority-data: ${encodeBase64(authorityPem)}`,
    `    server: ${scalar(server)}`,
    `  name: ${scalar(cluster)}`,
    "contexts:",
    "- context:",
    `    cluster: ${scalar(cluster)}`,
    `    user: ${scalar(user)}`,
    `  name: ${context}`,
    `current-context: ${context}`,
    "kind: Config",
    "preferences: {}",
    "users:",
    `- name: ${scalar(user)}`,
    "  user:",
    `    client-certificate-data: ${encodeBase64(encodePem("CERTIFICATE", certificateDer))}`,
    `    client-key-data: ${encodeBase64(keyPem)}`,
  ];
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

/** Names of kubeadm are plain; anything that YAML could read otherwise is quoted (JSON strings are YAML). */
function scalar(text: string): string {
  return /^[A-Za-z][A-Za-z0-9_.@/:-]*[A-Za-z0-9]$/.test(text) &&
    !/^(true|false|null|yes|no|on|off)$/i.test(text)
    ? text
    : JSON.stringify(text);
}
