// Reasons: every English text that goes into a parameter, once. `{}` is filled in. A text that is not here does not compile
// where a parameter is a {@link Reason}, and one without its Chinese does not compile in `report`. New ones go into the list they belong to.
import { contentReasons } from "./reasons-content.ts";
import { planReasons } from "./reasons-plan.ts";
import { serverReasons } from "./reasons-servers.ts";
import { valueReasons } from "./reasons-value.ts";

export const reasonTemplates = [
  ...contentReasons,
  ...planReasons,
  ...serverReasons,
  ...valueReasons,
] as const;

export type ReasonTemplate = (typeof reasonTemplates)[number];

type Filled<T extends string> = T extends `${infer Before}{}${infer After}`
  ? `${Before}${string}${Filled<After>}`
  : T;

/** Any of the texts, filled in. */
export type Reason = Filled<ReasonTemplate>;

/** Whether a text that came as plain text is one of them. */
export function isReason(text: string): text is Reason {
  return reasonTemplates.some((template) => {
    const parts = template.split("{}").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join("(.*)")}$`, "s").test(text);
  });
}
