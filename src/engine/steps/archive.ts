// Step kind `archive`: what the run has saved so far, encrypted into one file elsewhere.
//
//   write beside its place, read back ─▶ archived (its hash) ─▶ give it its name ─▶ effect
//
// INPUTS   runs/ID/{plan.json,before/...,etcd-snapshot.db,etcd-data/...}
// OUTPUTS  one file for the recipients of the plan; nothing else ever needs it, so a rollback does not touch its place, which may be gone
import type { ArchiveStep } from "../../core/model/plan.ts";
import type { BeforeImage, Snapshot } from "../../core/model/run.ts";
import { archiveFile } from "../../core/plan/archive-file.ts";
import { runFolder } from "../journal.ts";
import type { ArchivePart, ArchiveRequest } from "../ports/archives.ts";
import { archivesOf, checkSignal, viewOf, type RunContext } from "../run-context.ts";
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
  const written = await archives.write(requestOf(context, step), signal);
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

function requestOf(context: RunContext, step: ArchiveStep): ArchiveRequest {
  const { ports, run } = context;
  return {
    run,
    file: archiveFile(step, run),
    recipients: step.recipients,
    own: ownHashes(context),
    top: `perennial-${run}`,
    folder: `${ports.state.path}/${runFolder(run)}`,
    parts: partsOf(context),
  };
}

/** What says what the rest is comes first: a reader of a stream has it before gigabytes of etcd's data. */
function partsOf(context: RunContext): readonly ArchivePart[] {
  const { images, snapshots } = viewOf(context);
  const kept = [...images.values()];
  const at = context.ports.clock.now();
  const bytes = new TextEncoder().encode(
    `${JSON.stringify(manifestOf(context, kept, snapshots), null, 2)}\n`,
  );
  return [
    { form: "bytes", path: "manifest.json", bytes, at },
    { form: "file", path: "plan.json", sha256: null },
    ...kept.flatMap(({ file, sha256 }): readonly ArchivePart[] =>
      file === null ? [] : [{ form: "file", path: file, sha256 }],
    ),
    ...snapshots.map(({ form, file, sha256 }): ArchivePart =>
      form === "snapshot" ? { form: "file", path: file, sha256 } : { form: "tree", path: file },
    ),
  ];
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
