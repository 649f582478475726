// Symptoms of the logs and facts of the node -> causes, surest first. Pure: the clock is the facts' own.
import type { Diagnosis, Symptom } from "../../model/diagnosis.ts";
import { mergeDrafts } from "./draft.ts";
import { type NewestLine, fromFacts } from "./from-facts.ts";
import { judge } from "./judge.ts";
import type { NodeKnowledge } from "./knowledge.ts";

/**
 * `node` is null when there is log text alone: then nothing is ever confirmed or rejected. Without symptoms the facts speak for
 * themselves. `newestLine` is the youngest log line that says its year; one from the future is the clock's fault.
 */
export function diagnose(
  symptoms: readonly Symptom[],
  node: NodeKnowledge | null,
  newestLine: NewestLine | null = null,
): readonly Diagnosis[] {
  // What the log speaks of comes first among the certificates of a cause.
  return mergeDrafts([
    ...symptoms.flatMap((symptom) => judge(symptom, node)),
    ...(node === null ? [] : fromFacts(node, newestLine)),
  ]);
}

/** True when somebody should look: a cause that is sure or nearly so. */
export function needsAttention(diagnoses: readonly Diagnosis[]): boolean {
  return diagnoses.some(({ certainty }) => certainty === "confirmed" || certainty === "likely");
}
