// The schema of profile.yaml. Used by the generator, `profile lint` and the tests; never on the hot path.
import * as v from "valibot";
import { AppError } from "../model/errors.ts";
import type { Profile } from "./profile.ts";

const text = v.pipe(v.string(), v.minLength(1));
const texts = v.array(text);
const path = v.pipe(text, v.regex(/^(\/|\{)/, "a path starts with / or a {parameter}"));
const organizations = v.array(texts);

const certificateFlags = v.strictObject({ of: text, certificate: text, key: v.optional(text) });

const writes = v.optional(v.array(v.strictObject({ before: v.optional(text), organizations: texts })));

const authority = v.strictObject({
  name: text,
  certificate: path,
  key: path,
  part: v.optional(v.picklist(["etcd"])),
  recreate: v.optional(text),
  flags: v.optional(v.array(certificateFlags), []),
});

const certificate = v.strictObject({
  name: text,
  certificate: path,
  key: path,
  authority: text,
  part: v.optional(v.picklist(["etcd", "etcd-client"])),
  commonNames: texts,
  organizations,
  writes,
  usages: texts,
  names: v.optional(v.picklist(["apiserver", "etcd-peer", "etcd-server"])),
  flags: v.optional(certificateFlags),
});

const kubeconfig = v.strictObject({
  name: text,
  path,
  authority: text,
  role: v.optional(v.picklist(["kubelet"])),
  optional: v.optional(v.boolean(), false),
  commonNames: texts,
  organizations,
  writes,
  flags: v.optional(certificateFlags),
});

const keyPair = v.strictObject({
  name: text,
  publicKey: path,
  privateKey: path,
  flags: v.optional(v.strictObject({ of: text, publicKey: text, privateKey: text })),
});

const apiCopy = v.strictObject({
  name: text,
  of: text,
  role: v.optional(v.picklist(["global"])),
  store: v.picklist(["config-map", "cluster-credential"]),
  namespace: v.nullable(text),
  object: v.nullable(text),
  certificate: text,
  key: text,
});

const id = v.pipe(text, v.regex(/^[a-z][a-z0-9-]*$/));

/** Of a profile that its parent was laid under. */
const profileSchema = v.strictObject({
  id,
  title: text,
  extends: v.optional(id),
  params: v.record(text, text),
  recognise: v.array(path),
  certain: v.optional(v.array(path)),
  marks: v.optional(v.array(path)),
  platform: v.optional(v.picklist(["tkestack"])),
  apiCopies: v.optional(v.array(apiCopy)),
  authorities: v.array(authority),
  certificates: v.array(certificate),
  kubeconfigs: v.array(kubeconfig),
  copies: v.strictObject({ of: texts, files: v.array(path), scan: v.array(path) }),
  backups: v.optional(
    v.strictObject({
      kubernetes: v.array(path),
      pki: v.array(path),
      kubeconfigs: v.array(path),
      kubelet: v.array(path),
      endings: texts,
    }),
  ),
  scan: v.array(path),
  keyPairs: v.array(keyPair),
  kubelet: v.strictObject({
    configuration: path,
    flags: path,
    servingCertificate: path,
    servingKey: path,
    rotatedServing: path,
    rotatedClient: path,
    bootstrap: v.optional(path),
  }),
  consumers: v.array(v.strictObject({ name: text, manifest: path, reads: texts })),
});

/** Checks data of a whole profile (`extendProfile`); throws `profile-invalid` naming the first offending field. */
export function validateProfile(name: string, data: unknown): Profile {
  const result = v.safeParse(profileSchema, data);
  if (!result.success) {
    const [issue] = result.issues;
    const where = v.getDotPath(issue) ?? "profile";
    throw new AppError("profile-invalid", { profile: name, reason: `${where}: ${issue.message}` });
  }
  assertReferences(name, result.output);
  return result.output;
}

function assertReferences(name: string, profile: Profile): void {
  const authorities = new Set(profile.authorities.map((a) => a.name));
  const slots = new Set([...profile.certificates, ...profile.kubeconfigs].map((s) => s.name));
  const fail = (reason: string): never => {
    throw new AppError("profile-invalid", { profile: name, reason });
  };
  for (const slot of [...profile.certificates, ...profile.kubeconfigs]) {
    if (!authorities.has(slot.authority)) fail(`${slot.name}: unknown authority ${slot.authority}`);
  }
  const references = [
    ...profile.consumers.flatMap((c) => c.reads),
    ...profile.copies.of,
    ...(profile.apiCopies ?? []).map((copy) => copy.of),
  ];
  const unknown = references.find((reference) => !slots.has(reference));
  if (unknown !== undefined) fail(`unknown certificate ${unknown}`);
}
