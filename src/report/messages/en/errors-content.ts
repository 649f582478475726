// English: errors of what is in a file: DER, PEM, keys, YAML, profiles.
import { shellQuote } from "../../shell.ts";
import type { ErrorMessages } from "../types.ts";

const pemFaults = {
  truncated: "a block begins and does not end",
  "bad-base64": "a block is not base64",
  "label-differs": "BEGIN and END name different things",
  "nested-begin": "a block begins inside another",
} as const;

const inspectIt = [
  "perennial inspect FILE shows every block of a file and where it is damaged; restore it from a backup",
];

export const errorsContent = {
  "der-malformed": {
    sentence: (p) => `not valid DER at byte ${p.offset}: ${p.reason}`,
    hint: () => inspectIt,
  },
  "pem-malformed": {
    sentence: (p) => `not valid PEM at line ${p.line}: ${pemFaults[p.reason]}`,
    hint: () => inspectIt,
  },
  "certificate-malformed": { sentence: (p) => `not a valid certificate: ${p.reason}`, hint: () => inspectIt },
  "key-malformed": { sentence: (p) => `not a valid private key: ${p.reason}`, hint: () => inspectIt },
  "key-encrypted": {
    sentence: (p) => `the private key is encrypted (${p.format}) and cannot be used`,
    hint: () => [
      "decrypt it first: openssl pkey -in KEY -out KEY.plain; chmod 0600, then mv over the old one",
    ],
  },
  "key-unsupported": {
    sentence: (p) => `keys of the kind ${p.algorithm} are not supported`,
    hint: () => [
      "RSA-2048, RSA-3072, RSA-4096, ECDSA-P256 and ECDSA-P384 are what kubeadm and Kubernetes use",
    ],
  },
  "issue-refused": {
    sentence: (p) => `the certificate was not issued: ${p.reason}`,
    hint: (_, tool) => [
      `nothing was changed; ${tool("plan")} shows what was asked for and why it is refused`,
    ],
  },
  "value-invalid": {
    sentence: (p) =>
      `${p.what} ${p.value === "" ? "is empty" : `${p.value} is not valid`}: expected ${p.expected}`,
    hint: () => ["correct the value and repeat the command; --help lists the forms"],
  },
  "yaml-malformed": {
    sentence: (p) => `not valid YAML at line ${p.line}: ${p.reason}`,
    hint: () => ["correct that line (spaces, not tabs; balanced quotes) or restore the file from a backup"],
  },
  "kubeconfig-malformed": {
    sentence: (p) => `not a valid kubeconfig: ${p.reason}`,
    hint: () => ["kubectl config view --kubeconfig FILE shows what kubectl makes of it"],
  },
  "splice-unsafe": {
    sentence: (p) => `the file cannot be edited without touching other parts of it: ${p.reason}`,
    hint: () => [
      "kubectl config view --raw --kubeconfig FILE > NEW writes it in a plain form; compare, mv over the old one, and repeat",
    ],
  },
  "manifest-malformed": {
    sentence: (p) => `not a valid static pod manifest: ${p.reason}`,
    hint: () => ["journalctl -u kubelet | grep -i manifest shows what the kubelet says of it"],
  },
  "profile-invalid": {
    sentence: (p) => `profile ${p.profile} is not valid: ${p.reason}`,
    hint: (p) => [`perennial profile lint ${shellQuote(p.profile)} shows every fault with its line`],
  },
  "profile-unknown": {
    sentence: (p) => `there is no profile ${p.profile}`,
    hint: (p) => [`known profiles: ${p.known.join(", ")}; perennial profile list says what they are for`],
  },
} satisfies Partial<ErrorMessages>;
