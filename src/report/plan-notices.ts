// The notices of a plan, for people: the same about several certificates or files is one line.
import type { Notice } from "../core/model/notice.ts";
import type { Plan } from "../core/model/plan.ts";
import type { Messages } from "./messages.ts";
import { shortAddress, shortSlot } from "./plan-table.ts";
import { say } from "./say.ts";

/** The same notice about several certificates or files is one line. */
export function noticeLines(plan: Plan, text: Messages["plan"]): readonly string[] {
  return mergedNotices(plan, text.comma).map((notice) => say(notice, text.notices));
}

function mergedNotices(plan: Plan, comma: string): readonly Notice[] {
  const groups = new Map<string, { readonly notice: Notice; readonly names: string[] }>();
  for (const notice of plan.notices) {
    const { name, rest } = splitNotice(notice, plan);
    const key = JSON.stringify(rest);
    const group = groups.get(key) ?? { notice, names: [] };
    group.names.push(name);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ notice, names }) => withName(notice, names.join(comma)));
}

/** What a notice is about, apart from what it says of it. */
function splitNotice(notice: Notice, plan: Plan): { readonly name: string; readonly rest: unknown } {
  if (notice.code === "validity-capped")
    return { name: shortSlot(notice.slot, plan), rest: { ...notice, slot: "" } };
  if (notice.code === "mode-kept-open" || notice.code === "group-loses-key")
    return { name: shortAddress(notice.address, plan), rest: { ...notice, address: "" } };
  return { name: "", rest: notice };
}

function withName(notice: Notice, name: string): Notice {
  if (notice.code === "validity-capped") return { ...notice, slot: name };
  const isOfFile = notice.code === "mode-kept-open" || notice.code === "group-loses-key";
  return isOfFile ? { ...notice, address: name } : notice;
}
