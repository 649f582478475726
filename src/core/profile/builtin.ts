// The profiles that ship with Perennial.
import { AppError } from "../model/errors.ts";
import { profileData } from "./profiles.gen.ts";
import type { Profile } from "./profile.ts";

export interface BuiltinProfile {
  /** sha256 of the source text: part of a plan's digest. */
  readonly digest: string;
  readonly profile: Profile;
}

export function builtinProfileIds(): readonly string[] {
  return Object.keys(profileData);
}

/** The generated data was validated by the tests; optional fields get their defaults here. */
export function builtinProfile(id: string): BuiltinProfile {
  const entry = Object.hasOwn(profileData, id) ? profileData[id] : undefined;
  if (!entry) throw new AppError("profile-unknown", { profile: id, known: builtinProfileIds() });
  const raw = entry.data as Profile;
  const profile: Profile = {
    ...raw,
    authorities: raw.authorities.map((a) => ({ ...a, flags: a.flags ?? [] })),
    kubeconfigs: raw.kubeconfigs.map((k) => ({ ...k, optional: k.optional ?? false })),
  };
  return { digest: entry.digest, profile };
}
