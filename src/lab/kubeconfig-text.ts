// A kubeconfig in kubeadm's words (cmd/kubeadm/app/util/kubeconfig).

export interface KubeconfigParts {
  readonly user: string;
  readonly server: string;
  readonly authorityPem: Uint8Array;
  /** Embedded bytes, or a path that both fields name. */
  readonly credential:
    | { readonly certificatePem: Uint8Array; readonly keyPem: Uint8Array }
    | { readonly path: string };
}

export function kubeconfigText({ user, server, authorityPem, credential }: KubeconfigParts): string {
  const lines =
    "path" in credential
      ? [`    client-certificate: ${credential.path}`, `    client-key: ${credential.path}`]
      : [
          `    client-certificate-data: ${base64(credential.certificatePem)}`,
          `    client-key-data: ${base64(credential.keyPem)}`,
        ];
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${base64(authorityPem)}
    server: ${server}
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: ${user}
  name: ${user}@kubernetes
current-context: ${user}@kubernetes
kind: Config
preferences: {}
users:
- name: ${user}
  user:
${lines.join("\n")}
`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
