// The profiles that ship with Perennial.
import { AppError } from "../model/errors.ts";
import { extendProfile, type ProfileSource } from "./extend.ts";
import { profileData } from "./profiles.gen.ts";
import type { Profile } from "./profile.ts";

export interface BuiltinProfile {
  /** sha256 of the source text, and of the texts it extends: part of a plan's digest. */
  readonly digest: string;
  readonly profile: Profile;
}

export function builtinProfileIds(): readonly string[] {
  return Object.keys(profileData);
}

/** What says more comes first: a node that a profile fits also has the marks of the one it extends. */
export function profilesToTry(): readonly string[] {
  const ids = builtinProfileIds();
  const generations = (id: string): number => {
    const parent = builtinProfileSource(id)?.["extends"];
    return typeof parent === "string" ? 1 + generations(parent) : 0;
  };
  return ids.toSorted((a, b) => generations(b) - generations(a));
}

/** As its file says it. */
export function builtinProfileSource(id: string): ProfileSource | undefined {
  return Object.hasOwn(profileData, id) ? (profileData[id]?.data as ProfileSource) : undefined;
}

/** The generated data was validated by the tests; optional fields get their defaults here. */
export function builtinProfile(id: string): BuiltinProfile {
  const entry = Object.hasOwn(profileData, id) ? profileData[id] : undefined;
  if (!entry) throw new AppError("profile-unknown", { profile: id, known: builtinProfileIds() });
  const raw = extendProfile(entry.data as ProfileSource, builtinProfileSource) as unknown as Profile;
  const profile: Profile = {
    ...raw,
    authorities: raw.authorities.map((a) => ({ ...a, flags: a.flags ?? [] })),
    kubeconfigs: raw.kubeconfigs.map((k) => ({ ...k, optional: k.optional ?? false })),
  };
  return { digest: entry.digest, profile };
}
