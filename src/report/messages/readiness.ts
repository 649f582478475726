// Nodes that do not report, for people: how many and which, in both languages.
import type { SilentNode } from "../../core/model/readiness.ts";

/** More names than this say less than their number. */
const mostNames = 8;

type Why = Readonly<Record<SilentNode["why"], (reason: string) => string>>;

const whyEn: Why = {
  "not-ready": (reason) => (reason === "" ? "not Ready" : `not Ready: ${reason}`),
  "no-heartbeat": () => "nothing heard from its kubelet",
  "no-such-node": () => "the API server knows no such node",
};

const whyZh: Why = {
  "not-ready": (reason) => (reason === "" ? "未就绪" : `未就绪：${reason}`),
  "no-heartbeat": () => "没有收到其 kubelet 的心跳",
  "no-such-node": () => "apiserver 中没有该节点",
};

/** `w3 (nothing heard from its kubelet), w7 (not Ready: KubeletNotReady) and 12 more`; empty for none. */
export function silentEn(silent: readonly SilentNode[]): string {
  const more = silent.length - mostNames;
  const names = silent.slice(0, mostNames).map(({ node, why, reason }) => `${node} (${whyEn[why](reason)})`);
  return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

export function silentZh(silent: readonly SilentNode[]): string {
  const more = silent.length - mostNames;
  const names = silent.slice(0, mostNames).map(({ node, why, reason }) => `${node}（${whyZh[why](reason)}）`);
  return `${names.join("、")}${more > 0 ? ` 等，另有 ${more} 个` : ""}`;
}
