// Samples and small helpers of the kubeconfig tests.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isAppError } from "../../../src/core/model/errors.ts";
import type { AppError } from "../../../src/core/model/errors.ts";

export function sample(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(import.meta.dirname, "samples", name)));
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

export function pem(content: string): Uint8Array {
  return bytesOf(`-----BEGIN CERTIFICATE-----\n${content}\n-----END CERTIFICATE-----\n`);
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** The AppError that `action` throws; anything else thrown, or nothing, fails the test. */
export function faultOf(action: () => unknown): Pick<AppError, "code" | "params"> {
  try {
    action();
  } catch (error) {
    if (isAppError(error)) return { code: error.code, params: error.params };
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** The longest any hostile input may take, in milliseconds; generous, as the machine may be busy. */
export const hostileMs = 3000;
