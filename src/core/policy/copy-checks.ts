// Checks of copies: whose they are, and whether they still are what the original is.
import type { AnyFinding } from "../model/finding.ts";
import { formatName, parseName } from "../pki/names.ts";
import { hiddenOriginal, originalOf } from "./originals.ts";
import type { Readable } from "./readable-slot.ts";

export function copyOfNothing({ facts, leaf, report, context }: Readable): readonly AnyFinding[] {
  if (facts.slot.management !== "copy" || originalOf(context.facts, facts)) return [];
  // The original's own finding says what is wrong; whose copy this is cannot be told before that is mended.
  if (hiddenOriginal(context.facts, facts) !== null) return [];
  return [report("copy-of-nothing", "info", { subject: formatName(parseName(leaf.subjectDer)) })];
}

export function replicaDiffers({ facts, leaf, report, context }: Readable): readonly AnyFinding[] {
  if (facts.slot.management !== "copy") return [];
  const original = originalOf(context.facts, facts);
  if (!original) return [];
  if (Buffer.compare(original.leaf.der, leaf.der) === 0) return [];
  return [
    report("replica-differs", "warning", {
      original: original.slot.id,
      originalSerialHex: original.leaf.serialHex,
      serialHex: leaf.serialHex,
      originalNotAfter: original.leaf.notAfter,
      notAfter: leaf.notAfter,
    }),
  ];
}
