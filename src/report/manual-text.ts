// What is left to people, as text: each object with its commands, when to stop, what to expect, the way back.
import type { ManualStep } from "../core/model/platform.ts";
import type { Block } from "./document.ts";
import { codeBlock, safeMarkdown, safeText } from "./escape.ts";
import { manualCommands, manualObject } from "./manual-steps.ts";
import type { Messages } from "./messages.ts";

type Words = Messages["plan"];

/** For a terminal; the commands begin at the margin of their block, so that they can be copied. */
export function manualLines(step: ManualStep, number: number, words: Words): readonly string[] {
  const { manual, colon } = words;
  return [
    `  ${number}. ${titleOf(step, words)}`,
    `     ${manual.where(step)}`,
    ...manualCommands(step).map((line) => `       ${safeText(line)}`),
    `     ${manual.expectedLabel}${colon}${manual.expected(step)}`,
    `     ${manual.stopLabel}${colon}${manual.stop(step)}`,
    `     ${manual.undoLabel}${colon}${manual.undo(step)}`,
  ];
}

/** For a document; the first line has no heading mark. */
export function manualMarkdown(step: ManualStep, words: Words): readonly string[] {
  const { manual, colon } = words;
  return [
    `${safeMarkdown(titleOf(step, words))}\n\n${safeMarkdown(manual.where(step))}`,
    codeBlock("sh", manualCommands(step).join("\n")),
    [
      `- **${manual.expectedLabel}**${colon}${safeMarkdown(manual.expected(step))}`,
      `- **${manual.stopLabel}**${colon}${safeMarkdown(manual.stop(step))}`,
      `- **${manual.undoLabel}**${colon}${safeMarkdown(manual.undo(step))}`,
    ].join("\n"),
  ];
}

/** For the report of a run. */
export function manualBlocks(steps: readonly ManualStep[], words: Words): readonly Block[] {
  if (steps.length === 0) return [];
  const { manual, colon } = words;
  return [
    { form: "heading", level: 2, text: manual.heading.replace(/[:：]$/u, "") },
    ...steps.flatMap((step): readonly Block[] => [
      { form: "paragraph", text: titleOf(step, words) },
      { form: "paragraph", text: manual.where(step) },
      { form: "code", text: manualCommands(step).join("\n") },
      { form: "paragraph", text: `${manual.expectedLabel}${colon}${manual.expected(step)}` },
      { form: "paragraph", text: `${manual.stopLabel}${colon}${manual.stop(step)}` },
    ]),
  ];
}

function titleOf(step: ManualStep, { manual }: Words): string {
  return manual.title(manualObject(step), step, step.source);
}
