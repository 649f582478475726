// English: why a plan is refused for the sake of its nodes, and the way on.
import type { RefusalCode } from "../../../core/model/refusal.ts";
import { flags } from "../../flags.ts";
import { helpAgainst, saidError, withReason } from "../said-error.ts";
import type { RefusalMessages } from "../types.ts";
import { errors } from "./errors.ts";

type Codes = Extract<RefusalCode, "outage-not-accepted" | "node-unreachable" | "other-node">;

export const refusalsNodes: Pick<RefusalMessages, Codes> = {
  "outage-not-accepted": {
    namesSlot: true,
    sentence: (r) =>
      `restarting ${r.slot} takes etcd's quorum away (${r.detail.replace("/", " of ")} voters are needed): the API does not answer meanwhile`,
    next: () => [`if that is meant, now: repeat with ${flags.acceptOutage}`],
  },
  "node-unreachable": {
    namesSlot: true,
    sentence: ({ slot, detail, error }) =>
      withReason(`${slot} cannot be reached: `, error === undefined ? detail : saidError(error, errors)),
    next: ({ error }, tool) => [
      ...(error === undefined ? [] : helpAgainst(error, { errors, tool })),
      `get it back, or do the others now and this one later: ${flags.skipUnreachable} (no etcd member is stopped then)`,
    ],
  },
  "other-node": {
    namesSlot: true,
    sentence: (r) =>
      `${r.slot} belongs to another node (${r.detail}); certificates with a node's names are made on that node`,
    next: () => ["run the command there; never copy such a certificate between nodes"],
  },
};
