// One defect at a time on a healthy control plane: which finding it gives, with what parameters, and that it gives no other.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeBasicConstraints, encodeExtendedKeyUsages } from "../../../src/core/pki/extensions.ts";
import { publicKeyFingerprint } from "../../../src/core/pki/fingerprints.ts";
import { certificatePem, keyPem, makeAuthority, makeKey, signLeaf } from "../../../src/lab/lab-issuer.ts";
import { kubeconfigText } from "../../../src/lab/kubeconfig-text.ts";
import {
  apiserverLeaf,
  authorityIn,
  certificateIn,
  controlPlane,
  day,
  edit,
  findingsOf,
  issuedAt,
  linesOf,
  pki,
  replacePair,
  today,
} from "../../support/control-plane.ts";

const conf = "etc/kubernetes/admin.conf";
const year = { notBefore: issuedAt, notAfter: issuedAt + 365 * day };

/** A CA of the same subject as the tree's own, and of another. */
const stranger = (name = "kubernetes") => makeAuthority(name, "ECDSA-P256", year);

async function kubeconfigOf(
  authority: Awaited<ReturnType<typeof stranger>>,
  commonName: string,
  notAfter = year.notAfter,
): Promise<string> {
  const key = await makeKey("ECDSA-P256");
  const certificateDer = signLeaf(authority, key, { ...year, notAfter, commonName, usages: ["clientAuth"] });
  return kubeconfigText({
    user: commonName,
    server: "https://elsewhere:6443",
    authorityPem: certificatePem(authority),
    credential: { certificatePem: certificatePem({ certificateDer }), keyPem: keyPem({ key }) },
  });
}

type Defect = (root: string) => void | Promise<void>;

function openssl(...words: string[]): void {
  execFileSync("openssl", words, { stdio: "ignore" });
}

const defects: readonly (readonly [string, Defect, readonly string[]])[] = [
  // --- time
  [
    "a leaf that has expired",
    (root) => leafWith(root, { notAfter: today - day }),
    ["critical certificate-expired apiserver"],
  ],
  [
    "a leaf that ends within 30 days",
    (root) => leafWith(root, { notAfter: today + 29 * day }),
    ["warning certificate-expiring apiserver"],
  ],
  [
    "a leaf of tomorrow",
    (root) => leafWith(root, { notBefore: today + day }),
    ["critical certificate-not-yet-valid apiserver"],
  ],
  [
    "a leaf that outlives its CA",
    (root) => leafWith(root, { notAfter: issuedAt + 4000 * day }),
    ["warning outlives-authority apiserver"],
  ],
  // --- presence
  [
    "a certificate that is gone",
    (root) => rmSync(pki(root, "apiserver.crt")),
    ["critical certificate-missing apiserver"],
  ],
  ["a key that is gone", (root) => rmSync(pki(root, "apiserver.key")), ["critical key-missing apiserver"]],
  [
    "a kubeconfig that is gone",
    (root) => rmSync(join(root, "etc/kubernetes/scheduler.conf")),
    ["critical kubeconfig-missing scheduler.conf"],
  ],
  [
    "a directory in the place of a certificate",
    (root) => directoryAt(pki(root, "apiserver.crt")),
    ["critical object-unreadable apiserver"],
  ],
  [
    "a directory in the place of a key",
    (root) => directoryAt(pki(root, "etcd/peer.key")),
    ["critical object-unreadable etcd-peer"],
  ],
  [
    "a directory in the place of a CA",
    (root) => directoryAt(pki(root, "front-proxy-ca.crt")),
    ["critical object-unreadable front-proxy-ca"],
  ],
  [
    "a directory in the place of a manifest",
    (root) => directoryAt(join(root, "etc/kubernetes/manifests/kube-scheduler.yaml")),
    ["warning object-unreadable /etc/kubernetes/manifests/kube-scheduler.yaml"],
  ],
  [
    "a link to nothing",
    (root) => {
      rmSync(pki(root, "apiserver.crt"));
      symlinkSync("nowhere.crt", pki(root, "apiserver.crt"));
    },
    ["critical link-dangling apiserver"],
  ],
  [
    "a kubelet certificate whose link leads to nothing",
    (root) => {
      rmSync(join(root, "var/lib/kubelet/pki/kubelet-client-current.pem"));
      symlinkSync("gone.pem", join(root, "var/lib/kubelet/pki/kubelet-client-current.pem"));
    },
    ["critical link-dangling kubelet.conf"],
  ],
  // --- broken
  [
    "no PEM in a certificate file",
    (root) => writeFileSync(pki(root, "apiserver.crt"), "hello\n"),
    ["critical certificate-broken apiserver"],
  ],
  [
    "a certificate cut off",
    (root) => truncateSync(pki(root, "apiserver.crt"), 300),
    ["critical file-truncated apiserver"],
  ],
  [
    "an empty certificate file",
    (root) => truncateSync(pki(root, "apiserver.crt"), 0),
    ["critical file-truncated apiserver"],
  ],
  [
    "an empty kubeconfig",
    (root) => truncateSync(join(root, "etc/kubernetes/scheduler.conf"), 0),
    ["critical file-truncated scheduler.conf"],
  ],
  [
    "a key cut off",
    (root) => truncateSync(pki(root, "apiserver.key"), 100),
    ["critical file-truncated apiserver"],
  ],
  [
    "no key in a key file",
    (root) => writeFileSync(pki(root, "apiserver.key"), "hello\n"),
    ["critical key-broken apiserver"],
  ],
  [
    "an encrypted key",
    (root) =>
      openssl(
        "ec",
        "-aes256",
        "-passout",
        "pass:secret",
        "-in",
        pki(root, "apiserver.key"),
        "-out",
        pki(root, "apiserver.key"),
      ),
    ["warning key-encrypted apiserver"],
  ],
  [
    "a kubeconfig that is no YAML",
    (root) => writeFileSync(join(root, "etc/kubernetes/scheduler.conf"), "a: [\n"),
    ["critical kubeconfig-broken scheduler.conf"],
  ],
  [
    "a manifest that is no YAML",
    (root) => writeFileSync(join(root, "etc/kubernetes/manifests/kube-scheduler.yaml"), "a: [\n"),
    ["critical manifest-broken /etc/kubernetes/manifests/kube-scheduler.yaml"],
  ],
  [
    "a kubelet configuration that is no YAML",
    (root) => writeFileSync(join(root, "var/lib/kubelet/config.yaml"), "a: [\n"),
    ["warning kubelet-config-broken /var/lib/kubelet/config.yaml"],
  ],
  // --- pairs, issuers, identity
  [
    "the key of another certificate",
    (root) => cpSync(pki(root, "front-proxy-client.key"), pki(root, "apiserver.key")),
    ["critical key-does-not-match apiserver"],
  ],
  [
    "the key of another CA",
    (root) => cpSync(pki(root, "etcd/ca.key"), pki(root, "ca.key")),
    ["critical authority-key-does-not-match ca"],
  ],
  [
    "a leaf of another CA of the same name",
    async (root) =>
      void (await replacePair(root, "apiserver", { ...apiserverLeaf, authority: await stranger() })),
    ["critical wrong-issuer apiserver"],
  ],
  ["a leaf of the wrong CA", (root) => leafWith(root, {}, "etcd/ca"), ["critical wrong-issuer apiserver"]],
  [
    "another common name",
    (root) => leafWith(root, { commonName: "apiserver" }),
    ["warning common-name-unexpected apiserver"],
  ],
  [
    "an organization too many",
    (root) => leafWith(root, { organizations: ["system:masters"] }),
    ["info holds-system-masters apiserver", "warning organization-unexpected apiserver"],
  ],
  [
    "a name that the node must have",
    (root) => leafWith(root, { sans: apiserverLeaf.sans!.slice(0, -1) }),
    ["warning san-missing apiserver"],
  ],
  [
    "a usage lost",
    (root) => leafWith(root, { usages: ["clientAuth"] }),
    ["critical usage-missing apiserver", "warning usage-unexpected apiserver"],
  ],
  [
    "a usage too many",
    (root) => leafWith(root, { usages: ["serverAuth", "clientAuth"] }),
    ["warning usage-unexpected apiserver"],
  ],
  [
    "a CA in the place of a leaf",
    (root) => leafWith(root, { moreExtensions: [encodeBasicConstraints({ isCa: true })] }),
    ["critical is-authority apiserver"],
  ],
  [
    "two certificates in a leaf's file",
    (root) => append(pki(root, "apiserver.crt"), pki(root, "front-proxy-client.crt")),
    ["warning more-than-one-certificate apiserver"],
  ],
  [
    "a leaf behind another certificate",
    (root) =>
      append(pki(root, "front-proxy-client.crt"), pki(root, "apiserver.crt"), pki(root, "apiserver.crt")),
    ["warning leaf-not-first apiserver"],
  ],
  [
    "a kubeconfig that trusts another CA",
    async (root) =>
      edit(
        root,
        conf,
        Buffer.from(readFileSync(pki(root, "ca.crt"))).toString("base64"),
        Buffer.from(certificatePem(await stranger())).toString("base64"),
      ),
    ["critical kubeconfig-authority-differs admin.conf"],
  ],
  // --- copies
  [
    "a copy of last year",
    async (root) =>
      writeFileSync(
        join(root, "root/.kube/config"),
        readFileSync(join(await controlPlaneOfSameCa(root), conf)),
      ),
    ["warning replica-differs root/.kube/config"],
  ],
  [
    "another cluster's administrator in a home",
    async (root) => home(root, "ops", await kubeconfigOf(await stranger(), "kubernetes-admin", today - day)),
    [
      "info certificate-expired home/ops/.kube/config",
      "info copy-of-nothing home/ops/.kube/config",
      "info kubeconfig-authority-differs home/ops/.kube/config",
    ],
  ],
  [
    "a user of this cluster in a home, expired",
    async (root) => home(root, "jane", await kubeconfigOf(authorityIn(root, "ca"), "jane", today - day)),
    ["info copy-of-nothing home/jane/.kube/config", "warning certificate-expired home/jane/.kube/config"],
  ],
  ["a copy in a home, whole", (root) => home(root, "ops", readFileSync(join(root, conf), "utf8")), []],
  [
    "the sa public key of another pair",
    async (root) =>
      writeFileSync(pki(root, "sa.pub"), readFileSync(pki(await controlPlane({ node: "m9" }), "sa.pub"))),
    ["critical service-account-pair-differs sa"],
  ],
  ["the sa key gone", (root) => rmSync(pki(root, "sa.key")), ["critical key-missing sa"]],
  [
    "the sa public key cut off",
    (root) => truncateSync(pki(root, "sa.pub"), 40),
    ["critical file-truncated sa"],
  ],
  ["the sa key open to all", (root) => chmodSync(pki(root, "sa.key"), 0o644), ["warning mode-too-open sa"]],
  // --- files
  [
    "a key open to its group",
    (root) => chmodSync(pki(root, "apiserver.key"), 0o640),
    ["warning mode-too-open apiserver"],
  ],
  [
    "a kubeconfig open to all",
    (root) => chmodSync(join(root, conf), 0o644),
    ["warning mode-too-open admin.conf"],
  ],
  [
    "a certificate that others may write",
    (root) => chmodSync(pki(root, "apiserver.crt"), 0o666),
    ["warning mode-too-open apiserver"],
  ],
  [
    "a key of another user",
    (root) => chownSync(pki(root, "apiserver.key"), 1000, 1000),
    ["warning owner-unexpected apiserver"],
  ],
  // --- who can do what
  [
    "a CA whose key is elsewhere",
    (root) => rmSync(pki(root, "front-proxy-ca.key")),
    ["info externally-managed front-proxy-ca"],
  ],
  [
    "a kubeconfig with a token",
    (root) => home(root, "ops", "apiVersion: v1\nkind: Config\nusers:\n- name: ops\n  user: {token: abc}\n"),
    ["info credential-without-certificate /home/ops/.kube/config"],
  ],
  [
    "a scheduler that logs in by token",
    (root) =>
      writeFileSync(
        join(root, "etc/kubernetes/scheduler.conf"),
        "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts:\n- name: a\n  context: {user: s, cluster: c}\nusers:\n- name: s\n  user: {token: abc}\n",
      ),
    ["info credential-without-certificate /etc/kubernetes/scheduler.conf"],
  ],
  // --- authorities
  [
    "a CA gone",
    (root) => rmSync(pki(root, "front-proxy-ca.crt")),
    ["critical authority-missing front-proxy-ca"],
  ],
  [
    "a CA cut off",
    (root) => truncateSync(pki(root, "front-proxy-ca.crt"), 200),
    ["critical file-truncated front-proxy-ca"],
  ],
  [
    "a CA that is no certificate",
    (root) => writeFileSync(pki(root, "front-proxy-ca.crt"), "x\n"),
    ["critical certificate-broken front-proxy-ca"],
  ],
  [
    "a CA's key cut off",
    (root) => truncateSync(pki(root, "front-proxy-ca.key"), 60),
    ["critical file-truncated front-proxy-ca"],
  ],
  [
    "a bundle, the signing CA last",
    async (root) =>
      writeFileSync(
        pki(root, "ca.crt"),
        Buffer.concat([certificatePem(await stranger()), readFileSync(pki(root, "ca.crt"))]),
      ),
    ["info authority-bundle ca"],
  ],
  [
    "a leaf in the place of a CA",
    (root) => {
      cpSync(pki(root, "front-proxy-client.crt"), pki(root, "front-proxy-ca.crt"));
      cpSync(pki(root, "front-proxy-client.key"), pki(root, "front-proxy-ca.key"));
    },
    ["critical authority-is-leaf front-proxy-ca", "critical wrong-issuer front-proxy-client"],
  ],
  [
    "a key that lives outside the tree",
    (root) => {
      const outside = join(root, "..", "outside.key");
      cpSync(pki(root, "apiserver.key"), outside);
      rmSync(pki(root, "apiserver.key"));
      symlinkSync("../../../../outside.key", pki(root, "apiserver.key"));
    },
    ["critical object-unreadable apiserver"],
  ],
  [
    "a key behind a link out of the Kubernetes folders",
    (root) => {
      mkdirSync(join(root, "opt"));
      cpSync(pki(root, "apiserver.key"), join(root, "opt/apiserver.key"));
      rmSync(pki(root, "apiserver.key"));
      symlinkSync("/opt/apiserver.key", pki(root, "apiserver.key"));
    },
    ["warning link-leaves-tree apiserver"],
  ],
  [
    "a second extension of one kind",
    (root) =>
      leafWith(root, {
        moreExtensions: [encodeExtendedKeyUsages(["serverAuth"])],
      }),
    ["warning certificate-anomaly apiserver"],
  ],
  [
    "a certificate nobody knows, expired",
    async (root) =>
      writeFileSync(
        pki(root, "old.crt"),
        certificatePem(
          await makeAuthority("old", "ECDSA-P256", { notBefore: issuedAt - 9 * day, notAfter: issuedAt }),
        ),
      ),
    ["warning certificate-expired etc/kubernetes/pki/old.crt"],
  ],
];

async function leafWith(
  root: string,
  changes: Partial<typeof apiserverLeaf>,
  authority = "ca",
): Promise<void> {
  await replacePair(root, "apiserver", {
    ...apiserverLeaf,
    ...changes,
    authority: authorityIn(root, authority),
  });
}

/** `first` then `second`, into `target` (default: the first). */
function append(first: string, second: string, target = first): void {
  writeFileSync(target, Buffer.concat([readFileSync(first), readFileSync(second)]));
}

function directoryAt(path: string): void {
  rmSync(path);
  mkdirSync(path);
}

function home(root: string, user: string, text: string): void {
  const folder = join(root, "home", user, ".kube");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config"), text, { mode: 0o600 });
}

/** Another tree of the same authorities: its certificates are older siblings. */
async function controlPlaneOfSameCa(root: string): Promise<string> {
  const copy = await controlPlane();
  const ca = authorityIn(root, "ca");
  const key = await makeKey("ECDSA-P256");
  const certificateDer = signLeaf(ca, key, {
    ...year,
    commonName: "kubernetes-admin",
    organizations: ["kubeadm:cluster-admins"],
    usages: ["clientAuth"],
  });
  const text = kubeconfigText({
    user: "kubernetes-admin",
    server: "https://lb.example.internal:6443",
    authorityPem: certificatePem(ca),
    credential: { certificatePem: certificatePem({ certificateDer }), keyPem: keyPem({ key }) },
  });
  writeFileSync(join(copy, conf), text);
  return copy;
}

describe("a healthy control plane", () => {
  it("has nothing to say but who holds system:masters", async () => {
    expect(await findingsOf(await controlPlane())).toEqual([
      {
        code: "holds-system-masters",
        severity: "info",
        node: "m1",
        slot: "m1/super-admin.conf",
        name: "super-admin.conf",
        address: { store: "file", node: "m1", path: "/etc/kubernetes/super-admin.conf" },
        params: { subject: "CN=kubernetes-super-admin, O=system:masters", notAfter: issuedAt + 365 * day },
      },
    ]);
  });
});

describe("one defect gives its finding and no other", () => {
  it.each(defects)("%s", async (_, defect, expected) => {
    const root = await controlPlane();
    await defect(root);
    expect([...(await linesOf(root))].sort()).toEqual([...expected].sort());
  });
});

describe("what a finding carries", () => {
  const paramsOf = async (root: string, code: string): Promise<unknown> =>
    (await findingsOf(root)).find((finding) => finding.code === code)?.params;

  it("the two fingerprints of a pair that does not match", async () => {
    const root = await controlPlane();
    cpSync(pki(root, "etcd/peer.key"), pki(root, "etcd/server.key"));
    expect(await paramsOf(root, "key-does-not-match")).toEqual({
      certificateSpki: publicKeyFingerprint(certificateIn(pki(root, "etcd/server.crt")).spkiDer),
      keySpki: publicKeyFingerprint(certificateIn(pki(root, "etcd/peer.crt")).spkiDer),
    });
  });

  it.each([
    ["kubernetes", true],
    ["other-ca", false],
  ])("whether the stranger that signed has our CA's name (%s)", async (name, sameName) => {
    const root = await controlPlane();
    await replacePair(root, "apiserver", { ...apiserverLeaf, authority: await stranger(name) });
    expect(await paramsOf(root, "wrong-issuer")).toEqual({ authority: "ca", issuer: `CN=${name}`, sameName });
  });

  it("each missing name with who demands it", async () => {
    const root = await controlPlane();
    await replacePair(root, "apiserver", {
      ...apiserverLeaf,
      sans: apiserverLeaf.sans!.slice(0, 3),
      authority: authorityIn(root, "ca"),
    });
    expect(await paramsOf(root, "san-missing")).toEqual({
      missing: [
        {
          kind: "ip",
          value: "192.0.2.11",
          source: "--advertise-address of /etc/kubernetes/manifests/kube-apiserver.yaml",
        },
        {
          kind: "ip",
          value: "10.96.0.1",
          source: "--service-cluster-ip-range of /etc/kubernetes/manifests/kube-apiserver.yaml",
        },
        { kind: "dns", value: "lb.example.internal", source: "/etc/kubernetes/admin.conf" },
      ],
    });
  });

  it("which certificate of a bundle signs", async () => {
    const root = await controlPlane();
    writeFileSync(
      pki(root, "ca.crt"),
      Buffer.concat([certificatePem(await stranger()), readFileSync(pki(root, "ca.crt"))]),
    );
    expect(await paramsOf(root, "authority-bundle")).toEqual({ count: 2, signing: 2 });
  });

  it("the CA's end beside that of a leaf that outlives it", async () => {
    const root = await controlPlane({ caValiditySeconds: 100 * 86_400 });
    expect(await paramsOf(root, "outlives-authority")).toEqual({
      notAfter: issuedAt + 365 * day,
      authority: "ca",
      authorityNotAfter: issuedAt + 100 * day,
    });
  });
});

describe("authorities in time", () => {
  it.each([
    ["authority-expired", { caValiditySeconds: 86_400 }],
    ["authority-expiring", { caValiditySeconds: 20 * 86_400 }],
    ["authority-not-yet-valid", { caIssuedAt: today + day }],
  ])("%s is told of each of the three", async (code, options) => {
    const lines = await linesOf(await controlPlane(options));
    expect(lines.filter((line) => line.includes(code))).toEqual([
      `critical ${code} ca`,
      `critical ${code} etcd-ca`,
      `critical ${code} front-proxy-ca`,
    ]);
  });
});

describe("the kubelet's certificate", () => {
  it("that is embedded says that rotation does not reach it, and is due like any other", async () => {
    const root = await controlPlane({ kubelet: "embedded" });
    expect(await linesOf(root)).toEqual(["info kubelet-embedded kubelet.conf"]);
    expect(await linesOf(root, issuedAt + 350 * day)).toContain("warning certificate-expiring kubelet.conf");
  });

  it("that is linked is a note while the kubelet can still renew it, critical afterwards", async () => {
    const root = await controlPlane();
    expect(await linesOf(root, issuedAt + 350 * day)).toContain("info certificate-expiring kubelet.conf");
    expect(await linesOf(root, issuedAt + 366 * day)).toContain("critical certificate-expired kubelet.conf");
  });
});

describe("an end that a renewal by name would not mend says what stands in the way", () => {
  const late = issuedAt + 366 * day;
  const obstacles = async (root: string): Promise<ReadonlyMap<string, unknown>> =>
    new Map(
      (await findingsOf(root, late)).flatMap((finding) =>
        finding.code === "certificate-expired" ? [[finding.name, finding.params.obstacle] as const] : [],
      ),
    );

  it("nothing on a whole node", async () => {
    const found = await obstacles(await controlPlane());
    expect(found.size).toBeGreaterThan(8);
    expect(new Set(found.values())).toEqual(new Set([undefined]));
  });

  it("a CA whose key is elsewhere, also for its copies; the kubelet's has a way of its own", async () => {
    const root = await controlPlane();
    rmSync(pki(root, "ca.key"));
    const found = await obstacles(root);
    expect(found.get("apiserver")).toEqual({ code: "authority-elsewhere", authority: "ca" });
    expect(found.get("root/.kube/config")).toEqual({ code: "authority-elsewhere", authority: "ca" });
    expect(found.get("kubelet.conf")).toEqual({ code: "kubelet-elsewhere", authority: "ca" });
    expect(found.get("etcd-server")).toBeUndefined();
  });

  it("a CA that cannot sign, and a key that cannot be loaded", async () => {
    const root = await controlPlane();
    cpSync(pki(root, "ca.key"), pki(root, "etcd/ca.key"));
    expect((await obstacles(root)).get("etcd-peer")).toEqual({
      code: "authority-not-usable",
      authority: "etcd-ca",
    });
  });

  it("a copy whose original cannot be read", async () => {
    const root = await controlPlane();
    writeFileSync(`${root}/etc/kubernetes/admin.conf`, "{");
    expect((await obstacles(root)).get("root/.kube/config")).toEqual({
      code: "original-unreadable",
      original: "admin.conf",
    });
    expect((await linesOf(root)).filter((line) => line.includes("copy-of-nothing"))).toEqual([]);
  });
});
