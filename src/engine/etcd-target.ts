// A way to talk to etcd whatever has expired: a client certificate for one hour, signed in memory; the server known by its key.
import { parseAddress } from "../core/model/address.ts";
import type { EtcdAccess } from "../core/model/plan.ts";
import { parseCertificate, type Certificate } from "../core/pki/certificate.ts";
import { issueClientCertificate } from "../core/pki/issue-client.ts";
import {
  encodePrivateKey,
  isSamePublicKey,
  parseKeySpec,
  type PrivateKey,
  readPrivateKey,
} from "../core/pki/keys.ts";
import { encodePem, parsePem } from "../core/pki/pem.ts";
import type { EnginePorts } from "./ports/engine-ports.ts";
import type { EtcdTarget } from "./ports/live.ts";
import { type RunContext, viewOf } from "./run-context.ts";
import { newSerial } from "./steps/issue.ts";

const hourMs = 3_600_000;
/** For nodes whose clock is behind. */
const backdateMs = 5 * 60_000;

/** What it takes to sign a certificate for an hour. */
export type EtcdPorts = Pick<EnginePorts, "store" | "clock" | "keys" | "randomness">;

/** Runs `action` with a target whose key is overwritten afterwards. @throws AppError what the store throws, `key-malformed` */
export async function withEtcd<T>(
  context: RunContext,
  access: EtcdAccess,
  action: (target: EtcdTarget) => Promise<T>,
): Promise<T> {
  const issued = viewOf(context).issued.get(access.server);
  const serverKeys = [...access.serverKeys, ...(issued ? [issued.spkiSha256] : [])];
  return withEtcdTarget(context.ports, { ...access, serverKeys }, action);
}

/** The same outside of a run. */
export async function withEtcdTarget<T>(
  ports: EtcdPorts,
  access: EtcdAccess,
  action: (target: EtcdTarget) => Promise<T>,
): Promise<T> {
  const identity = (await freshIdentity(ports, access)) ?? (await storedIdentity(ports, access));
  const { endpoints, serverKeys } = access;
  try {
    return await action({ endpoints, identity, serverKeys });
  } finally {
    identity?.keyPem.fill(0);
  }
}

type Identity = NonNullable<EtcdTarget["identity"]>;

async function freshIdentity(ports: EtcdPorts, access: EtcdAccess): Promise<Identity | null> {
  const { clock, keys, randomness } = ports;
  const [authorityPem, authorityKeyPem] = [
    await read(ports, access.authorityCertificate),
    await read(ports, access.authorityKey),
  ];
  if (authorityKeyPem === null) return null;
  const issuerKey = readAndForget(authorityKeyPem);
  if (authorityPem === null) return null;
  const issuer = signerAmong(authorityPem, issuerKey.spkiDer);
  if (issuer === null) return null;
  const key = await keys.generate(parseKeySpec("ECDSA-P256"));
  const now = Math.floor(clock.now() / 1000) * 1000;
  const der = issueClientCertificate({
    commonName: access.commonName,
    issuer,
    issuerKey,
    spkiDer: key.spkiDer,
    serial: newSerial(randomness),
    notBefore: now - backdateMs,
    notAfter: Math.min(now + hourMs, Math.max(issuer.notAfter, now + backdateMs)),
  });
  return {
    certificatePem: encodePem("CERTIFICATE", der),
    keyPem: encodePrivateKey(key.keyObject, "pkcs8"),
  };
}

function readAndForget(keyPem: Uint8Array): PrivateKey {
  try {
    return readPrivateKey(keyPem);
  } finally {
    keyPem.fill(0);
  }
}

function signerAmong(pem: Uint8Array, spkiDer: Uint8Array): Certificate | null {
  const certificates = parsePem(pem)
    .blocks.filter(({ label }) => label === "CERTIFICATE")
    .map(({ der }) => parseCertificate(der));
  return certificates.find((each) => isSamePublicKey(each.spkiDer, spkiDer)) ?? null;
}

async function storedIdentity(ports: EtcdPorts, { client }: EtcdAccess): Promise<Identity | null> {
  const certificatePem = await read(ports, client?.certificate ?? null);
  const keyPem = await read(ports, client?.key ?? null);
  return certificatePem === null || keyPem === null
    ? null
    : { certificatePem: asPem(certificatePem), keyPem };
}

/** What a CA elsewhere has sent may be DER. */
function asPem(bytes: Uint8Array): Uint8Array {
  const isPem = parsePem(bytes).blocks.some(({ label }) => label === "CERTIFICATE");
  return isPem ? bytes : encodePem("CERTIFICATE", bytes);
}

async function read({ store }: EtcdPorts, address: string | null): Promise<Uint8Array | null> {
  if (address === null) return null;
  const observation = await store.read(parseAddress(address));
  return observation.state === "present" ? observation.bytes : null;
}
