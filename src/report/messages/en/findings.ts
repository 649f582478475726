// English: what is wrong and what to do next, for every finding.
import type { FindingMessages } from "../types.ts";
import { findingsClusters } from "./findings-clusters.ts";
import { findingsCopies } from "./findings-copies.ts";
import { findingsIdentity } from "./findings-identity.ts";
import { findingsLive } from "./findings-live.ts";
import { findingsRuns } from "./findings-runs.ts";
import { findingsTime } from "./findings-time.ts";
import { platformFindings } from "./platform.ts";

export const findings: FindingMessages = {
  ...findingsTime,
  ...findingsIdentity,
  ...findingsCopies,
  ...findingsLive,
  ...findingsClusters,
  ...findingsRuns,
  ...platformFindings,
};
