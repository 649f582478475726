// A hand-made plan: apiserver with a new key, admin.conf with a kept key, a copy that follows.
import { formatAddress } from "../../src/core/model/address.ts";
import type { Refusal } from "../../src/core/model/refusal.ts";
import type { Plan } from "../../src/core/model/plan.ts";
import { renewRequest } from "../support/renew-request.ts";
import { planSamples } from "./samples.ts";

const at = Date.UTC(2025, 10, 1);
const cap = Date.UTC(2036, 10, 19, 15, 35);

function file(path: string): string {
  return formatAddress({ store: "file", node: "m1", path });
}

function pathOf(object: string): string {
  return object.replace("file:m1:", "");
}

export const objects = {
  key: file("/etc/kubernetes/pki/apiserver.key"),
  certificate: file("/etc/kubernetes/pki/apiserver.crt"),
  admin: file("/etc/kubernetes/admin.conf"),
  caCertificate: file("/etc/kubernetes/pki/ca.crt"),
  caKey: file("/etc/kubernetes/pki/ca.key"),
};

export const expiredAuthority: Refusal = {
  code: "authority-expired",
  slot: "m1/apiserver",
  address: objects.caCertificate,
  detail: "2025",
};

export function samplePlan(change: Partial<Plan> = {}, hashes: Readonly<Record<string, string>> = {}): Plan {
  const issue = {
    kind: "issue",
    authority: "ca",
    authorityCertificate: objects.caCertificate,
    authorityKey: objects.caKey,
    authoritySerialHex: "00",
    authoritySha256: "5".repeat(64),
    old: { serialHex: "0a0b", notBefore: at - 1, notAfter: at },
    validitySeconds: 31_536_000,
    notAfterCap: cap,
  } as const;
  const written = [
    { object: objects.key, content: { form: "pem-key", slot: "m1/apiserver" }, mode: "0600" },
    {
      object: objects.certificate,
      content: { form: "pem-certificate", slot: "m1/apiserver", index: 0 },
      mode: "0644",
    },
    {
      object: objects.admin,
      content: { form: "kubeconfig", users: [{ user: "kubernetes-admin", slot: "m1/admin.conf" }] },
      mode: "0600",
    },
  ] as const;
  return {
    format: "perennial/plan/v1",
    toolVersion: "0.1.0",
    cluster: "kubernetes",
    root: "/",
    profile: { id: "kubeadm", digest: "sha256:p" },
    createdAt: "2026-11-22T16:00:00.000Z",
    request: renewRequest,
    decisions: [
      { slot: "m1/apiserver", action: "renew", reasons: [{ code: "expired", notAfter: at }] },
      { slot: "m1/admin.conf", action: "renew", reasons: [{ code: "requested" }] },
      { slot: "m1/etcd-peer", action: "keep", reasons: [{ code: "not-due", notAfter: cap }] },
    ],
    notices: [{ code: "restart-needed", consumers: ["kube-apiserver"] }],
    refusals: [],
    guards: [...written.map(({ object }) => object), objects.caCertificate, objects.caKey].map(
      (address, index) => ({
        address,
        presence: "present",
        sha256: hashes[address] ?? "ab".repeat(32),
        mode: "0600",
        uid: 0,
        gid: 0,
        link: null,
        use: index < 3 ? "written" : "read",
      }),
    ),
    phases: [
      {
        id: "issue",
        nodes: [
          {
            node: "m1",
            steps: [
              {
                ...issue,
                id: "m1/issue/apiserver",
                slot: "m1/apiserver",
                name: "apiserver",
                subject: "CN=kube-apiserver",
                template: { form: "pem", certificate: objects.certificate, index: 0, key: objects.key },
                key: { mode: "generate", algorithm: "RSA-2048" },
                addSans: [{ kind: "dns", value: "lb.example" }],
              },
              {
                ...issue,
                id: "m1/issue/admin.conf",
                slot: "m1/admin.conf",
                name: "admin.conf",
                subject: "O=system:masters, CN=kubernetes-admin",
                template: { form: "kubeconfig", file: objects.admin, user: "kubernetes-admin" },
                key: { mode: "keep", algorithm: "RSA-2048" },
                addSans: [],
              },
            ],
          },
        ],
      },
      {
        id: "back-up",
        nodes: [
          {
            node: "m1",
            steps: written.map(({ object }) => ({
              kind: "back-up",
              id: `m1/back-up${pathOf(object)}`,
              object,
            })),
          },
        ],
      },
      {
        id: "stage",
        nodes: [
          {
            node: "m1",
            steps: written.map((one) => ({ kind: "stage", id: `m1/stage${pathOf(one.object)}`, ...one })),
          },
        ],
      },
      {
        id: "swap",
        nodes: [
          {
            node: "m1",
            steps: written.map(({ object }) => ({ kind: "swap", id: `m1/swap${pathOf(object)}`, object })),
          },
        ],
      },
      {
        id: "prove",
        nodes: [
          {
            node: "m1",
            steps: ["apiserver", "admin.conf"].map((name) => ({
              kind: "prove",
              id: `m1/prove/${name}`,
              slot: `m1/${name}`,
              name,
            })),
          },
        ],
      },
    ],
    digest: `sha256:${"cd".repeat(32)}`,
    ...change,
  };
}

/** A plan in which every reason and notice occurs, with one text everywhere. */
export function fullPlan(text: string): Plan {
  const { renew, keep, notices } = planSamples(text);
  const plan = samplePlan();
  return {
    ...plan,
    cluster: text,
    decisions: [
      { slot: `m1/${text}`, action: "renew", reasons: renew },
      { slot: `m1/keep-${text}`, action: "keep", reasons: keep },
    ],
    notices,
  };
}
