// Step kind `archive`: what the run has saved so far, encrypted into one file elsewhere.
//
//   write beside its place, read back ─▶ archived (its hash) ─▶ give it its name ─▶ effect
//
// INPUTS   what the guards found, which is what the before-images are; runs/ID/{plan.json,etcd-snapshot.db,etcd-data/...}; a node's etcd-data/
// OUTPUTS  one file for the recipients of the plan; nothing else ever needs it, so a rollback does not touch its place, which may be gone
import { AppError } from "../../core/model/errors.ts";
import type { ArchiveStep } from "../../core/model/plan.ts";
import type { BeforeImage, Snapshot } from "../../core/model/run.ts";
import { archiveFile } from "../../core/plan/archive-file.ts";
import { snapshotSteps } from "../../core/plan/steps.ts";
import { runFolder } from "../journal.ts";
import type { ArchivePart, ArchiveRequest } from "../ports/archives.ts";
import { archivesOf, checkSignal, liveOf, viewOf, type RunContext } from "../run-context.ts";
import { nothingToUndo, type StepHandler } from "./step-handler.ts";

export const archive: StepHandler<ArchiveStep> = {
  changesLive: false,
  apply: writeAll,
  // Behind `all-staged` it was written, or the run would not have come so far.
  recover: async () => {},
  prepareUndo: nothingToUndo,
};

async function writeAll(context: RunContext, steps: readonly ArchiveStep[]): Promise<void> {
  const { ports, tell } = context;
  for (const step of steps) {
    checkSignal(context);
    await ports.failpoints.hit("run.before-archive");
    await writeOne(context, step);
    tell({ type: "step-done", phase: "archive", step, changed: true });
    await ports.failpoints.hit("run.after-archive");
  }
}

async function writeOne(context: RunContext, step: ArchiveStep): Promise<void> {
  const { ports, journal, signal, tell } = context;
  const archives = archivesOf(context, step);
  const written = await archives.write(await requestOf(context, step), signal);
  const { temporary: _, ...made } = written;
  try {
    await journal.append({ type: "archived", step: step.id, archive: made });
    await ports.failpoints.hit("run.after-archived");
    await archives.publish(written, ownHashes(context));
  } catch (error) {
    await archives.discard(written);
    throw error;
  }
  await ports.failpoints.hit("archive.after-publish");
  await journal.append({ type: "effect", step: step.id, sha256: made.sha256 });
  tell({ type: "archived", archive: made, recipients: step.recipients.length });
}

function ownHashes(context: RunContext): readonly string[] {
  return viewOf(context).archives.map(({ sha256 }) => sha256);
}

async function requestOf(context: RunContext, step: ArchiveStep): Promise<ArchiveRequest> {
  const { ports, run } = context;
  return {
    run,
    file: archiveFile(step, run),
    recipients: step.recipients,
    own: ownHashes(context),
    top: `perennial-${run}`,
    folder: `${ports.state.path}/${runFolder(run)}`,
    parts: await partsOf(context, step),
  };
}

/** What says what the rest is comes first: a reader of a stream has it before gigabytes of etcd's data. */
async function partsOf(context: RunContext, step: ArchiveStep): Promise<readonly ArchivePart[]> {
  const { images, snapshots } = viewOf(context);
  const kept = [...images.values()];
  const at = context.ports.clock.now();
  const bytes = new TextEncoder().encode(
    `${JSON.stringify(manifestOf(context, kept, snapshots), null, 2)}\n`,
  );
  const saved: ArchivePart[] = [];
  for (const snapshot of snapshots) saved.push(...(await savedParts(context, snapshot)));
  return [
    { form: "bytes", path: "manifest.json", bytes, at },
    { form: "file", path: "plan.json", sha256: null },
    ...kept.flatMap((image) => keptPart(context, step, image)),
    ...saved,
  ];
}

/** A before-image lies on its node, which may be another machine: what went into it is in memory since the guards were looked at. */
function keptPart(
  { found }: RunContext,
  { id }: ArchiveStep,
  { object, file, sha256 }: BeforeImage,
): readonly ArchivePart[] {
  if (file === null) return [];
  const observation = found.get(object);
  if (observation?.state !== "present")
    throw new AppError("step-failed", { step: id, reason: "the object was not looked at" });
  const { bytes, attributes, folders } = observation;
  return [{ form: "kept", path: file, bytes, sha256, attributes, ...(folders ? { folders } : {}) }];
}

async function savedParts(
  context: RunContext,
  { form, file, sha256 }: Snapshot,
): Promise<readonly ArchivePart[]> {
  if (form === "snapshot") return [{ form: "file", path: file, sha256 }];
  const { ports, plan, run, signal } = context;
  const [taken] = snapshotSteps(plan);
  const etcd = taken && liveOf(context, taken).etcd;
  const folder = `${ports.state.path}/${runFolder(run)}/${file}`;
  const files = await etcd?.copied?.(folder, sha256, signal);
  if (files === undefined) return [{ form: "tree", path: file }];
  const at = ports.clock.now();
  return files.map(({ name, bytes, ...each }): ArchivePart => ({
    form: "stream",
    path: `${file}/${name}`,
    sizeBytes: bytes,
    sha256: each.sha256,
    at,
    read: (stop) => each.read(stop),
  }));
}

/** Also what no tar header holds: labels, links, and objects that were not there. */
function manifestOf(
  { plan, run, ports }: RunContext,
  images: readonly BeforeImage[],
  snapshots: readonly Snapshot[],
): unknown {
  const { cluster, root, digest } = plan;
  return {
    format: "perennial/archive/v1",
    run,
    createdAt: new Date(ports.clock.now()).toISOString(),
    toolVersion: ports.toolVersion,
    cluster,
    root,
    planDigest: digest,
    objects: images,
    snapshots,
  };
}
