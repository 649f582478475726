// One symptom held against the facts: which cause it means, of which certificate, and whether the facts agree.
import { type Symptom, type SymptomCode } from "../../model/diagnosis.ts";
import { judgeClock, judgeExpired, judgeLoopback, judgeNotYetValid } from "./judge-time.ts";
import { judgeAuthority, judgeKey, judgeName, judgeRefused, judgeUsage } from "./judge-identity.ts";
import {
  judgeBootstrap,
  judgeDeadline,
  judgeKubeletFile,
  judgeMesh,
  judgeMissing,
  judgeNotRunning,
  judgeUnauthorized,
  judgeWeb,
} from "./judge-components.ts";
import type { Draft } from "./draft.ts";
import type { NodeKnowledge } from "./knowledge.ts";

export type Judge = (symptom: Symptom, node: NodeKnowledge | null) => readonly Draft[];

const judges: Readonly<Record<SymptomCode, Judge>> = {
  expired: judgeExpired,
  "not-yet-valid": judgeNotYetValid,
  "unknown-authority": judgeAuthority,
  "wrong-name": judgeName,
  "wrong-usage": judgeUsage,
  "key-mismatch": judgeKey,
  "deadline-exceeded": judgeDeadline,
  "connection-refused": judgeNotRunning,
  "refused-by-peer": judgeRefused,
  unauthorized: judgeUnauthorized,
  "bootstrap-missing": judgeBootstrap,
  "file-missing": judgeMissing,
  "loopback-expired": judgeLoopback,
  "kubelet-client-file": judgeKubeletFile,
  "clock-difference": judgeClock,
  "web-certificate": judgeWeb,
  "mesh-alert": judgeMesh,
};

export function judge(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  return judges[symptom.code](symptom, node);
}
