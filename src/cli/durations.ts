// Durations, instants and windows as operators write them: `30d`, `12h`, `8760h0m0s` (kubeadm's form), `1y`.
import { AppError } from "../core/model/errors.ts";

const secondsOf: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
};

/** 8,000 years: from now on, X.509 ends with the year 9999. */
const longestSeconds = 8000 * 31_536_000;

/** Whole seconds; throws `value-invalid` for anything that is not a positive duration. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+)([smhdwy])/g)];
  const isWhole = parts.length > 0 && parts.map((part) => part[0]).join("") === text;
  const seconds = parts.reduce(
    (sum, [, count = "0", unit = "s"]) => sum + Number(count) * (secondsOf[unit] ?? 0),
    0,
  );
  if (!isWhole || seconds > longestSeconds) {
    throw new AppError("value-invalid", { what: "duration", value: text, expected: "30d, 12h, 8760h, 1y" });
  }
  return seconds;
}

/** An instant: `2027-11-22`, `2027-11-22T15:35:00Z`; a day alone is its first moment in UTC. Milliseconds. */
export function parseInstant(text: string): number {
  const [, day = "", time = ""] = /^(\d{4}-\d{2}-\d{2})(T.*)?$/.exec(text) ?? [];
  // Date.parse takes February 30th for March 2nd.
  const isDay = !Number.isNaN(Date.parse(day)) && new Date(Date.parse(day)).toISOString().startsWith(day);
  const at =
    isDay && /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?(\.\d+)?(Z|[+-]\d{2}:\d{2}))?$/.test(`${day}${time}`)
      ? Date.parse(text)
      : Number.NaN;
  if (Number.isNaN(at)) {
    throw new AppError("value-invalid", {
      what: "date",
      value: text,
      expected: "2027-11-22 or 2027-11-22T15:35:00Z",
    });
  }
  return at;
}

/**
 * An ISO 8601 interval of two instants, `2026-11-22T22:00/2026-11-23T02:00`: local time unless a zone is given, ms. The second
 * one takes the zone of its own; `value-invalid` for anything else, an end before its beginning included.
 */
export function parseWindow(text: string): { readonly fromAt: number; readonly toAt: number } {
  const [from = "", to = "", ...more] = text.split("/");
  const [fromAt, toAt] = [localInstant(from), localInstant(to)];
  if (more.length === 0 && fromAt < toAt) return { fromAt, toAt };
  throw new AppError("value-invalid", {
    what: "--window",
    value: text,
    expected: "two instants, the first before the second: 2026-11-22T22:00/2026-11-23T02:00Z",
  });
}

/** NaN for what is no date with a time. */
function localInstant(text: string): number {
  const [, day = ""] = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?$/.exec(text) ?? [];
  // Date.parse takes February 30th for March 2nd.
  const isDay = !Number.isNaN(Date.parse(day)) && new Date(Date.parse(day)).toISOString().startsWith(day);
  return isDay ? Date.parse(text) : Number.NaN;
}
