// 中文：计划因节点而被拒绝的原因，以及如何继续。
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
      `重启 ${r.slot} 会使 etcd 失去法定人数（需要 ${r.detail.replace("/", " / ")} 个投票成员），期间 API 不可用`,
    next: () => [`若现在可以接受：加上 ${flags.acceptOutage} 再执行`],
  },
  "node-unreachable": {
    namesSlot: true,
    sentence: ({ slot, detail, error }) =>
      withReason(`无法连接 ${slot}：`, error === undefined ? detail : saidError(error, errors)),
    next: ({ error }, tool) => [
      ...(error === undefined ? [] : helpAgainst(error, { errors, tool })),
      `先恢复该节点；或先处理其余节点：${flags.skipUnreachable}（此时不会停止任何 etcd 成员）`,
    ],
  },
  "other-node": {
    namesSlot: true,
    sentence: (r) => `${r.slot} 属于另一节点（${r.detail}）；含节点名称的证书须在该节点上生成`,
    next: () => ["请在该节点上执行；切勿在节点之间复制此类证书"],
  },
};
