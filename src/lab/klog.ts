// Lines as Kubernetes' own processes write them (k8s.io/klog, "header"), and waiting as they wait.
import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

export type Severity = "I" | "W" | "E" | "F";

export type Log = (severity: Severity, source: string, message: string) => void;

/** `E1122 15:35:37.123456    4711 controller.go:144] message` on standard error. */
export const klog: Log = (severity, source, message) => {
  process.stderr.write(`${klogLine(severity, source, message)}\n`);
};

function klogLine(severity: Severity, source: string, message: string): string {
  const iso = new Date().toISOString();
  const day = iso.slice(5, 10).replace("-", "");
  const time = `${iso.slice(11, 23)}000`;
  return `${severity}${day} ${time} ${String(process.pid).padStart(7)} ${source}] ${message}`;
}

/** Into the system's log, as journald passes it on: `Nov 22 15:35:37 m1 kubelet[4711]: E1122 ...`. */
export function systemLog(file: string, host: string, program: string): Log {
  mkdirSync(dirname(file), { recursive: true });
  return (severity, source, message) => {
    const [, month = "", day = "", time = ""] =
      /^\w+ (\w+) (\d+) \d+ (\S+)/.exec(new Date().toString()) ?? [];
    const head = `${month} ${day.replace(/^0/, " ")} ${time} ${host} ${program}[${process.pid}]:`;
    appendFileSync(file, `${head} ${klogLine(severity, source, message)}\n`);
  };
}
