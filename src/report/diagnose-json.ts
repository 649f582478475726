// `diagnose -o json`: codes and values as they are, instants as RFC 3339, English sentences beside them. Keys are only ever added.
import type { DiagnoseResult, Diagnosis, Evidence } from "../core/model/diagnosis.ts";
import { diagnoseMessages } from "./diagnose-messages.ts";
import { evidenceText, nextOf, titleOf } from "./diagnose-text.ts";
import { safeData } from "./escape.ts";
import { formatInstant } from "./time.ts";
import { rootArguments, toolCommand } from "./tool-command.ts";

export interface DiagnoseJsonOptions {
  readonly version: string;
  readonly exitCode: number;
  readonly again: readonly string[];
}

export function diagnosesToJson(result: DiagnoseResult, options: DiagnoseJsonOptions): unknown {
  const { version, exitCode } = options;
  const { at, node, root, sources, unread, lines } = result;
  return {
    kind: "Diagnoses",
    perennial: { version, at: formatInstant(at), node, root, exitCode },
    logs: { sources, unread, lines },
    diagnoses: result.diagnoses.map((one) => diagnosisToJson(one, result, options)),
  };
}

function diagnosisToJson(
  diagnosis: Diagnosis,
  { at, root }: DiagnoseResult,
  { again }: DiagnoseJsonOptions,
): unknown {
  const messages = diagnoseMessages("en");
  const tool = toolCommand(again.length > 0 ? again : rootArguments(root));
  const safe = safeData(diagnosis);
  return {
    cause: diagnosis.cause,
    certainty: diagnosis.certainty,
    subject: diagnosis.subject,
    certificates: diagnosis.certificates.map(({ notBefore, notAfter, ...rest }) => ({
      ...rest,
      notBefore: instantOrNull(notBefore),
      notAfter: instantOrNull(notAfter),
    })),
    evidence: diagnosis.evidence.map((one, index) => {
      const shown = safe.evidence[index];
      return {
        ...evidenceToJson(one),
        message: shown === undefined ? "" : evidenceText(shown, messages, at),
      };
    }),
    harms: diagnosis.harms,
    spares: diagnosis.spares,
    message: titleOf(safe, messages),
    next: nextOf(safe, { messages, tool }),
  };
}

const instants: ReadonlySet<string> = new Set([
  "at",
  "notAfter",
  "notBefore",
  "newestAt",
  "currentAt",
  "startedAt",
  "firstEnd",
]);

function evidenceToJson(evidence: Evidence): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(evidence).map(([key, value]: readonly [string, unknown]) => [
      key,
      instants.has(key) && typeof value === "number" ? formatInstant(value) : value,
    ]),
  );
}

function instantOrNull(at: number | null): string | null {
  return at === null ? null : formatInstant(at);
}
