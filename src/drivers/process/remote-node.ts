// What has to be known of a host before its processes are looked for: its programs, its runtimes' sockets, systemd, when it came up.
import { AppError } from "../../core/model/errors.ts";
import type { Host } from "../shared/host.ts";
import { quote, shellText } from "../shared/remote/quote.ts";

export interface RemoteNode {
  /** Path of a program of {@link knownPrograms}; null when it is not installed. */
  readonly find: (name: string) => string | null;
  readonly isSocket: (path: string) => boolean;
  /** sd_booted(3). */
  readonly hasSystemd: boolean;
  /** ms since the epoch; null when /proc does not say. */
  readonly bootAt: number | null;
}

const knownPrograms = ["crictl", "docker", "nerdctl", "ctr", "systemctl"] as const;

const script = shellText(String.raw`
for name in $programs; do
  path=$(command -v "$name") && printf 'program %s %s\n' "$name" "$path"
done
number=0
for path; do
  [ ! -S "$path" ] || echo "socket $number"
  number=$((number + 1))
done
[ ! -d /run/systemd/system ] || echo systemd
sed -n 's/^btime /boot /p' /proc/stat
echo done
`);

/** One round trip. Rejects with what the host rejects with, and `command-failed` for an answer that is none. */
export async function lookAtNode(host: Host, sockets: readonly string[]): Promise<RemoteNode> {
  const words = `programs=${quote(knownPrograms.join(" "))}\nset -- ${sockets.map(quote).join(" ")}\n`;
  const { stdout } = await host.sh(words + script);
  const lines = Buffer.from(stdout).toString("utf8").split("\n");
  if (!lines.includes("done"))
    throw new AppError("command-failed", { command: "sh", reason: `${host.name}: no answer` });
  const values = (word: string): readonly string[] =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  const there = new Set(values("socket").map((number) => sockets[Number(number)]));
  const programs = new Map(
    values("program").flatMap((text): [string, string][] => {
      const [, name = "", path = ""] = /^(\S+) (\/.+)$/.exec(text) ?? [];
      return name === "" ? [] : [[name, path]];
    }),
  );
  const [boot] = values("boot");
  return {
    find: (name) => programs.get(name) ?? null,
    isSocket: (path) => there.has(path),
    hasSystemd: lines.includes("systemd"),
    bootAt: boot === undefined ? null : Number(boot) * 1000,
  };
}
