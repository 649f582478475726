// What tests of the engine ask of the tiny cluster's files.
import { parseKubeconfig } from "../../src/core/kubeconfig/kubeconfig.ts";
import { parseCertificate, type Certificate } from "../../src/core/pki/certificate.ts";
import { readPrivateKey, type PrivateKey } from "../../src/core/pki/keys.ts";
import { parsePem } from "../../src/core/pki/pem.ts";
import { keyMatches } from "../../src/core/pki/verify.ts";
import type { MemoryWorld } from "./memory-world.ts";
import { oldKeys, paths } from "./tiny-cluster.ts";

const pairs = [
  [paths.apiserver, paths.apiserverKey],
  [paths.etcdServer, paths.etcdServerKey],
  [paths.kubeletClient, paths.kubeletClientKey],
  [paths.node, paths.node],
] as const;

export function certificateAt(world: MemoryWorld, path: string): Certificate {
  const block = parsePem(world.files.get(path)!.bytes).blocks.find(({ label }) => label === "CERTIFICATE");
  return parseCertificate(block!.der);
}

/** Paths of certificates whose key does not match, kubeconfigs included. */
export function mismatches(world: MemoryWorld): readonly string[] {
  const files = pairs.flatMap(([certificate, key]) => {
    const { spkiDer } = readPrivateKey(world.files.get(key)!.bytes);
    return keyMatches(certificateAt(world, certificate), spkiDer) ? [] : [certificate];
  });
  const kubeconfigs = [paths.admin, paths.copy].filter((path) => {
    const user = parseKubeconfig(world.files.get(path)!.bytes).users[0]!;
    if (user.certificate?.form !== "embedded" || user.key?.form !== "embedded") return true;
    const certificate = parseCertificate(parsePem(user.certificate.pem).blocks[0]!.der);
    return !keyMatches(certificate, readPrivateKey(user.key.pem).spkiDer);
  });
  return [...files, ...kubeconfigs];
}

/** Files of the state directory, before-images aside, that hold bytes of any private key old or new. */
export function leaks(world: MemoryWorld): readonly string[] {
  const secrets = ["PRIVATE KEY", ...[...oldKeys(), ...world.generated].flatMap(secretsOf)];
  return [...world.state].flatMap(([name, bytes]) => {
    const text = Buffer.from(bytes).toString("latin1");
    return name.includes("/before/") || !secrets.some((secret) => text.includes(secret)) ? [] : [name];
  });
}

function secretsOf({ keyObject }: PrivateKey): readonly string[] {
  const jwk = keyObject.export({ format: "jwk" });
  const ders = [
    keyObject.export({ type: "pkcs8", format: "der" }),
    keyObject.export({ type: "sec1", format: "der" }),
  ];
  // Base64 of any part of the DER is cut at other places: the middle is what survives wrapping.
  return [
    jwk.d!,
    ...ders.flatMap((der) => [
      der.toString("base64"),
      der.toString("hex"),
      der.toString("base64").slice(0, 60),
    ]),
  ];
}
