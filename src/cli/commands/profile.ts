// `perennial profile list|show|lint`.
import { readFileSync } from "node:fs";
import { AppError } from "../../core/model/errors.ts";
import { builtinProfile, builtinProfileIds } from "../../core/profile/builtin.ts";
import { resolveParams } from "../../core/profile/profile.ts";
import { cliMessages } from "../../report/cli-messages.ts";
import { renderYaml } from "../../report/data-text.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";

export async function runProfileList(io: Io): Promise<number> {
  for (const id of builtinProfileIds()) io.out(`${id}\n`);
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
  const profile = validateProfile(path, parseYamlOr(path, read(), parse));
  resolveParams(profile, {});
  io.out(`${cliMessages(io.lang).profileOk(profile.id)}\n`);
  return exitCodes.ok;
}

function parseYamlOr(path: string, text: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : "not YAML";
    throw new AppError("profile-invalid", { profile: path, reason }, { cause });
  }
}
