// What the master connection's ssh writes: its messages, the host key it saw, and how each forwarded channel fared.
// Texts as OpenSSH 7.4 to 10 have them with -vv: sshconnect.c, sshconnect2.c, channels.c.
import type { Readable } from "node:stream";

export type ChannelVerdict = { readonly isOpen: true } | { readonly isOpen: false; readonly words: string };

export interface SshLog {
  /** Messages for people, the newest last; at most the last 100. */
  messages(): readonly string[];
  /** Of the connection begun last: that of a jump host comes first. */
  key(): { readonly keyType: string; readonly fingerprint: string };
  /** Host and port of the connection begun last, as `ssh-keygen -R` takes them. */
  address(): string;
  isOver(): boolean;
  /** Resolves when the next forwarded channel is begun. A new wait takes the place of an old one. */
  nextChannel(): Promise<{ readonly verdict: Promise<ChannelVerdict> }>;
  /** Called for every line. */
  onLine(listener: (line: string) => void): void;
  readonly ended: Promise<void>;
}

/** What -vv adds. */
const chatter = /^(debug[123]: |OpenSSH_|Transferred: |Bytes per second: |Authenticated to )/;
const keptMessages = 100;
const longestLine = 500;

export function readSshLog(stream: Readable): SshLog {
  const messages: string[] = [];
  const listeners: ((line: string) => void)[] = [];
  let onChannel: ((begun: { readonly verdict: Promise<ChannelVerdict> }) => void) | null = null;
  const verdicts = new Map<number, (verdict: ChannelVerdict) => void>();
  let [keyType, fingerprint, address, rest, isOver] = ["", "", "", "", false];

  function take(line: string): void {
    const [, type = "", print = ""] = /^debug1: Server host key: (\S+) (\S+)/.exec(line) ?? [];
    if (type !== "") [keyType, fingerprint] = [type, print];
    const [, name = "", port] = /^debug1: Authenticating to (.+):(\d+) as /.exec(line) ?? [];
    if (name !== "") address = port === "22" ? name : `[${name}]:${port ?? ""}`;
    takeChannel(line);
    if (!chatter.test(line) && line.trim() !== "") {
      messages.push(line);
      if (messages.length > keptMessages) messages.shift();
    }
    for (const listener of listeners) listener(line);
  }

  function takeChannel(line: string): void {
    const opened = /^debug1: channel (\d+): new .*\[direct-(?:tcpip|streamlocal)/.exec(line)?.[1];
    if (opened !== undefined) begin(Number(opened));
    const confirmed = /^debug2: channel (\d+): open confirm/.exec(line)?.[1];
    if (confirmed !== undefined) settle(Number(confirmed), { isOpen: true });
    const [, failed, words = ""] = /^channel (\d+): open failed: (.*)$/.exec(line) ?? [];
    if (failed !== undefined) settle(Number(failed), { isOpen: false, words });
  }

  function begin(channel: number): void {
    const verdict = new Promise<ChannelVerdict>((resolve) => verdicts.set(channel, resolve));
    onChannel?.({ verdict });
    onChannel = null;
  }

  function settle(channel: number, verdict: ChannelVerdict): void {
    verdicts.get(channel)?.(verdict);
    verdicts.delete(channel);
  }

  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split(/\r?\n/);
    rest = (lines.pop() ?? "").slice(0, longestLine);
    for (const line of lines) take(line.slice(0, longestLine));
  });
  const ended = new Promise<void>((resolve) => {
    const finish = (): void => {
      if (!isOver && rest !== "") take(rest);
      isOver = true;
      for (const [channel] of verdicts) settle(channel, { isOpen: false, words: "the connection was lost" });
      resolve();
    };
    for (const event of ["end", "close", "error"]) stream.on(event, finish);
  });

  return {
    messages: () => messages,
    key: () => ({ keyType, fingerprint }),
    address: () => address,
    isOver: () => isOver,
    nextChannel: () =>
      new Promise((resolve) => {
        onChannel = resolve;
      }),
    onLine: (listener) => void listeners.push(listener),
    ended,
  };
}
