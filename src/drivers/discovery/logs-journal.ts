// The journal of the units that matter, asked from journalctl with a deadline; for the live node only.
import { spawn } from "node:child_process";

export interface JournalOptions {
  readonly signal: AbortSignal;
  readonly deadlineMs?: number;
  /** For tests: another program that answers. */
  readonly command?: readonly [string, ...string[]];
}

export type JournalText =
  | { readonly state: "read"; readonly text: string }
  | { readonly state: "unread"; readonly reason: string };

const mostLines = 4000;
const mostBytes = 2 * 1024 * 1024;
const defaultDeadlineMs = 5000;
const units = ["kubelet", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
const journalctl: readonly [string, ...string[]] = [
  "journalctl",
  ...units.flatMap((unit) => ["-u", unit]),
  "-n",
  String(mostLines),
  "--no-pager",
  "-q",
  "-o",
  "short-iso",
];

/** The end of the journal, oldest line first. A machine without systemd is `unread`, ENOENT. */
export function readJournal(options: JournalOptions): Promise<JournalText> {
  const { signal, deadlineMs = defaultDeadlineMs, command = journalctl } = options;
  const [program, ...words] = command;
  return new Promise((resolve) => {
    const child = spawn(program, words, { stdio: ["ignore", "pipe", "ignore"], env: environment() });
    const chunks: Buffer[] = [];
    let bytes = 0;
    const stop = (): void => void child.kill("SIGKILL");
    const timer = setTimeout(() => {
      stop();
      settle({ state: "unread", reason: "ETIMEDOUT" });
    }, deadlineMs);
    signal.addEventListener("abort", stop, { once: true });
    function settle(result: JournalText): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      resolve(result);
    }
    child.stdout.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      while (bytes > mostBytes) bytes -= chunks.shift()?.length ?? bytes;
    });
    child.once("error", (error) => {
      settle({ state: "unread", reason: "code" in error ? String(error.code) : error.name });
    });
    child.once("close", (code, by) => {
      const text = Buffer.concat(chunks).toString("utf8");
      if (code === 0 || text !== "") settle({ state: "read", text });
      else settle({ state: "unread", reason: by ?? `exit ${code}` });
    });
  });
}

/** Times in UTC and no pager, whatever the operator's environment says. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC", SYSTEMD_COLORS: "0" };
}
