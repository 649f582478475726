// A way to talk to etcd whatever has expired: a client certificate for one hour, signed in memory; the server known by its key.
import { parseAddress } from "../core/model/address.ts";
import { attempt, isAppError } from "../core/model/errors.ts";
import type { EtcdAccess } from "../core/model/live-step.ts";
import { issueLeaf } from "../core/pki/issue-anew.ts";
import {
  encodePrivateKey,
  isSamePublicKey,
  parseKeySpec,
  type PrivateKey,
  readPrivateKey,
} from "../core/pki/keys.ts";
import { encodePem, parsePem } from "../core/pki/pem.ts";
import { certificatesIn } from "../core/policy/observe.ts";
import { backdateMs, newSerial, wholeSeconds } from "./issuing.ts";
import type { EnginePorts } from "./ports/engine-ports.ts";
import type { EtcdTarget } from "./ports/live.ts";
import { type RunContext, viewOf } from "./run-context.ts";

const hourMs = 3_600_000;

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
  const [authorityPem, authorityKeyPem] = await Promise.all([
    read(ports, access.authorityCertificate),
    read(ports, access.authorityKey),
  ]);
  if (authorityKeyPem === null) return null;
  const issuerKey = readAndForget(authorityKeyPem);
  if (authorityPem === null) return null;
  const issuer = certificatesIn(authorityPem).find(({ spkiDer }) =>
    isSamePublicKey(spkiDer, issuerKey.spkiDer),
  );
  if (issuer === undefined) return null;
  const key = await keys.generate(parseKeySpec("ECDSA-P256"));
  const now = wholeSeconds(clock.now());
  const der = attempt(() =>
    issueLeaf({
      commonName: access.commonName,
      organizations: [],
      usages: ["clientAuth"],
      sans: [],
      issuer,
      issuerKey,
      publicKeySpki: key.spkiDer,
      serial: newSerial(randomness),
      notBefore: now - backdateMs,
      notAfter: Math.min(now + hourMs, Math.max(issuer.notAfter, now + backdateMs)),
    }),
  );
  // Signed by what may not sign, it would open no door either.
  if (isAppError(der)) return null;
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

async function storedIdentity(ports: EtcdPorts, { client }: EtcdAccess): Promise<Identity | null> {
  const [certificatePem, keyPem] = await Promise.all([
    read(ports, client?.certificate ?? null),
    read(ports, client?.key ?? null),
  ]);
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
