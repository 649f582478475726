// Times the reading of 100,000 certificates, ours and node's in turn; prints milliseconds as JSON.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseCertificate } from "../src/core/pki/certificate.ts";
import { subjectAltNames } from "../src/core/pki/extensions.ts";
import { commonName, parseName } from "../src/core/pki/names.ts";
import { parsePem } from "../src/core/pki/pem.ts";

const count = 100_000;
const nodeCount = 10_000;
const der = parsePem(readFileSync(process.argv[2] ?? "")).blocks[0]?.der ?? new Uint8Array();
let kept: unknown;

function time(rounds: number, work: () => void): number {
  const started = process.hrtime.bigint();
  for (let i = 0; i < rounds; i += 1) work();
  return Number(process.hrtime.bigint() - started) / 1e6;
}

function readOurs(): void {
  kept = parseCertificate(der);
}

function readOursFully(): void {
  const certificate = parseCertificate(der);
  kept = [
    commonName(parseName(certificate.subjectDer)),
    subjectAltNames(certificate),
    certificate.serialHex,
    certificate.notAfter,
  ];
}

function readNodes(): void {
  const certificate = new X509Certificate(der);
  kept = [certificate.subject, certificate.subjectAltName, certificate.serialNumber, certificate.validTo];
}

const result: Record<"ours" | "full" | "theirs", number[]> = { ours: [], full: [], theirs: [] };
for (let round = 0; round <= 5; round += 1) {
  const [ours, full, theirs] = [
    time(count, readOurs),
    time(count, readOursFully),
    time(nodeCount, readNodes) * (count / nodeCount),
  ];
  if (round === 0) continue;
  result.ours.push(ours);
  result.full.push(full);
  result.theirs.push(theirs);
}
if (kept === undefined) throw new Error("nothing was read");
console.log(JSON.stringify(result));
