// `lab expire`: every certificate issued again with the same key and names, but dates that are over; then everything is restarted,
// so that nobody lives on what was loaded before. First the pods, while the kubelet still can; the kubelet last, which then cannot.
// INPUTS, OUTPUTS: the certificates and kubeconfigs below each host's root; its containers and its kubelet
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Certificate, parseCertificate } from "../core/pki/certificate.ts";
import { isAuthority } from "../core/pki/extensions.ts";
import { AppError } from "../core/model/errors.ts";
import { issueCertificate } from "../core/pki/issue.ts";
import { isSamePublicKey, readPrivateKey, type PrivateKey } from "../core/pki/keys.ts";
import { commonName, parseName } from "../core/pki/names.ts";
import { encodePem, parsePem } from "../core/pki/pem.ts";
import { openCri } from "./cri-client.ts";
import { newSerial } from "./lab-issuer.ts";
import { type Lab, type LabHost, rootOf, socketOf } from "./places.ts";
import { endProcesses, startPart } from "./processes.ts";
import { statusOf } from "./status.ts";

export interface ExpireOptions {
  /** When the certificates end, ms since the epoch. */
  readonly at: number;
  /** Authorities too. */
  readonly authorities: boolean;
}

const yearMs = 365 * 86_400_000;
const graceSeconds = 10;
const restartMs = 30_000;

/** Resolves when the processes run, or have given up, with what is on disk now. */
export async function labExpire(lab: Lab, options: ExpireOptions): Promise<void> {
  for (const host of lab.hosts) {
    expireFiles([rootOf(lab, host)], options);
    await restartPods(lab, host, { isAlone: true });
    await endProcesses(lab, (one) => one.host === host.name && one.name === "kubelet");
    await startPart(lab, host, "kubelet");
  }
}

interface Authority {
  readonly certificate: Certificate;
  readonly key: PrivateKey;
}

/** Files of all hosts together: who has no authority's key has certificates of one that another has. */
export function expireFiles(roots: readonly string[], options: ExpireOptions): void {
  const files = roots.flatMap((root) =>
    filesOf(root, ["etc/kubernetes", "var/lib/kubelet/pki", "root/.kube"]),
  );
  const keys = files.flatMap((path) => keysIn(readFileSync(path)));
  const old = files.flatMap((path) => certificatesIn(readFileSync(path)));
  const authorities = old.filter(isAuthority).flatMap((certificate): readonly Authority[] => {
    const key = keys.find(({ spkiDer }) => isSamePublicKey(spkiDer, certificate.spkiDer));
    return key ? [{ certificate, key }] : [];
  });
  refuseWithoutKeys(files, authorities);
  const successors = new Map<string, Uint8Array>();
  for (const certificate of old) {
    const name = hexOf(certificate.der);
    const next = successors.has(name) ? null : expired(certificate, authorities, options);
    if (next) successors.set(name, next);
  }
  for (const path of files) replaceIn(path, successors);
}

/** What a CA of the cluster has signed would keep its dates without that CA's key. @throws AppError `lab-keys-missing` */
function refuseWithoutKeys(files: readonly string[], authorities: readonly Authority[]): void {
  const isKnown = ({ subjectDer }: Certificate): boolean =>
    authorities.some(({ certificate }) => hexOf(certificate.subjectDer) === hexOf(subjectDer));
  const names = files
    .filter((path) => /[/-]ca\.crt$/.test(path))
    .flatMap((path) => certificatesIn(readFileSync(path)))
    .filter((certificate) => !isKnown(certificate))
    .map(({ subjectDer }) => commonName(parseName(subjectDer)) ?? "?");
  if (names.length > 0) throw new AppError("lab-keys-missing", { authorities: [...new Set(names)] });
}

/** null for an authority that stays, and for a certificate whose authority's key is not here. */
function expired(
  old: Certificate,
  authorities: readonly Authority[],
  options: ExpireOptions,
): Uint8Array | null {
  if (isAuthority(old) && !options.authorities) return null;
  const issuer = authorities.find(
    ({ certificate }) => hexOf(certificate.subjectDer) === hexOf(old.issuerDer),
  );
  if (!issuer) return null;
  const notAfter = Math.floor(options.at / 1000) * 1000;
  const oldest = isAuthority(old) ? Math.min(old.notBefore, notAfter - yearMs) : issuer.certificate.notBefore;
  return issueCertificate({
    serial: isAuthority(old) ? old.serial : newSerial(),
    issuerDer: old.issuerDer,
    subjectDer: old.subjectDer,
    spkiDer: old.spkiDer,
    notBefore: Math.min(Math.max(oldest, notAfter - yearMs), notAfter - 1000),
    notAfter,
    extensionsDer: old.extensions.map(({ der }) => der),
    issuerKey: issuer.key,
  });
}

/** In place: the very bytes of the certificates, in PEM blocks and in a kubeconfig's base64. */
function replaceIn(path: string, successors: ReadonlyMap<string, Uint8Array>): void {
  const bytes = readFileSync(path);
  const { mode } = statSync(path);
  const text = bytes.toString("latin1");
  const embedded = text.replaceAll(/(-data: )([A-Za-z0-9+/=]+)/g, (whole, head: string, data: string) => {
    const pem = Buffer.from(data, "base64");
    return pem.includes("BEGIN CERTIFICATE")
      ? `${head}${withSuccessors(pem, successors).toString("base64")}`
      : whole;
  });
  const next = withSuccessors(Buffer.from(embedded, "latin1"), successors);
  if (!next.equals(bytes)) writeFileSync(path, next, { mode });
}

function withSuccessors(bytes: Buffer, successors: ReadonlyMap<string, Uint8Array>): Buffer {
  const text = bytes.toString("latin1");
  const next = text.replaceAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g, (block) => {
    const [first] = parsePem(Buffer.from(block, "latin1")).blocks;
    const der = first && successors.get(hexOf(first.der));
    return der ? Buffer.from(encodePem("CERTIFICATE", der)).toString("latin1") : block;
  });
  return Buffer.from(next, "latin1");
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** Regular files; links lead to one of them. */
function filesOf(root: string, folders: readonly string[]): readonly string[] {
  const present = folders.filter((folder) => existsSync(join(root, folder)));
  return present.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
}

/** Blocks of the file itself and of what a kubeconfig embeds. */
function blocksIn(bytes: Uint8Array): ReturnType<typeof parsePem>["blocks"] {
  const text = Buffer.from(bytes).toString("latin1");
  const embedded = [...text.matchAll(/-data: ([A-Za-z0-9+/=]+)/g)].map(([, data = ""]) =>
    Buffer.from(data, "base64"),
  );
  return [bytes, ...embedded].flatMap((piece) => parsePem(piece).blocks);
}

function certificatesIn(bytes: Uint8Array): readonly Certificate[] {
  return blocksIn(bytes)
    .filter(({ label }) => label === "CERTIFICATE")
    .map(({ der }) => parseCertificate(der));
}

function keysIn(bytes: Uint8Array): readonly PrivateKey[] {
  return blocksIn(bytes)
    .filter(({ label }) => label.endsWith("PRIVATE KEY"))
    .map(({ label, der }) => readPrivateKey(encodePem(label, der)));
}

/** `isAlone`: the only member of its etcd. Pods are stopped and removed; the kubelet, which still lives, makes them again. */
export async function restartPods(
  lab: Lab,
  host: LabHost,
  { isAlone }: { readonly isAlone: boolean },
): Promise<void> {
  const cri = openCri(socketOf(lab, host));
  const [containers, sandboxes] = [await cri.containers(), await cri.sandboxes()];
  await Promise.all(
    sandboxes.map(async (sandbox) => {
      const inside = containers.filter(({ sandboxId }) => sandboxId === sandbox.id);
      await Promise.all(inside.map(({ id }) => cri.stopContainer(id, graceSeconds)));
      await cri.removeSandbox(sandbox.id);
    }),
  );
  const before = new Set(sandboxes.map(({ id }) => id));
  const end = performance.now() + restartMs;
  while (performance.now() < end) {
    const fresh = (await cri.containers()).filter(({ sandboxId }) => !before.has(sandboxId));
    // One member of several never gets well again: the others refuse it.
    if (fresh.length >= before.size && (!isAlone || (await isEtcdWell(lab, host)))) break;
    await sleep(100);
  }
  cri.close();
}

async function isEtcdWell(lab: Lab, host: LabHost): Promise<boolean> {
  const { parts } = await statusOf(lab, host);
  return parts.some(({ name, ailment }) => name === "etcd" && ailment === null);
}
