// Instants and spans as text, by hand: `Intl` costs more than the whole answer.

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** kubeadm's layout `Jan 02, 2006 15:04 MST`, always UTC. `at` is ms since the epoch. */
export function formatDate(at: number): string {
  const date = new Date(at);
  const day = String(date.getUTCDate()).padStart(2, "0");
  return `${months[date.getUTCMonth()] ?? ""} ${day}, ${yearOf(date)} ${clockOf(date)} UTC`;
}

/** `Nov 22, 2027`. */
export function formatDay(at: number): string {
  return formatDate(at).slice(0, "Nov 22, 2027".length);
}

/** `2027-11-22`. */
export function formatDayIso(at: number): string {
  return formatDateIso(at).slice(0, "2027-11-22".length);
}

/** `2027-11-22 15:35 UTC`: what Chinese sentences use. */
export function formatDateIso(at: number): string {
  const date = new Date(at);
  const [month, day] = [date.getUTCMonth() + 1, date.getUTCDate()].map((n) => String(n).padStart(2, "0"));
  return `${yearOf(date)}-${month ?? ""}-${day ?? ""} ${clockOf(date)} UTC`;
}

/** RFC 3339 with seconds, as in kubeadm's JSON: `2027-11-22T14:21:27Z`. */
export function formatInstant(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Kubernetes' duration.ShortHumanDuration: `364d`, `9y`, `<invalid>` when over; one second of tolerance. */
export function formatResidual(spanMs: number): string {
  const seconds = Math.trunc(spanMs / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.trunc(seconds / 60)}m`;
  const hours = Math.trunc(seconds / 3600);
  if (hours < 24) return `${hours}h`;
  return hours < 24 * 365 ? `${Math.trunc(hours / 24)}d` : `${Math.trunc(hours / 24 / 365)}y`;
}

export interface Span {
  readonly count: number;
  readonly unit: "minute" | "hour" | "day";
}

/** A span in the largest unit of which there are at least two; the sign is dropped. */
function roundSpan(spanMs: number): Span {
  const span = Math.abs(spanMs);
  if (span >= 2 * dayMs) return { count: Math.floor(span / dayMs), unit: "day" };
  if (span >= 2 * hourMs) return { count: Math.floor(span / hourMs), unit: "hour" };
  return { count: Math.floor(span / minuteMs), unit: "minute" };
}

/** `386 days`, `1 hour`. */
export function spanEn(spanMs: number): string {
  const { count, unit } = roundSpan(spanMs);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/** `386 天`, `1 小时`. */
export function spanZh(spanMs: number): string {
  const { count, unit } = roundSpan(spanMs);
  return `${count} ${{ minute: "分钟", hour: "小时", day: "天" }[unit]}`;
}

function yearOf(date: Date): string {
  return String(date.getUTCFullYear()).padStart(4, "0");
}

function clockOf(date: Date): string {
  return `${String(date.getUTCHours()).padStart(2, "0")}:${String(date.getUTCMinutes()).padStart(2, "0")}`;
}

/** Two hours from `at`, as `--window` takes them. */
export function nextWindow(at: number): string {
  const text = (instant: number): string => new Date(instant).toISOString().replace(/:\d\d\.\d+Z$/, "Z");
  return `${text(at)}/${text(at + 2 * 3_600_000)}`;
}
