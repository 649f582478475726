// The certificates that Kubernetes' processes make for themselves (k8s.io/client-go/util/cert, GenerateSelfSignedCertKey).
import { isIP } from "node:net";
import { certificatePem, keyPem, makeAuthority, makeLeaf } from "./lab-issuer.ts";

export interface ServingPair {
  readonly cert: string;
  readonly key: string;
}

/** RSA there; nobody looks at it, and each takes seconds on a busy machine. */
const algorithm = "ECDSA-P256";
const yearMs = 365 * 86_400_000;

/** A leaf of an authority that nobody keeps, both valid for a year; the file holds both. */
export async function makeSelfSigned(name: string, names: readonly string[]): Promise<ServingPair> {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const validity = { notBefore: now - 3_600_000, notAfter: now + yearMs };
  const authority = await makeAuthority(`${name}-ca@${now / 1000}`, algorithm, validity);
  const leaf = await makeLeaf(authority, algorithm, {
    ...validity,
    commonName: `${name}@${now / 1000}`,
    usages: ["serverAuth"],
    sans: names.map((value) => ({ kind: isIP(value) > 0 ? "ip" : "dns", value })),
  });
  const cert = Buffer.concat([certificatePem(leaf), certificatePem(authority)]).toString();
  return { cert, key: Buffer.from(keyPem(leaf)).toString() };
}
