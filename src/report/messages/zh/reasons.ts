// 中文：参数中的每个英文原因（core/model/reasons.ts）一条；缺一条则无法编译。{1}、{2} 为填入的内容。
import type { ReasonTemplate } from "../../../core/model/reasons.ts";
import { contentReasonsInChinese } from "./reasons-content.ts";
import { planReasonsInChinese } from "./reasons-plan.ts";
import { serverReasonsInChinese } from "./reasons-servers.ts";
import { valueReasonsInChinese } from "./reasons-value.ts";

export const reasons: Readonly<Record<ReasonTemplate, string>> = {
  ...contentReasonsInChinese,
  ...planReasonsInChinese,
  ...serverReasonsInChinese,
  ...valueReasonsInChinese,
};
