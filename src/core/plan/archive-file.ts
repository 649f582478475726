// Where an archive lies: one place for the name, since the plan shows what the engine writes.
import type { ArchiveStep } from "../model/plan.ts";

/** Absolute path; `run` is a run's id, or a word that stands for one. */
export function archiveFile({ directory, name, id, cluster }: ArchiveStep, run: string): string {
  const of = cluster?.name ?? id.slice(0, id.lastIndexOf("/"));
  const plain = of.replace(/[^A-Za-z0-9.-]+/g, "_");
  return `${directory.replace(/\/$/, "")}/${name ?? `perennial-${plain}-${run}.tar.age`}`;
}
