// Throw-away control planes for tests: one healthy tree per process, fresh copies of it with the defects somebody wants.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkResult } from "../../src/app/check.ts";
import { gather, type ProfileChoice } from "../../src/app/gather.ts";
import { localNode, type LocalNode } from "../../src/app/local-node.ts";
import type { CheckResult } from "../../src/core/model/check.ts";
import type { AnyFinding } from "../../src/core/model/finding.ts";
import type { Facts } from "../../src/core/policy/facts.ts";
import { parseCertificate, type Certificate } from "../../src/core/pki/certificate.ts";
import { readPrivateKey } from "../../src/core/pki/keys.ts";
import { parsePem } from "../../src/core/pki/pem.ts";
import { parseKubeconfig } from "../../src/core/kubeconfig/kubeconfig.ts";
import { type ControlPlaneOptions, makeControlPlane } from "../../src/lab/control-plane.ts";
import {
  certificatePem,
  keyPem,
  type LabPair,
  type LeafRequest,
  makeKey,
  signLeaf,
} from "../../src/lab/lab-issuer.ts";

export const day = 86_400_000;
/** When the trees were made, and the day they are looked at. */
export const issuedAt = Date.UTC(2026, 0, 1);
export const today = issuedAt + 10 * day;

const made = new Map<string, Promise<string>>();

/** A fresh tree; equal options share one generation of keys. Removed with the process. */
export async function controlPlane(options: Partial<ControlPlaneOptions> = {}): Promise<string> {
  const key = JSON.stringify(options);
  const known = made.get(key) ?? generate(options);
  made.set(key, known);
  const copy = join(mkdtempSync(join(tmpdir(), "plane-")), "node");
  execFileSync("cp", ["-a", await known, copy]);
  return copy;
}

async function generate(options: Partial<ControlPlaneOptions>): Promise<string> {
  const directory = join(mkdtempSync(join(tmpdir(), "plane-")), "node");
  await makeControlPlane({
    directory,
    issuedAt,
    keySpec: "ECDSA-P256",
    kubernetesVersion: "1.31.0",
    ...options,
  });
  return directory;
}

export function nodeAt(root: string): LocalNode {
  return localNode({ root, stateDirectory: null, allowLinksTo: [], environment: {} });
}

/** What the command line chooses when nobody says anything. */
export const choice: ProfileChoice = { id: null, params: {} };

export async function factsOf(root: string, at = today): Promise<Facts> {
  return (await gather(nodeAt(root), choice, at)).facts;
}

export async function checked(root: string, at = today): Promise<CheckResult> {
  return checkResult(await factsOf(root, at), { withinMs: 30 * day, root });
}

export async function findingsOf(root: string, at = today): Promise<readonly AnyFinding[]> {
  return (await checked(root, at)).findings;
}

/** `critical certificate-expired apiserver`, without the two that a healthy tree of 1.31 has. */
export async function linesOf(root: string, at = today): Promise<readonly string[]> {
  return (await findingsOf(root, at))
    .map(({ severity, code, name }) => `${severity} ${code} ${name}`)
    .filter((line) => line !== "info holds-system-masters super-admin.conf");
}

export function pki(root: string, path: string): string {
  return join(root, "etc/kubernetes/pki", path);
}

/** An authority of the tree: `ca`, `etcd/ca`, `front-proxy-ca`. */
export function authorityIn(root: string, name: string): LabPair {
  return {
    certificateDer: certificateIn(pki(root, `${name}.crt`)).der,
    key: readPrivateKey(readFileSync(pki(root, `${name}.key`))),
  };
}

/** The first certificate of a PEM file, or of a kubeconfig's first user. */
export function certificateIn(path: string): Certificate {
  return certificatesIn(path)[0]!;
}

export function certificatesIn(path: string): readonly Certificate[] {
  return parsePem(pemIn(path, "certificate"))
    .blocks.filter(({ label }) => label === "CERTIFICATE")
    .map(({ der }) => parseCertificate(der));
}

/** Bytes of the key: a PEM file's own, or those of a kubeconfig's first user. */
export function keyIn(path: string): Buffer {
  return Buffer.from(pemIn(path, "key"));
}

function pemIn(path: string, what: "certificate" | "key"): Uint8Array {
  const bytes = readFileSync(path);
  if (!bytes.includes("apiVersion")) return bytes;
  const source = parseKubeconfig(bytes).users[0]?.[what];
  if (source?.form !== "embedded") throw new TypeError(`${path} embeds no ${what}`);
  return source.pem;
}

export const apiserverLeaf: LeafRequest = {
  commonName: "kube-apiserver",
  usages: ["serverAuth"],
  notBefore: issuedAt,
  notAfter: issuedAt + 365 * day,
  sans: [
    ...["kubernetes", "kubernetes.default", "kubernetes.default.svc", "lb.example.internal", "m1"].map(
      (value) => ({ kind: "dns", value }) as const,
    ),
    ...["10.96.0.1", "192.0.2.11"].map((value) => ({ kind: "ip", value }) as const),
  ],
};

/** Puts another pair in the place of one, signed by `authority`. Returns it. */
export async function replacePair(
  root: string,
  name: string,
  { authority, ...request }: LeafRequest & { readonly authority: LabPair },
): Promise<LabPair> {
  const key = await makeKey("ECDSA-P256");
  const pair = { certificateDer: signLeaf(authority, key, request), key };
  writeFileSync(pki(root, `${name}.crt`), certificatePem(pair));
  writeFileSync(pki(root, `${name}.key`), keyPem(pair));
  return pair;
}

/** Replaces text in a file of the tree; fails when it is not there. */
export function edit(root: string, path: string, from: string, to: string): void {
  const text = readFileSync(join(root, path), "utf8");
  if (!text.includes(from)) throw new TypeError(`${path} does not hold ${from}`);
  writeFileSync(join(root, path), text.replaceAll(from, to));
}
