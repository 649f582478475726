// Asks an HTTP server what time it is: the `Date` of its answer, whatever the answer is (RFC 9110 section 6.6.1).
import { request as requestPlain, type IncomingMessage } from "node:http";
import { request as requestTls } from "node:https";

const deadlineMs = 2000;

export interface PeerTime {
  /** `https://HOST:PORT`. */
  readonly endpoint: string;
  /** ms since the epoch, to the second. */
  readonly at: number;
  /** What this machine's clock said in the middle of question and answer. */
  readonly askedAt: number;
}

/**
 * null when nobody answers in time, or without a date: a server that is down says nothing of the clock. The peer is not verified: with
 * a wrong clock it could not be, and all that it can bring about is a refusal.
 */
export async function askTime(server: string): Promise<PeerTime | null> {
  const url = httpUrl(server);
  if (url === null) return null;
  const from = Date.now();
  const since = performance.now();
  const date = await dateOf(url);
  const at = Date.parse(date ?? "");
  if (Number.isNaN(at)) return null;
  return { endpoint: url.origin, at, askedAt: from + (performance.now() - since) / 2 };
}

function httpUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url?.protocol === "https:" || url?.protocol === "http:" ? url : null;
}

function dateOf(url: URL): Promise<string | null> {
  const signal = AbortSignal.timeout(deadlineMs);
  return new Promise((resolve) => {
    const options = { method: "GET", path: "/version", agent: false as const, signal };
    const host = {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      ...(url.port === "" ? {} : { port: url.port }),
    };
    const asked =
      url.protocol === "https:"
        ? requestTls({ ...options, ...host, rejectUnauthorized: false })
        : requestPlain({ ...options, ...host });
    asked.once("response", (answer: IncomingMessage) => {
      resolve(answer.headers.date ?? null);
      asked.destroy();
    });
    // Whatever it is, it is no time.
    asked.on("error", () => resolve(null));
    asked.end();
  });
}
