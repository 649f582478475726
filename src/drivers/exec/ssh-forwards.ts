// Listeners of the far side through the master: one unix socket here for each of them, and whether the far side could connect.
import { connect as connectSocket, type Socket } from "node:net";
import { join } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import type { EndpointFault } from "../../core/model/errors-servers.ts";
import { endpointOf } from "../shared/grpc-connect.ts";
import type { StreamTarget } from "../shared/host.ts";
import { firstLine } from "./host-of-pool.ts";
import { askSsh, type SshProgram } from "./run-ssh.ts";
import { forwardArguments, type SshPlace } from "./ssh-arguments.ts";
import type { SshMaster } from "./ssh-master.ts";
import { within } from "./within.ts";
import type { ChannelVerdict } from "./ssh-log.ts";
import { connected, plainTarget } from "./streams.ts";

export interface Forwards {
  connect(target: StreamTarget, signal: AbortSignal | undefined): Promise<Socket>;
}

export interface ForwardsOptions {
  readonly ssh: SshProgram;
  readonly place: SshPlace;
  readonly folder: string;
  readonly master: SshMaster;
}

const verdictMs = 10_000;
/** A master that opens a channel says so at once; one that says nothing speaks another dialect than we read. */
const channelMs = 3000;

export function openForwards({ ssh, place, folder, master }: ForwardsOptions): Forwards {
  const paths = new Map<string, Promise<string>>();
  let turn: Promise<unknown> = Promise.resolve();
  let count = 0;

  function pathTo(target: StreamTarget): Promise<string> {
    const key = endpointOf(plainTarget(target));
    const known = paths.get(key);
    if (known) return known;
    const path = forward(target);
    paths.set(key, path);
    path.catch(() => paths.delete(key));
    return path;
  }

  async function forward(target: StreamTarget): Promise<string> {
    const path = join(folder, `f${++count}`);
    const { code, stderr } = await askSsh(ssh, forwardArguments(place, path, target));
    if (code !== 0) throw fault(target, { isOpen: false, words: stderr });
    return path;
  }

  /** One after the other until the channel is begun: the log does not say whose it is. */
  async function begin(path: string, signal: AbortSignal | undefined): Promise<Begun> {
    const mine = turn.then(async (): Promise<Begun> => {
      const next = master.log.nextChannel();
      const socket = await connected(connectSocket({ path }), signal);
      // Not before: a timer of a connection that was given up would keep this process from ending.
      const begun = await within(next, channelMs, null);
      return { socket, verdict: begun?.verdict ?? null };
    });
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function connect(target: StreamTarget, signal: AbortSignal | undefined): Promise<Socket> {
    const { socket, verdict } = await begin(await pathTo(target), signal);
    const found = await within(verdict ?? unheard(master), verdictMs, late);
    if (found.isOpen && !signal?.aborted) return socket;
    socket.destroy();
    signal?.throwIfAborted();
    throw fault(target, found);
  }

  return { connect };
}

interface Begun {
  readonly socket: Socket;
  readonly verdict: Promise<ChannelVerdict> | null;
}

const late: ChannelVerdict = { isOpen: false, words: "timed out" };

function unheard(master: SshMaster): Promise<ChannelVerdict> {
  return Promise.resolve(
    master.isAlive() ? { isOpen: true } : { isOpen: false, words: "the connection was lost" },
  );
}

function fault(target: StreamTarget, verdict: ChannelVerdict): AppError<"endpoint-unreachable"> {
  const words = verdict.isOpen ? "" : verdict.words;
  const reason =
    faults.find(([pattern]) => pattern.test(words))?.[1] ?? (target.kind === "unix" ? "no-socket" : "closed");
  const params = { endpoint: endpointOf(plainTarget(target)), reason, detail: firstLine(words) || "closed" };
  return new AppError("endpoint-unreachable", params);
}

/** As sshd and the far system say it. */
const faults: readonly (readonly [RegExp, EndpointFault])[] = [
  [/administratively prohibited|refused by peer/i, "not-forwarded"],
  [/refused/i, "refused"],
  [/timed out|timeout/i, "timeout"],
  [/no route|unreachable|host is down/i, "no-route"],
  [/name or service|unknown host|not known|temporary failure in name/i, "no-such-host"],
  [/no such file|open failed: open failed/i, "no-socket"],
];
