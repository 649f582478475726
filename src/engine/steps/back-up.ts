// Step kind `back-up`: keeps the before-image of an object in the run's folder.
//
// INPUTS   what the guards found
// OUTPUTS  runs/ID/before/NODE/PATH with the object's attributes, and a journal entry
import { parseAddress } from "../../core/model/address.ts";
import { AppError } from "../../core/model/errors.ts";
import type { BackUpStep } from "../../core/model/plan.ts";
import type { BeforeImage } from "../../core/model/run.ts";
import { allOf, batchesOf } from "../batches.ts";
import { formatMode } from "../guards.ts";
import { runFolder } from "../journal.ts";
import type { Observation } from "../ports/store.ts";
import { checkSignal, type RunContext } from "../run-context.ts";
import { nothingToUndo, type StepHandler } from "./step-handler.ts";

export const backUp: StepHandler<BackUpStep> = {
  changesLive: false,
  apply: keepAll,
  recover: async () => {},
  // Before-images outlive the rollback: they are the proof of what was restored.
  prepareUndo: nothingToUndo,
};

/** As many at once as the state directory takes; the journal is told of them in one write. */
async function keepAll(context: RunContext, steps: readonly BackUpStep[]): Promise<void> {
  const { ports, journal, tell } = context;
  for (const batch of batchesOf(steps, ports.state.together)) {
    checkSignal(context);
    for (const _ of batch) await ports.failpoints.hit("run.before-back-up");
    const kept = await allOf(batch, async (step) => ({ step, image: await keepImage(context, step) }));
    for (const _ of batch) await ports.failpoints.hit("run.after-before-image");
    await journal.append(
      ...kept.map(({ step, image }) => ({ type: "before-image", step: step.id, image }) as const),
    );
    for (const { step, image } of kept)
      tell({ type: "step-done", phase: "back-up", step, changed: image.file !== null });
  }
  await ports.failpoints.hit("run.after-back-up");
}

async function keepImage({ ports, run, found }: RunContext, step: BackUpStep): Promise<BeforeImage> {
  const observation = found.get(step.object);
  if (!observation)
    throw new AppError("step-failed", { step: step.id, reason: "the object was not looked at" });
  const image = imageOf(step.object, observation);
  if (observation.state === "present" && image.file !== null) {
    const { folders, attributes } = observation;
    const wanted = folders ? { ...attributes, folders } : attributes;
    await ports.state.keep(`${runFolder(run)}/${image.file}`, observation.bytes, wanted);
  }
  return image;
}

function imageOf(object: string, observation: Observation): BeforeImage {
  if (observation.state === "absent") {
    return {
      object,
      file: null,
      sha256: "absent",
      mode: "0000",
      uid: 0,
      gid: 0,
      mtimeMs: 0,
      link: null,
      xattrs: {},
    };
  }
  const { mode, uid, gid, mtimeMs, xattrs } = observation.attributes;
  const { sha256, link } = observation;
  return { object, file: imageFile(object), sha256, mode: formatMode(mode), uid, gid, mtimeMs, link, xattrs };
}

/** `before/NODE/etc/kubernetes/...`; what is no plain node name is percent-encoded. */
function imageFile(object: string): string {
  const { node, path } = parseAddress(object);
  const folder = encodeURIComponent(node).replace(/^\.+$/, (dots) => dots.replaceAll(".", "%2e"));
  return `before/${folder}${path}`;
}
