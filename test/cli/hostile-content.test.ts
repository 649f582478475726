// Every kind of object, damaged in every usual way: what `check` says of it and what `plan` does about it.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { fixture } from "../support/fixtures.ts";
import { checkTree, pki, planTree, summary } from "../support/hostile.ts";
import { snapshotTree } from "../support/tree.ts";

const manifest = "etc/kubernetes/manifests/kube-apiserver.yaml";
const kubelet = "var/lib/kubelet/config.yaml";
const kubeletConfig = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";

const objects = {
  "leaf certificate": `${pki}/apiserver.crt`,
  "leaf key": `${pki}/apiserver.key`,
  "CA certificate": `${pki}/ca.crt`,
  "CA key": `${pki}/ca.key`,
  kubeconfig: "etc/kubernetes/admin.conf",
  manifest,
  "kubelet configuration": kubelet,
} as const;

type ObjectName = keyof typeof objects;

function replaced(path: string, make: (path: string) => void): void {
  rmSync(path);
  make(path);
}

const damages = {
  empty: (path: string) => truncateSync(path),
  garbage: (path: string) =>
    writeFileSync(
      path,
      Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919 + ((i * i) >> 3)) & 255),
    ),
  "cut in the middle": (path: string) => truncateSync(path, Math.floor(readFileSync(path).length / 2)),
  "100 MB, sparse": (path: string) => truncateSync(path, 100 * 1024 * 1024),
  CRLF: (path: string) =>
    writeFileSync(path, readFileSync(path, "latin1").replaceAll("\n", "\r\n"), "latin1"),
  "byte order mark": (path: string) =>
    writeFileSync(path, Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), readFileSync(path)])),
  directory: (path: string) => replaced(path, (at) => mkdirSync(at)),
  fifo: (path: string) => replaced(path, (at) => execFileSync("mkfifo", [at])),
  "dangling link": (path: string) => replaced(path, (at) => symlinkSync("/nowhere/x", at)),
  "link to itself": (path: string) => replaced(path, (at) => symlinkSync(basename(at), at)),
  "link out of the root": (path: string) =>
    replaced(path, (at) => symlinkSync(`${"../".repeat(20)}etc/hostname`, at)),
} as const;

type DamageName = keyof typeof damages;

const nothing = "nothing";
const leaf = (finding: string): string => `critical ${finding} apiserver`;
const authority = (finding: string): string => `critical ${finding} ca`;
const admin = (finding: string): string => `critical ${finding} admin.conf`;
const manifestIs = (finding: string): string => `${finding} /${manifest}`;
const kubeletIs = (finding: string): string => `warning ${finding} /${kubelet}`;

/** Rows: damage; columns: objects, in their order above. */
const expected: Readonly<Record<DamageName, readonly string[]>> = {
  empty: [
    leaf("file-truncated"),
    leaf("file-truncated"),
    authority("file-truncated"),
    authority("file-truncated"),
    admin("file-truncated"),
    manifestIs("critical manifest-broken"),
    kubeletIs("kubelet-config-broken"),
  ],
  garbage: [
    leaf("certificate-broken"),
    leaf("key-broken"),
    authority("certificate-broken"),
    authority("key-broken"),
    admin("kubeconfig-broken"),
    manifestIs("critical manifest-broken"),
    kubeletIs("kubelet-config-broken"),
  ],
  "cut in the middle": [
    leaf("file-truncated"),
    leaf("file-truncated"),
    authority("file-truncated"),
    authority("file-truncated"),
    admin("kubeconfig-broken"),
    // Half a manifest is YAML, but no pod that the API would take.
    manifestIs("critical manifest-broken"),
    kubeletIs("kubelet-config-broken"),
  ],
  CRLF: [nothing, nothing, nothing, nothing, nothing, nothing, nothing],
  "byte order mark": [
    leaf("certificate-broken"),
    leaf("key-broken"),
    authority("certificate-broken"),
    authority("key-broken"),
    nothing,
    nothing,
    nothing,
  ],
  "100 MB, sparse": unreadable(),
  directory: unreadable(),
  fifo: unreadable(),
  "dangling link": [
    leaf("link-dangling"),
    leaf("link-dangling"),
    authority("link-dangling"),
    authority("link-dangling"),
    admin("link-dangling"),
    manifestIs("warning object-unreadable"),
    nothing,
  ],
  "link to itself": unreadable(),
  "link out of the root": unreadable(),
};

function unreadable(): readonly string[] {
  return [
    leaf("object-unreadable"),
    leaf("object-unreadable"),
    authority("object-unreadable"),
    authority("object-unreadable"),
    admin("object-unreadable"),
    manifestIs("warning object-unreadable"),
    kubeletIs("object-unreadable"),
  ];
}

/** Of the one slot concerned; everything else is never touched by a plan of a valid tree. */
function expectedDecision(object: ObjectName, damage: DamageName): string {
  const isCertain = expected[damage][Object.keys(objects).indexOf(object)] !== nothing;
  if (!isCertain) return "keep: not-due";
  if (object === "leaf certificate" || object === "kubeconfig")
    return damage === "dangling link" ? "keep: missing" : "keep: unreadable";
  if (object !== "leaf key") return "keep: not-due";
  const isMended = ["empty", "garbage", "cut in the middle", "byte order mark"].includes(damage);
  return isMended ? "renew: key-not-usable" : "keep: not-usable";
}

function damagedTree(object: ObjectName, damage: DamageName): string {
  const root = fixture("kubeadm-valid/m1");
  mkdirSync(join(root, "var/lib/kubelet"), { recursive: true });
  writeFileSync(join(root, kubelet), kubeletConfig);
  damages[damage](join(root, objects[object]));
  return root;
}

const objectNames: readonly ObjectName[] = [
  "leaf certificate",
  "leaf key",
  "CA certificate",
  "CA key",
  "kubeconfig",
  "manifest",
  "kubelet configuration",
];
const damageNames: readonly DamageName[] = [
  "empty",
  "garbage",
  "cut in the middle",
  "CRLF",
  "byte order mark",
  "100 MB, sparse",
  "directory",
  "fifo",
  "dangling link",
  "link to itself",
  "link out of the root",
];

describe.each(damageNames)("%s", (damage) => {
  it.each(objectNames)("%s: one finding that names it, a plan that leaves the rest alone", async (object) => {
    const root = damagedTree(object, damage);
    // The big file is not worth hashing twice.
    const before = damage === "100 MB, sparse" ? {} : snapshotTree(root);
    const checked = await checkTree(root);
    const finding = expected[damage][objectNames.indexOf(object)] ?? "";
    expect(summary(checked)).toEqual(finding === nothing ? [] : [finding]);
    expect(checked.code).toBe(finding === nothing ? 0 : 3);
    for (const { address } of checked.findings)
      expect(address).toMatchObject({ node: "m1", path: `/${objects[object]}` });
    const plan = await planTree(root);
    const name = object === "kubeconfig" ? "admin.conf" : "apiserver";
    expect({ code: plan.code, refusals: plan.refusals, [name]: plan.decisions[name] }).toEqual({
      code: 0,
      refusals: [],
      [name]: expectedDecision(object, damage),
    });
    if (damage !== "100 MB, sparse") expect(snapshotTree(root)).toEqual(before);
  });
});
