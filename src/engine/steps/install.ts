// Step kind `install`: what a CA elsewhere has signed, with the key that waited for it, becomes material like what is issued here.
import { answerAt } from "../../core/plan/answer-certificates.ts";
import { AppError } from "../../core/model/errors.ts";
import type { InstallStep } from "../../core/model/making-step.ts";
import type { Reason } from "../../core/model/reasons.ts";
import type { Issued } from "../../core/model/run.ts";
import type { Certificate } from "../../core/pki/certificate.ts";
import { encodePrivateKey, readPrivateKey, type PrivateKey } from "../../core/pki/keys.ts";
import { keyMatches } from "../../core/pki/verify.ts";
import { checkSignal, type RunContext } from "../run-context.ts";
import { factsOf, foundBytes, oldKey } from "./issue.ts";
import { nothingToUndo, type StepHandler } from "./step-handler.ts";

export const install: StepHandler<InstallStep> = {
  changesLive: false,
  apply: installAll,
  // Behind `all-staged` the answers lie staged or live; neither their files nor the pending keys are looked at again.
  recover: async () => {},
  prepareUndo: nothingToUndo,
};

async function installAll(context: RunContext, steps: readonly InstallStep[]): Promise<void> {
  checkSignal(context);
  const bytes = foundBytes(context);
  const made = steps.map((step) => ({ step, facts: take(context, step, bytes) }));
  await context.journal.append(
    ...made.map(({ step, facts }) => ({ type: "issued", step: step.id, issued: facts }) as const),
  );
  for (const { step, facts } of made) {
    context.tell({ type: "issued", name: step.name, issued: facts });
    context.tell({ type: "step-done", phase: "issue", step, changed: true });
  }
  await context.ports.failpoints.hit("run.after-issue");
}

function take(context: RunContext, step: InstallStep, bytes: ReadonlyMap<string, Uint8Array>): Issued {
  const certificate = answerAt(bytes.get(step.answer.file), step.answer);
  checkDates(context, step, certificate);
  const key = keyOf(step, bytes);
  if (!keyMatches(certificate, key)) throw failed(step, "the key does not match the answer");
  context.memory.material.set(step.slot, {
    certificateDer: certificate.der,
    chainDer: step.chain.map((place) => answerAt(bytes.get(place.file), place).der),
    keyPem: encodePrivateKey(key.keyObject, key.format),
    keyKept: step.key.mode === "keep",
  });
  return factsOf(step, certificate);
}

/** A plan may be applied days after it was made. */
function checkDates({ ports }: RunContext, step: InstallStep, { notBefore, notAfter }: Certificate): void {
  const now = ports.clock.now();
  if (notAfter <= now) throw failed(step, "the answer has expired meanwhile");
  if (notBefore > now) throw failed(step, "the answer is not valid yet");
}

function keyOf(step: InstallStep, bytes: ReadonlyMap<string, Uint8Array>): PrivateKey {
  if (step.key.mode === "pending") {
    const pem = bytes.get(step.key.file);
    if (!pem) throw failed(step, "the pending key is not there");
    return readPrivateKey(pem);
  }
  const old = oldKey(bytes, step.template);
  if (old === null) throw failed(step, "there is no key to keep");
  return old;
}

function failed({ id }: InstallStep, reason: Reason): AppError<"step-failed"> {
  return new AppError("step-failed", { step: id, reason });
}
