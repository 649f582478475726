// English: findings about pairs, issuers and identity.
import { shellQuote } from "../../shell.ts";
import { flags } from "../../flags.ts";
import type { FindingMessages } from "../types.ts";

type Codes =
  | "key-does-not-match"
  | "authority-key-does-not-match"
  | "wrong-issuer"
  | "common-name-unexpected"
  | "organization-unexpected"
  | "san-missing"
  | "usage-missing"
  | "usage-unexpected"
  | "is-authority"
  | "authority-is-leaf"
  | "more-than-one-certificate"
  | "leaf-not-first"
  | "authority-bundle"
  | "certificate-anomaly"
  | "kubeconfig-authority-differs";

/** The first 16 hex digits are enough to compare by eye. */
function short(hash: string): string {
  return hash.slice(0, 16);
}

function orNone(values: readonly string[]): string {
  return values.length === 0 ? "none" : values.join(", ");
}

export const findingsIdentity = {
  "key-does-not-match": {
    sentence: ({ params }) =>
      `certificate and private key do not belong together (public key ${short(params.certificateSpki)} in the certificate, ${short(params.keySpki)} in the key); no TLS handshake can succeed`,
    next: ({ target, tool }) => [
      `if one half of the pair is in a backup, bring it back: ${tool("runs list")}`,
      `else make a new pair: ${tool(`renew ${target}`)}`,
    ],
  },
  "authority-key-does-not-match": {
    sentence: ({ params, name }) =>
      `certificate and private key of CA ${name} do not belong together (public key ${short(params.certificateSpki)} in the certificate, ${short(params.keySpki)} in the key); nothing can be signed`,
    next: ({ path }) => [
      `find out which half is right: sha256sum ${shellQuote(path)} on every control-plane node; the certificate that signed the running cluster's certificates is the right one`,
      "copy the right pair from another control-plane node or a backup; do not create a new CA",
    ],
  },
  "wrong-issuer": {
    sentence: ({ params }) =>
      params.sameName
        ? `certificate was not signed by CA ${params.authority} on this node, but by another CA of the same name (${params.issuer})`
        : `certificate was not signed by CA ${params.authority}, but by ${params.issuer}`,
    next: ({ params, target, tool }) => [
      `compare CA ${params.authority} with the other control-plane nodes (sha256sum): this node may hold the wrong CA`,
      `if this node's CA is the right one: ${tool(`renew ${target}`)}`,
    ],
  },
  "common-name-unexpected": {
    sentence: ({ params }) => `common name is ${params.found}, expected ${params.expected.join(" or ")}`,
    next: ({ path, name }) => [
      `it is another identity: it may have been copied from another node or place; see its owner: openssl x509 -in ${shellQuote(path)} -noout -subject`,
      `bring ${name} of this node back from a backup; renewing keeps the wrong name`,
    ],
  },
  "organization-unexpected": {
    sentence: ({ params }) =>
      `organization is ${orNone(params.found)}, expected ${params.expected.map((value) => (value === "" ? "none" : value)).join(" or ")}; RBAC decides by it`,
    next: ({ name }) => [
      "see what the organization may do: kubectl get clusterrolebindings -o wide | grep ORGANIZATION",
      `if requests of ${name} are answered with Forbidden, make it anew with the organization expected; renewing keeps the present one`,
    ],
  },
  "san-missing": {
    sentence: ({ params }) =>
      `certificate lacks ${params.missing.map((san) => `${san.kind.toUpperCase()}:${san.value} (needed by ${san.source})`).join(", ")}; clients that dial it by that name refuse it`,
    next: ({ params, target, tool }) => [
      tool(
        `renew ${target} ${params.missing.map((san) => `${flags.addSan} ${target === "apiserver" ? "" : `${target}=`}${shellQuote(san.value)}`).join(" ")}`,
      ),
    ],
  },
  "usage-missing": {
    sentence: ({ params }) =>
      `certificate lacks the extended key usage ${params.missing.join(", ")}; peers refuse it in that role`,
    next: ({ name }) => [
      `renewing keeps the usages it has; bring the right ${name} back from a backup or make it anew with kubeadm init phase`,
    ],
  },
  "usage-unexpected": {
    sentence: ({ params }) =>
      `certificate also has the extended key usage ${params.unexpected.join(", ")}, which its role does not need`,
    next: () => ["nothing is broken; find out who issued it, and narrow it when it is made anew"],
  },
  "is-authority": {
    sentence: () =>
      "certificate is a CA certificate where a leaf belongs; whoever has its key can sign identities",
    next: ({ path, name }) => [
      `see what it is: openssl x509 -in ${shellQuote(path)} -noout -subject -issuer -ext basicConstraints`,
      `bring ${name} back from a backup, or make it anew with kubeadm init phase`,
    ],
  },
  "authority-is-leaf": {
    sentence: ({ name }) =>
      `CA ${name} is not a CA certificate (basic constraints); nothing it signed is accepted`,
    next: ({ path }) => [
      `copy ${path} from another control-plane node or a backup; compare: openssl x509 -in ${shellQuote(path)} -noout -subject -ext basicConstraints`,
    ],
  },
  "more-than-one-certificate": {
    sentence: ({ params, path }) =>
      `${path} holds ${params.count} certificates; kubeadm before 1.24 stops at that`,
    next: ({ tool, target }) => [
      `renewing replaces the leaf and keeps the others: ${tool(`renew ${target}`)}; with kubeadm before 1.24, remove the others first`,
    ],
  },
  "leaf-not-first": {
    sentence: ({ params, path }) =>
      `the leaf is certificate number ${params.position} in ${path}; servers send the first one and fail`,
    next: ({ path }) => [
      `put the leaf first, then its intermediates: cp -p ${shellQuote(path)} ${shellQuote(`${path}.bak`)}, then edit`,
    ],
  },
  "authority-bundle": {
    sentence: ({ params, path }) =>
      params.signing === null
        ? `${path} holds ${params.count} CA certificates, and none of them belongs to the CA's private key`
        : `${path} holds ${params.count} CA certificates; number ${params.signing} signs`,
    next: () => [
      "kube-controller-manager does not start when its --cluster-signing-cert-file holds more than one: point that flag at a file with the signing one only, before its next restart",
    ],
  },
  "certificate-anomaly": {
    sentence: ({ params }) => `certificate departs from RFC 5280: ${params.anomaly}`,
    next: ({ target, tool }) => [
      `newer versions may refuse it; a renewed one is correct: ${tool(`renew ${target}`)}`,
    ],
  },
  "kubeconfig-authority-differs": {
    sentence: ({ params, path }) =>
      `certificate-authority-data of cluster ${params.cluster} in ${path} is not CA ${params.authority} of this node; clients cannot trust the API server with it`,
    next: ({ params, path }) => [
      `compare both with the other control-plane nodes; if the file is the stale one: kubectl config set-cluster ${shellQuote(params.cluster)} --kubeconfig ${shellQuote(path)} --embed-certs --certificate-authority CA.crt (CA.crt: the certificate of CA ${params.authority})`,
    ],
  },
} satisfies FindingMessages<Codes>;
