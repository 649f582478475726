// Step kind `take`: a certificate that stays as it is, with its key, as material for the copies that follow it.
import { certificateAt, embeddedCertificate, embeddedKey } from "../../core/plan/extract.ts";
import { parseKubeconfig } from "../../core/kubeconfig/kubeconfig.ts";
import { AppError } from "../../core/model/errors.ts";
import type { TakeStep } from "../../core/model/making-step.ts";
import type { Certificate } from "../../core/pki/certificate.ts";
import { encodePrivateKey, readPrivateKey } from "../../core/pki/keys.ts";
import { keyMatches } from "../../core/pki/verify.ts";
import { type RunContext, checkSignal } from "../run-context.ts";
import { foundBytes } from "./issue.ts";
import { type StepHandler, nothingToUndo } from "./step-handler.ts";

export const take: StepHandler<TakeStep> = {
  changesLive: false,
  apply: takeAll,
  // Behind `all-staged` the copies lie staged or live.
  recover: async () => {},
  prepareUndo: nothingToUndo,
};

async function takeAll(context: RunContext, steps: readonly TakeStep[]): Promise<void> {
  for (const step of steps) {
    checkSignal(context);
    const { certificate, keyPem } = originalOf(foundBytes(context), step);
    const key = readPrivateKey(keyPem);
    if (!keyMatches(certificate, key)) {
      throw new AppError("step-failed", {
        step: step.id,
        reason: "the original's key does not match its certificate",
      });
    }
    const material = {
      certificateDer: certificate.der,
      keyPem: encodePrivateKey(key.keyObject, key.format),
      keyKept: false,
    };
    context.memory.material.set(step.slot, material);
    context.tell({ type: "step-done", phase: "issue", step, changed: false });
  }
}

function originalOf(
  bytes: ReadonlyMap<string, Uint8Array>,
  { id, template }: TakeStep,
): { readonly certificate: Certificate; readonly keyPem: Uint8Array } {
  const read = (address: string | null): Uint8Array => {
    const found = address === null ? undefined : bytes.get(address);
    if (!found)
      throw new AppError("step-failed", { step: id, reason: "the original or its key is not there" });
    return found;
  };
  if (template.form === "pem") {
    return {
      certificate: certificateAt(read(template.certificate), template.index),
      keyPem: read(template.key),
    };
  }
  const file = read(template.file);
  const keyPem = embeddedKey(file, template.user);
  if (keyPem === null)
    throw new AppError("step-failed", { step: id, reason: "the original has no embedded key" });
  return { certificate: embeddedCertificate(parseKubeconfig(file).users, template.user), keyPem };
}
