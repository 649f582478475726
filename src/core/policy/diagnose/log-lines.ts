// Log text -> lines: journal, syslog, CRI, docker JSON, klog, etcd's capnslog and zap, plain, in any nesting of these.
import type { LogLine } from "../../model/diagnosis.ts";

export interface LogSource {
  readonly source: string;
  /** Whose log it is, when the place of the file says so. */
  readonly component: string | null;
}

/** Longer lines are cut: what a certificate error says stands at its beginning. */
export const longestLine = 16_384;
/** What patterns see of a line: enough for a list of SANs, too little to make a pattern slow. */
const longestMessage = 4096;
const longestText = 400;
/** journal around docker JSON around CRI around klog: nobody nests deeper. */
const mostWrappers = 6;

interface Unwrapped {
  readonly at: number | null;
  readonly component: string | null;
  readonly rest: string;
}

/** null when the line is not wrapped this way. */
type Unwrap = (line: string) => Unwrapped | null;

const wrappers: readonly Unwrap[] = [json, cri, timestamped, journalOrSyslog, capnslog, klog];

/** null for a blank line. */
export function parseLine(raw: string, number: number, { source, component }: LogSource): LogLine | null {
  let rest = raw
    .slice(0, longestLine)
    .replace(/^\ufeff/, "")
    .trimEnd();
  if (rest.trim() === "") return null;
  let at: number | null = null;
  let of = component;
  for (let depth = 0; depth < mostWrappers; depth += 1) {
    const found = firstOf(rest);
    if (found === null) break;
    rest = found.rest;
    // The innermost time is when it happened; the outermost name is whose log it is.
    at = found.at ?? at;
    of = of ?? found.component;
  }
  return {
    source,
    number,
    at,
    component: of,
    text: rest.slice(0, longestText),
    message: forMatching(rest.slice(0, longestMessage)),
  };
}

function firstOf(line: string): Unwrapped | null {
  for (const unwrap of wrappers) {
    const found = unwrap(line);
    if (found !== null) return found;
  }
  return null;
}

/** Full-width forms, Chinese quotes and stops as ASCII, colours removed. */
function forMatching(text: string): string {
  // oxlint-disable-next-line no-control-regex -- that is what is removed
  const plain = text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "");
  // Most lines are ASCII, and normalising costs more than everything else here.
  if (!/[^\u0000-\u007f]/.test(plain)) return plain;
  return plain
    .normalize("NFKC")
    .replace(/[\u201c\u201d\u300c\u300d\u300e\u300f]/g, '"')
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/\u3002/g, ".")
    .replace(/\u3001/g, ",")
    .replace(/[\u3010\u3014]/g, "[")
    .replace(/[\u3011\u3015]/g, "]");
}

/** docker's json-file, etcd's zap, the JSON log format of Kubernetes; other objects stay as they are. */
function json(line: string): Unwrapped | null {
  if (!line.startsWith("{") || !line.endsWith("}")) return null;
  const object = parseObject(line);
  if (object === null) return null;
  const log = object["log"];
  if (typeof log === "string") return { at: instant(object["time"]), component: null, rest: log.trimEnd() };
  const message = object["msg"];
  if (typeof message !== "string") return null;
  const caller = typeof object["caller"] === "string" ? object["caller"] : "";
  const skipped = new Set(["level", "ts", "caller", "msg", "v", "stacktrace"]);
  const details = Object.entries(object)
    .filter(([key]) => !skipped.has(key))
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const component = /^(?:embed|etcdmain|etcdserver|rafthttp|membership|v3rpc|raft|mvcc)\//.test(caller)
    ? "etcd"
    : null;
  return { at: instant(object["ts"]), component, rest: [message, ...details].join(" ") };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    return Object.fromEntries(Object.entries(value));
  } catch (error) {
    // A line that only looks like JSON is plain text.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** `2026-11-22T16:00:00.000000000Z stderr F message`. */
function cri(line: string): Unwrapped | null {
  const match = /^(\d{4}-\d\d-\d\dT\S+) std(?:out|err) [FP](?:$| )(.*)$/s.exec(line);
  return match ? { at: instant(match[1]), component: null, rest: match[2] ?? "" } : null;
}

/** `kubectl logs --timestamps`; not journalctl's short-iso, whose next word is a host and then a unit. */
function timestamped(line: string): Unwrapped | null {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) (?!\S+ [\w.@-]+(?:\[\d+\])?: )(.*)$/s.exec(
    line,
  );
  return match ? { at: instant(match[1]), component: null, rest: match[2] ?? "" } : null;
}

/** `Jul 22 12:13:33 host kubelet[123]: message`, or with journalctl's short-iso time. A time without a year says nothing. */
function journalOrSyslog(line: string): Unwrapped | null {
  const match =
    /^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?|(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*)) \S+ ([\w.@/-]+?)(?:\[\d+\])?: (.*)$/s.exec(
      line,
    );
  if (!match) return null;
  return { at: instant(match[1]), component: match[2] ?? null, rest: match[3] ?? "" };
}

/** `2020-07-22 12:13:33.864099 I | embed: message`: etcd before 3.5. */
function capnslog(line: string): Unwrapped | null {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d+) [A-Z] \| (.*)$/s.exec(line);
  return match ? { at: instant(`${match[1]}T${match[2]}Z`), component: "etcd", rest: match[3] ?? "" } : null;
}

/** `F0722 12:13:33.864099   10350 server.go:265] message`: no year, so no time. */
function klog(line: string): Unwrapped | null {
  const match = /^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ([^\]\s]+)\] (.*)$/s.exec(line);
  if (!match) return null;
  // Only these speak in one component alone.
  const component = /^authentication\.go:|^storage_factory\.go:/.test(match[1] ?? "")
    ? "kube-apiserver"
    : null;
  return { at: null, component, rest: match[2] ?? "" };
}

/** RFC 3339 text, or seconds or ms since the epoch as JSON loggers write them. */
function instant(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? (value > 1e11 ? value : value * 1000) : null;
  if (typeof value !== "string") return null;
  // Offsets without a colon are journalctl's and zap's.
  const at = Date.parse(value.replace(/(\.\d{3})\d+/, "$1").replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
  return Number.isNaN(at) ? null : at;
}
