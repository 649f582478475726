// What of a rehearsal is not the collected cluster's: a sentence for each kind, and where.
import type { MadeUp, MadeUpWhat } from "../core/model/made-up.ts";
import { cliMessages } from "./cli-messages.ts";
import { safeText } from "./escape.ts";
import type { Language } from "./language.ts";

/** What every cluster has is counted; what is special is listed, up to here. */
const mostPaths = 8;
const counted: ReadonlySet<MadeUpWhat> = new Set(["key"]);
const order: readonly MadeUpWhat[] = [
  "key",
  "key-unread",
  "key-faulty",
  "kept",
  "content",
  "name",
  "unread",
  "left-out",
];

/** With a line break at the end. */
export function madeUpText(madeUp: readonly MadeUp[], lang: Language): string {
  const { madeUp: words } = cliMessages(lang).lab;
  const lines = order.flatMap((what) => {
    const all = madeUp.filter((one) => one.what === what);
    if (all.length === 0) return [];
    const listed = counted.has(what) ? [] : all.slice(0, mostPaths);
    const left = counted.has(what) ? 0 : all.length - listed.length;
    return [
      `  ${words[what](all.length)}`,
      ...listed.map(({ node, path }) => `    ${node}  ${safeText(path)}`),
      ...(left > 0 ? [`    ${words.more(left)}`] : []),
    ];
  });
  return [words.head, ...lines, `  ${words.always}`, ""].join("\n");
}
