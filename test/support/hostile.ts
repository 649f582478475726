// Hostile input for the command line: broken trees, forged certificates, and what every answer must hold to.
import { createHash, createPrivateKey, sign } from "node:crypto";
import { lstatSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { encodeSequence, encodeTlv } from "../../src/core/pki/der.ts";
import { encodeBitString, encodeOctetString, encodeOid } from "../../src/core/pki/der-values.ts";
import { parseCertificate } from "../../src/core/pki/certificate.ts";
import { encodePem, parsePem } from "../../src/core/pki/pem.ts";
import { type CliOptions, type CliResult, runCli } from "./cli.ts";

/** The fixtures' day: `kubeadm-valid` is fresh, the expired ones are long dead. */
export const today = Date.parse("2026-11-22T16:00:00Z");

export const pki = "etc/kubernetes/pki";
export const limitMs = 2000;
/** Beyond it nothing is explained by a machine that starts processes and loads modules slowly. */
const hangingMs = 10_000;

/** Runs a command on a tree and holds its answer against what every answer must be. */
export async function ask(
  root: string,
  words: readonly string[],
  options: CliOptions & { readonly slow?: boolean } = {},
): Promise<CliResult> {
  const keys = secretsOf(root);
  const startedAt = performance.now();
  const result = await runCli([...words, "--root", root], { now: today, ...options });
  const tookMs = performance.now() - startedAt;
  expectClean(result, [...keys, ...secretsOf(root)]);
  if (options.slow !== true) expect(tookMs).toBeLessThan(tookMs < limitMs ? limitMs : hangingMs * slowdown());
  return result;
}

/** How much longer than its time on a processor a piece of work takes here and now: others may be at work on this machine, too. */
function slowdown(): number {
  const busyMs = 50;
  const startedAt = performance.now();
  const before = process.cpuUsage();
  for (let spent = 0; spent < busyMs * 1000;) {
    const { user, system } = process.cpuUsage(before);
    spent = user + system;
  }
  return Math.max(1, (performance.now() - startedAt) / busyMs);
}

/** No key bytes, nothing that moves a cursor or hides text, no stack trace, and an error names its next step. */
export function expectClean({ out, err }: CliResult, secrets: readonly string[] = []): void {
  const all = out + err;
  // oxlint-disable-next-line no-control-regex
  expect(all).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u);
  expect(all).not.toMatch(/internal error|\n\s+at .*\.ts:\d/);
  for (const secret of secrets) expect(all.includes(secret), "key bytes in the output").toBe(false);
  if (err.includes("error:")) expect(err).toContain("hint:");
}

/** Pieces of every private key below a directory, as they would look in an output: base64, and base64 of the base64. */
export function secretsOf(root: string): readonly string[] {
  return filesBelow(root).flatMap((path) => {
    const text = readFileSync(path, "latin1");
    const embedded = [...text.matchAll(/client-key-data: *([A-Za-z0-9+/=]{60,})/g)].map(
      ([, data = ""]) => data,
    );
    const pems = [text, ...embedded.map((data) => Buffer.from(data, "base64").toString("latin1"))];
    const lines = pems.flatMap((pem) =>
      [...pem.matchAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n([\s\S]*?)-----END/g)].flatMap(
        ([, body = ""]) => body.split(/\r?\n/).filter((line) => /^[A-Za-z0-9+/=]{40,}$/.test(line)),
      ),
    );
    return [...embedded.map((data) => data.slice(60, 110)), ...lines.map((line) => line.slice(0, 40))].filter(
      (piece) => piece.length >= 40,
    );
  });
}

function filesBelow(dir: string): readonly string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    // A name that is no UTF-8 comes back as one that is not there.
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory()) return filesBelow(path);
    return stats?.isFile() && stats.size < 1024 * 1024 ? [path] : [];
  });
}

export interface FoundFinding {
  readonly code: string;
  readonly severity: string;
  readonly slot: string | null;
  readonly name: string;
  readonly address: { readonly node: string; readonly path: string };
  readonly params: Readonly<Record<string, unknown>>;
}

export interface CheckAnswer extends CliResult {
  readonly findings: readonly FoundFinding[];
}

/** `check -o json`: the exit code and every finding from warning up. */
export async function checkTree(
  root: string,
  words: readonly string[] = [],
  now = today,
): Promise<CheckAnswer> {
  const result = await ask(root, ["check", "-o", "json", ...words], { now });
  const data = JSON.parse(result.out) as { readonly findings: readonly FoundFinding[] };
  return { ...result, findings: data.findings.filter(({ severity }) => severity !== "info") };
}

/** `CRITICAL certificate-broken apiserver`, sorted. */
export function summary({ findings }: CheckAnswer): readonly string[] {
  return findings.map(({ code, severity, name }) => `${severity} ${code} ${name}`).sort();
}

/** Like /^renew|follow|keep/ of every decision of `plan -o json`, and the refusals. */
export async function planTree(
  root: string,
  words: readonly string[] = [],
): Promise<
  CliResult & { readonly decisions: Readonly<Record<string, string>>; readonly refusals: readonly string[] }
> {
  const result = await ask(root, ["plan", "-o", "json", ...words]);
  if (result.out === "") return { ...result, decisions: {}, refusals: [] };
  const plan = JSON.parse(result.out) as {
    readonly decisions: readonly {
      readonly slot: string;
      readonly action: string;
      readonly reasons: readonly { readonly code: string }[];
    }[];
    readonly refusals: readonly { readonly code: string; readonly slot: string }[];
  };
  const decisions = plan.decisions.map(({ slot, action, reasons }) => [
    slot.slice(slot.indexOf("/") + 1),
    `${action}: ${reasons.map(({ code }) => code).join("+")}`,
  ]);
  return {
    ...result,
    decisions: Object.fromEntries(decisions) as Readonly<Record<string, string>>,
    refusals: [
      ...new Set(plan.refusals.map(({ code, slot }) => `${code} ${slot.slice(slot.indexOf("/") + 1)}`)),
    ],
  };
}

export interface Forgery {
  /** Content bytes of the INTEGER. */
  readonly serial?: Uint8Array;
  readonly version?: 1 | 2 | 3;
  /** `[OID, value]`, each an attribute of its own; default the old subject. */
  readonly subject?: readonly (readonly [string, string])[];
  /** DER of the times. */
  readonly notBefore?: Uint8Array;
  readonly notAfter?: Uint8Array;
  readonly spkiDer?: Uint8Array;
  /** Extensions to add, as DER. */
  readonly add?: readonly Uint8Array[];
  readonly without?: readonly string[];
  readonly issuerDer?: Uint8Array;
}

/** A certificate like the first one in `path`, with the parts of `forgery` instead, signed with the PEM key given. */
export function forge(path: string, forgery: Forgery, signerKeyPem: Buffer): Buffer {
  const old = parseCertificate(parsePem(readFileSync(path)).blocks[0]?.der ?? new Uint8Array());
  const key = createPrivateKey(signerKeyPem);
  const algorithm =
    key.asymmetricKeyType === "rsa"
      ? encodeSequence(encodeOid("1.2.840.113549.1.1.11"), encodeTlv(0x05))
      : encodeSequence(encodeOid("1.2.840.10045.4.3.2"));
  const version = forgery.version ?? 3;
  const kept = old.extensions
    .filter(({ oid }) => forgery.without?.includes(oid) !== true)
    .map(({ der }) => der);
  const extensions = [...kept, ...(forgery.add ?? [])];
  const tbs = encodeSequence(
    ...(version === 1 ? [] : [encodeTlv(0xa0, encodeTlv(0x02, Uint8Array.of(version - 1)))]),
    encodeTlv(0x02, forgery.serial ?? old.serial),
    algorithm,
    forgery.issuerDer ?? old.issuerDer,
    encodeSequence(
      forgery.notBefore ?? generalizedTime("20240101000000Z"),
      forgery.notAfter ?? generalizedTime("20991231235959Z"),
    ),
    forgery.subject ? nameDer(forgery.subject) : old.subjectDer,
    forgery.spkiDer ?? old.spkiDer,
    ...(version === 3 && extensions.length > 0 ? [encodeTlv(0xa3, encodeSequence(...extensions))] : []),
  );
  const signature = sign("sha256", tbs, key);
  return Buffer.from(encodePem("CERTIFICATE", encodeSequence(tbs, algorithm, encodeBitString(signature))));
}

export function generalizedTime(text: string): Uint8Array {
  return encodeTlv(0x18, Buffer.from(text));
}

export function utcTime(text: string): Uint8Array {
  return encodeTlv(0x17, Buffer.from(text));
}

export function extension(oid: string, value: Uint8Array): Uint8Array {
  return encodeSequence(encodeOid(oid), encodeOctetString(value));
}

/** UTF8Strings, one attribute per relative name. */
export function nameDer(attributes: readonly (readonly [string, string])[]): Uint8Array {
  return encodeSequence(
    ...attributes.map(([oid, value]) =>
      encodeTlv(0x31, encodeSequence(encodeOid(oid), encodeTlv(0x0c, Buffer.from(value)))),
    ),
  );
}

/** Puts a forged certificate in the place of a tree's certificate, signed by the CA of that tree. */
export function plant(root: string, name: string, forgery: Forgery, authority = "ca"): void {
  const path = join(root, pki, `${name}.crt`);
  writeFileSync(path, forge(path, forgery, readFileSync(join(root, pki, `${authority}.key`))));
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
