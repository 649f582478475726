// `--min-ready` and `--batch`: so many nodes, or a share of them.
import type { BatchSize, MinReady } from "../core/model/readiness.ts";
import { AppError } from "../core/model/errors.ts";

/** Nothing when the option was not given. @throws AppError `value-invalid` */
export function minReadyOf({ minReady }: { readonly minReady?: string }): {
  readonly minReady?: MinReady | null;
} {
  return minReady === undefined ? {} : { minReady: parseMinReady(minReady) };
}

/** `5`, `75%`; null for `0`, which waits for none. @throws AppError `value-invalid` */
function parseMinReady(text: string): MinReady | null {
  const size = parseSize(text);
  if (size === null)
    throw new AppError("value-invalid", {
      what: "--min-ready",
      value: text,
      expected: "a number of nodes or a share of them: 5, 75%; 0 waits for none",
    });
  return (size.form === "nodes" ? size.count : size.percent) === 0 ? null : size;
}

/** `10`, `10%`. @throws AppError `value-invalid` */
export function parseBatch(text: string): BatchSize {
  const size = parseSize(text);
  if (size !== null && (size.form === "nodes" ? size.count : size.percent) > 0) return size;
  throw new AppError("value-invalid", {
    what: "--batch",
    value: text,
    expected: "a number of workers or a share of them: 10, 10%",
  });
}

function parseSize(text: string): MinReady | null {
  const [, digits = "", unit = ""] = /^(\d{1,6})(%?)$/.exec(text) ?? [];
  if (digits === "") return null;
  if (unit === "") return { form: "nodes", count: Number(digits) };
  return Number(digits) > 100 ? null : { form: "share", percent: Number(digits) };
}
