// Step kind `issue`: all keys first, all at once; each certificate is signed as its key arrives. Nothing leaves memory.
import { authoritySlotOf, findAuthority, issuedHere } from "../../core/plan/authority.ts";
import { embeddedKey } from "../../core/plan/extract.ts";
import { oldCertificate } from "../../core/plan/verify-set.ts";
import { issueSteps } from "../../core/plan/steps.ts";
import { AppError, attempt, isAppError } from "../../core/model/errors.ts";
import type { IssueStep, IssueTemplate, MakingStep } from "../../core/model/making-step.ts";
import type { Plan } from "../../core/model/plan.ts";
import type { Issued } from "../../core/model/run.ts";
import { parseCertificate, type Certificate } from "../../core/pki/certificate.ts";
import { sha256Hex } from "../../core/pki/fingerprints.ts";
import { renewCertificate } from "../../core/pki/issue.ts";
import { issueAuthority, issueLeaf } from "../../core/pki/issue-anew.ts";
import {
  encodePrivateKey,
  parseKeySpec,
  readPrivateKey,
  type KeyFormat,
  type PrivateKey,
} from "../../core/pki/keys.ts";
import { keyMatches } from "../../core/pki/verify.ts";
import type { EnginePorts } from "../ports/engine-ports.ts";
import { backdateMs, newSerial, wholeSeconds } from "../issuing.ts";
import { checkSignal, type RunContext, type RunMemory } from "../run-context.ts";
import { nothingToUndo, type StepHandler } from "./step-handler.ts";

export const issue: StepHandler<IssueStep> = {
  changesLive: false,
  apply: issueAll,
  // Behind `all-staged` certificates lie staged or live, and the journal has their public facts.
  recover: async () => {},
  prepareUndo: nothingToUndo,
};

async function issueAll(context: RunContext, steps: readonly IssueStep[]): Promise<void> {
  checkSignal(context);
  const issuers = issuersOf(context);
  const signAll = (some: readonly IssueStep[]): Promise<readonly ReturnType<typeof sign>[]> =>
    Promise.all(some.map(async (step) => sign(context, { step, issuers, key: await keyFor(context, step) })));
  const isAuthority = ({ template }: IssueStep): boolean => template.form === "authority";
  // Who signs others comes first.
  const issued = [
    ...(await signAll(steps.filter(isAuthority))),
    ...(await signAll(steps.filter((step) => !isAuthority(step)))),
  ];
  checkSignal(context);
  await context.journal.append(
    ...issued.map(({ step, facts }) => ({ type: "issued", step: step.id, issued: facts }) as const),
  );
  for (const { step, facts } of issued) {
    context.tell({ type: "issued", name: step.name, issued: facts });
    context.tell({ type: "step-done", phase: "issue", step, changed: true });
  }
  await context.ports.failpoints.hit("run.after-issue");
}

/** Begins to make every key of the plan that is not begun yet; a failure is met where the key is asked for. */
export function startKeys(
  ports: Pick<EnginePorts, "keys">,
  plan: Plan,
  begun: RunMemory["keys"] = new Map(),
): RunMemory["keys"] {
  for (const step of issueSteps(plan)) {
    if (step.key.mode !== "generate" || begun.has(step.id)) continue;
    const key = ports.keys.generate(parseKeySpec(step.key.algorithm));
    key.catch(() => {});
    begun.set(step.id, key);
  }
  return begun;
}

/** Keys of authorities by address, each read and checked once; they live as long as the step. */
interface Issuers {
  keyAt(address: string): PrivateKey;
}

function issuersOf(context: RunContext): Issuers {
  const bytes = foundBytes(context);
  const known = new Map<string, PrivateKey>();
  return {
    keyAt(address) {
      const key = known.get(address) ?? readPrivateKey(bytes.get(address) ?? new Uint8Array());
      known.set(address, key);
      return key;
    },
  };
}

function keyFor(context: RunContext, step: IssueStep): Promise<PrivateKey> {
  const begun = context.memory.keys.get(step.id);
  if (begun) return begun;
  const old = oldKey(foundBytes(context), step.template);
  if (old === null) throw new AppError("step-failed", { step: step.id, reason: "there is no key to keep" });
  return Promise.resolve(old);
}

function sign(
  context: RunContext,
  { step, issuers, key }: { readonly step: IssueStep; readonly issuers: Issuers; readonly key: PrivateKey },
): { readonly step: IssueStep; readonly facts: Issued } {
  const old = oldOf(context, step);
  const keyKept = step.key.mode === "keep";
  if (keyKept && (old === null || !keyMatches(old, key))) {
    throw new AppError("step-failed", {
      step: step.id,
      reason: "the key to keep does not match the certificate",
    });
  }
  const certificateDer = certify(context, step, { old, key, issuers });
  const format = keyKept ? key.format : (oldFormat(context, step) ?? key.format);
  const keyPem = encodePrivateKey(key.keyObject, format);
  context.memory.material.set(step.slot, { certificateDer, keyPem, keyKept });
  return { step, facts: factsOf(step, parseCertificate(certificateDer)) };
}

/** null for what is made without an old certificate. */
function oldOf(context: RunContext, { slot, template }: IssueStep): Certificate | null {
  if (template.form === "profile" || template.form === "authority") return null;
  return oldCertificate(foundBytes(context), { slot, template });
}

function certify(
  context: RunContext,
  step: IssueStep,
  {
    old,
    key,
    issuers,
  }: { readonly old: Certificate | null; readonly key: PrivateKey; readonly issuers: Issuers },
): Uint8Array {
  const now = context.ports.clock.now();
  const common = {
    serial: newSerial(context.ports.randomness),
    notBefore: wholeSeconds(now - backdateMs),
    notAfter: wholeSeconds(Math.min(now + step.validitySeconds * 1000, step.notAfterCap)),
  };
  const { template } = step;
  if (template.form === "authority")
    return issueAuthority({ ...common, commonName: template.commonName, key });
  const signed = { ...common, ...issuerOf(context, step, issuers), publicKeySpki: key.spkiDer };
  if (template.form === "profile") return issueLeaf({ ...signed, ...template, sans: step.addSans });
  if (old === null) throw new TypeError(`${step.id} has a template and no old certificate`);
  return renewCertificate({ ...signed, old, addSans: step.addSans });
}

function issuerOf(
  context: RunContext,
  step: IssueStep,
  issuers: Issuers,
): { readonly issuer: Certificate; readonly issuerKey: PrivateKey } {
  if (step.authoritySha256 === issuedHere) {
    const made = context.memory.material.get(authoritySlotOf(step));
    if (!made) throw new AppError("step-failed", { step: step.id, reason: `${step.authority} was not made` });
    return { issuer: parseCertificate(made.certificateDer), issuerKey: readPrivateKey(made.keyPem) };
  }
  const bytes = foundBytes(context);
  return {
    issuer: findAuthority(bytes.get(step.authorityCertificate) ?? new Uint8Array(), step),
    issuerKey: issuers.keyAt(step.authorityKey),
  };
}

/** A new key is stored as the old one was; one that is gone or damaged says nothing, an encrypted one stops the run. */
function oldFormat(context: RunContext, step: IssueStep): KeyFormat | null {
  const old = attempt(() => oldKey(foundBytes(context), step.template));
  if (isAppError(old, "key-encrypted")) throw old;
  return isAppError(old) ? null : (old?.format ?? null);
}

/** null when there is none; an old key that cannot be read is an error: whoever wants to keep it must not guess around it. */
export function oldKey(bytes: ReadonlyMap<string, Uint8Array>, template: IssueTemplate): PrivateKey | null {
  if (template.form === "profile" || template.form === "authority") return null;
  const at = template.form === "pem" ? template.key : template.file;
  const object = at === null ? undefined : bytes.get(at);
  if (object === undefined) return null;
  const pem = template.form === "pem" ? object : embeddedKey(object, template.user);
  return pem === null ? null : readPrivateKey(pem);
}

/** Bytes of the objects that the guards found. */
export function foundBytes({ found }: RunContext): ReadonlyMap<string, Uint8Array> {
  const present = [...found].flatMap(([address, observation]) =>
    observation.state === "present" ? [[address, observation.bytes] as const] : [],
  );
  return new Map(present);
}

/** Public facts for the journal. */
export function factsOf(step: MakingStep, certificate: Certificate): Issued {
  return {
    slot: step.slot,
    serialHex: certificate.serialHex,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    spkiSha256: sha256Hex(certificate.spkiDer),
    certificateSha256: sha256Hex(certificate.der),
  };
}
