// The record of a pending request, read back: a damaged one is as good as none.
import { attempt, isAppError } from "../model/errors.ts";
import type { PendingRequest } from "../model/pending.ts";
import { isSelfSignedRequest, parseRequest, type CertificationRequest } from "../pki/csr.ts";
import { sha256Hex } from "../pki/fingerprints.ts";
import { parsePem } from "../pki/pem.ts";

export interface ParsedPending {
  readonly record: PendingRequest;
  readonly request: CertificationRequest;
}

const texts = ["node", "slot", "name", "algorithm", "spkiSha256", "createdAt", "csrPem"] as const;

/** null for whatever a whole record is not: cut off, of another format, its request for another key. */
export function parsePending(bytes: Uint8Array): ParsedPending | null {
  const data = parseJson(bytes);
  if (typeof data !== "object" || data === null || !isRecord(data)) return null;
  const request = readRequest(data.csrPem);
  if (request === null || sha256Hex(request.spkiDer) !== data.spkiSha256) return null;
  return isSelfSignedRequest(request) ? { record: data, request } : null;
}

function isRecord(data: object): data is PendingRequest {
  const fields = new Map<string, unknown>(Object.entries(data));
  const from = fields.get("from");
  return (
    fields.get("format") === "perennial/pending/v1" &&
    texts.every((name) => typeof fields.get(name) === "string") &&
    typeof from === "object" &&
    from !== null
  );
}

function readRequest(pem: string): CertificationRequest | null {
  const block = parsePem(new TextEncoder().encode(pem)).blocks.find(({ label }) => isRequestLabel(label));
  if (!block) return null;
  const request = attempt(() => parseRequest(block.der));
  return isAppError(request) ? null : request;
}

/** openssl's old tools wrote `NEW CERTIFICATE REQUEST`. */
export function isRequestLabel(label: string): boolean {
  return label === "CERTIFICATE REQUEST" || label === "NEW CERTIFICATE REQUEST";
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}
