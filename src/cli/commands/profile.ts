// `perennial profile list|show|lint`.
import { readFileSync } from "node:fs";
import { AppError } from "../../core/model/errors.ts";
import { builtinProfile, builtinProfileIds, builtinProfileSource } from "../../core/profile/builtin.ts";
import { extendProfile, type ProfileSource } from "../../core/profile/extend.ts";
import { resolveParams } from "../../core/profile/profile.ts";
import { cliMessages } from "../../report/cli-messages.ts";
import { renderYaml } from "../../report/data-text.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";

export async function runProfileList(io: Io): Promise<number> {
  const { profiles } = cliMessages(io.lang);
  const ids = builtinProfileIds();
  const width = Math.max(...ids.map((id) => id.length));
  for (const id of ids) io.out(`${id.padEnd(width)}  ${profiles[id] ?? builtinProfile(id).profile.title}\n`);
  return exitCodes.ok;
}

export async function runProfileShow(id: string, io: Io): Promise<number> {
  const { profile, digest } = builtinProfile(id);
  io.out(renderYaml({ ...profile, params: resolveParams(profile, {}), digest }));
  return exitCodes.ok;
}

export async function runProfileLint(path: string, io: Io): Promise<number> {
  const { parse } = await import("yaml");
  const { validateProfile } = await import("../../core/profile/schema.ts");
  const read = (): string => {
    try {
      return readFileSync(path, "utf8");
    } catch (cause) {
      const reason = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
      throw new AppError("input-unreadable", { path, reason }, { cause });
    }
  };
  const source = parseYamlOr(path, read(), parse);
  const whole = isMap(source) ? extendProfile(source, builtinProfileSource) : source;
  const profile = validateProfile(path, whole);
  resolveParams(profile, {});
  io.out(`${cliMessages(io.lang).profileOk(profile.id)}\n`);
  return exitCodes.ok;
}

function isMap(value: unknown): value is ProfileSource {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseYamlOr(path: string, text: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : "not YAML";
    throw new AppError("profile-invalid", { profile: path, reason }, { cause });
  }
}
