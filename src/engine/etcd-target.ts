// A way to talk to etcd whatever has expired: a client certificate for one hour, signed in memory; the server known by its key.
import { parseAddress } from "../core/model/address.ts";
import type { EtcdAccess } from "../core/model/plan.ts";
import { parseCertificate, type Certificate } from "../core/pki/certificate.ts";
import { issueClientCertificate } from "../core/pki/issue-client.ts";
import { encodePrivateKey, isSamePublicKey, parseKeySpec, readPrivateKey } from "../core/pki/keys.ts";
import { encodePem, parsePem } from "../core/pki/pem.ts";
import type { EtcdTarget } from "./ports/live.ts";
import { type RunContext, viewOf } from "./run-context.ts";
import { newSerial } from "./steps/issue.ts";

const hourMs = 3_600_000;
/** For nodes whose clock is behind. */
const backdateMs = 5 * 60_000;

/** Runs `action` with a target whose key is overwritten afterwards. @throws AppError what the store throws, `key-malformed` */
export async function withEtcd<T>(
  context: RunContext,
  access: EtcdAccess,
  action: (target: EtcdTarget) => Promise<T>,
): Promise<T> {
  const issued = viewOf(context).issued.get(access.server);
  const identity = (await freshIdentity(context, access)) ?? (await storedIdentity(context, access));
  const serverKeys = [...access.serverKeys, ...(issued ? [issued.spkiSha256] : [])];
  try {
    return await action({ endpoints: access.endpoints, identity, serverKeys });
  } finally {
    identity?.keyPem.fill(0);
  }
}

type Identity = NonNullable<EtcdTarget["identity"]>;

async function freshIdentity(context: RunContext, access: EtcdAccess): Promise<Identity | null> {
  const { clock, keys, randomness } = context.ports;
  const [authorityPem, authorityKeyPem] = [
    await read(context, access.authorityCertificate),
    await read(context, access.authorityKey),
  ];
  if (authorityPem === null || authorityKeyPem === null) return null;
  const issuerKey = readPrivateKey(authorityKeyPem);
  authorityKeyPem.fill(0);
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

function signerAmong(pem: Uint8Array, spkiDer: Uint8Array): Certificate | null {
  const certificates = parsePem(pem)
    .blocks.filter(({ label }) => label === "CERTIFICATE")
    .map(({ der }) => parseCertificate(der));
  return certificates.find((each) => isSamePublicKey(each.spkiDer, spkiDer)) ?? null;
}

async function storedIdentity(context: RunContext, { client }: EtcdAccess): Promise<Identity | null> {
  const certificatePem = await read(context, client?.certificate ?? null);
  const keyPem = await read(context, client?.key ?? null);
  return certificatePem === null || keyPem === null ? null : { certificatePem, keyPem };
}

async function read({ ports }: RunContext, address: string | null): Promise<Uint8Array | null> {
  if (address === null) return null;
  const observation = await ports.store.read(parseAddress(address));
  return observation.state === "present" ? observation.bytes : null;
}
