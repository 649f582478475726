// `extends`: a profile that says only what differs from another one.
import { AppError } from "../model/errors.ts";

/** Data of a profile.yaml before its parent is laid under it. */
export type ProfileSource = Readonly<Record<string, unknown>>;

/** Profiles in a row that a profile may extend: more is a circle. */
const maxGenerations = 4;

/**
 * The whole data of a profile. `params` and other maps are laid over the parent's by key, lists of named things by `name` (an entry of the
 * same name takes the parent's place, new ones come last); every other list takes the parent's place.
 * @throws AppError `profile-invalid` for a parent that is not there, or a circle
 */
export function extendProfile(
  source: ProfileSource,
  parentOf: (id: string) => ProfileSource | undefined,
  generation = 0,
): ProfileSource {
  const { extends: id, ...own } = source;
  if (id === undefined) return own;
  const profile = typeof own["id"] === "string" ? own["id"] : "";
  if (typeof id !== "string")
    throw new AppError("profile-invalid", { profile, reason: "extends: the id of a profile is expected" });
  const parent = parentOf(id);
  if (parent === undefined)
    throw new AppError("profile-invalid", { profile, reason: `it extends ${id}, which there is not` });
  if (generation === maxGenerations)
    throw new AppError("profile-invalid", { profile, reason: `it extends ${id}, and that never ends` });
  return { ...laidOver(extendProfile(parent, parentOf, generation + 1), own), extends: id };
}

function laidOver(base: ProfileSource, own: ProfileSource): ProfileSource {
  const entries = Object.entries(own).map(([key, value]) => [key, merged(base[key], value)] as const);
  return { ...base, ...Object.fromEntries(entries) };
}

function merged(base: unknown, own: unknown): unknown {
  if (isMap(base) && isMap(own)) return laidOver(base, own);
  if (!Array.isArray(base) || !Array.isArray(own) || !areNamed(base) || !areNamed(own)) return own;
  const byName = new Map(own.map((entry) => [entry.name, entry]));
  const kept = base.map((entry) => byName.get(entry.name) ?? entry);
  return [...kept, ...own.filter(({ name }) => !base.some((entry) => entry.name === name))];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function areNamed(list: readonly unknown[]): list is readonly { readonly name: unknown }[] {
  return list.every((entry) => isMap(entry) && "name" in entry);
}
