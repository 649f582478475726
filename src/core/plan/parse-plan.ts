// A saved plan, read back. Its digest is what protects it: the shape is checked far enough to compute one.
import type { Reason } from "../model/reasons.ts";
import { AppError } from "../model/errors.ts";
import type { Plan } from "../model/plan.ts";

const limitBytes = 4 * 1024 * 1024;
const lists = ["decisions", "notices", "refusals", "guards", "phases"] as const;
const texts = ["format", "toolVersion", "cluster", "root", "createdAt", "digest"] as const;

/** Throws `plan-invalid`: not JSON, not a plan, or of another format. The engine then holds the digest against the content. */
export function parsePlan(path: string, bytes: Uint8Array): Plan {
  const fail = (reason: Reason): never => {
    throw new AppError("plan-invalid", { path, reason });
  };
  if (bytes.length > limitBytes) fail(`larger than ${limitBytes} bytes`);
  const data = parseJson(bytes);
  if (!isRecord(data)) return fail("not a JSON object");
  if (data["format"] !== "perennial/plan/v1") fail("its format is not perennial/plan/v1");
  const lacking = [
    ...texts.filter((name) => typeof data[name] !== "string"),
    ...lists.filter((name) => !Array.isArray(data[name])),
    ...["profile", "request"].filter((name) => !isRecord(data[name])),
  ];
  if (lacking.length > 0) fail(`${lacking[0]} is missing`);
  return data as unknown as Plan;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
