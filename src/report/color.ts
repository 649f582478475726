// Colour, only when asked for: the caller knows whether the output is a terminal.
import { styleText } from "node:util";
import type { Severity } from "../core/model/finding.ts";

export type Style = "bold" | "dim" | "green" | "red" | "yellow";
export type Paint = (style: Style | readonly Style[], text: string) => string;

/** A painter that leaves the text alone when `color` is false. */
export function painter(color: boolean): Paint {
  return (style, text) =>
    color ? styleText(typeof style === "string" ? style : [...style], text, { validateStream: false }) : text;
}

export const severityStyles: Readonly<Record<Severity, readonly Style[]>> = {
  critical: ["bold", "red"],
  warning: ["yellow"],
  info: ["dim"],
};
