// Finds the logs of a node below its root and reads their ends: static pods, containers, the system's log.
// INPUTS: /var/log/pods, /var/log/containers, docker's folders, /var/log/messages, /var/log/syslog. OUTPUTS: none.
import { closeSync, fstatSync, readSync, readdirSync, type Stats } from "node:fs";
import { isAppError } from "../../core/model/errors.ts";
import { childPath, errnoOf, openForReading } from "../shared/directory-handles.ts";
import { type Place, type Root, locate, locateDirectory, openRoot } from "../shared/node-walk.ts";

/** The end of one log. */
export interface LogPiece {
  readonly state: "read";
  /** Path as seen on the node. */
  readonly source: string;
  /** The container's name; null for the system's log, whose lines say it. */
  readonly component: string | null;
  readonly text: string;
  readonly mtimeMs: number;
}

/** A log that is there and could not be read: said, not passed over. */
export interface UnreadLog {
  readonly state: "unread";
  readonly source: string;
  readonly reason: string;
}

interface Candidate {
  readonly path: string;
  readonly component: string | null;
  readonly mtimeMs: number;
}

type Found = Candidate | UnreadLog;

interface Look {
  readonly root: Root;
  /** Folders that could not be listed. */
  readonly unread: UnreadLog[];
}

const tailBytes = 256 * 1024;
const totalBytes = 8 * 1024 * 1024;
const mostFiles = 40;
/** A node has a few hundred containers; what is more is not looked at. */
const mostEntries = 2000;
const systemLogs = ["/var/log/messages", "/var/log/syslog"];

/** Those whose complaints we know come first, then the newest. */
const telling =
  /^(?:kube-apiserver|etcd|kube-controller-manager|kube-scheduler|kubelet|tke-.*|.*-hosted-apiserver)$/;

/** One piece at a time, so that one is in memory. Nothing found is nothing yielded. */
export function* nodeLogs(rootPath: string): Generator<LogPiece | UnreadLog> {
  const root = openRoot(rootPath);
  try {
    const look: Look = { root, unread: [] };
    const found = [...containerLogs(look), ...systemLogs.flatMap((path) => candidate(root, path, null))];
    yield* [...look.unread, ...found.flatMap((one) => ("state" in one ? [one] : []))];
    let left = totalBytes;
    for (const one of newestFirst(found)) {
      const piece = readEnd(root, one, Math.min(tailBytes, left));
      if (piece.state === "read") left -= piece.text.length;
      yield piece;
      if (left <= 0) return;
    }
  } finally {
    closeSync(root.directory);
  }
}

function newestFirst(found: readonly Found[]): readonly Candidate[] {
  const rank = ({ component }: Candidate): number => (component === null || telling.test(component) ? 0 : 1);
  return found
    .flatMap((one) => ("state" in one ? [] : [one]))
    .sort((a, b) => rank(a) - rank(b) || b.mtimeMs - a.mtimeMs)
    .slice(0, mostFiles);
}

/** The same bytes are reached three ways; the first that has any is enough. */
function containerLogs(look: Look): readonly Found[] {
  for (const find of [podLogs, linkedLogs, dockerLogs]) {
    const found = find(look);
    if (found.length > 0) return found;
  }
  return [];
}

/** `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/0.log` (kubelet), before 1.14 without the namespace. */
function podLogs(look: Look): readonly Found[] {
  const pods = "/var/log/pods";
  return names(look, pods)
    .flatMap((pod) => names(look, `${pods}/${pod}`).map((container) => ({ pod, container })))
    .slice(0, mostEntries)
    .flatMap(({ pod, container }) => {
      const folder = `${pods}/${pod}/${container}`;
      const logs = names(look, folder).filter((name) => name.endsWith(".log"));
      return logs.flatMap((name) => candidate(look.root, `${folder}/${name}`, container));
    });
}

/** `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log`, links into the above. */
function linkedLogs(look: Look): readonly Found[] {
  const folder = "/var/log/containers";
  return names(look, folder)
    .filter((name) => name.endsWith(".log"))
    .flatMap((name) =>
      candidate(look.root, `${folder}/${name}`, /_([^_]+)-[0-9a-f]{12,64}\.log$/.exec(name)?.[1] ?? null),
    );
}

/** docker's json-file; which container it is says the label that the kubelet gave it. */
function dockerLogs(look: Look): readonly Found[] {
  const folder = "/var/lib/docker/containers";
  return names(look, folder).flatMap((id) =>
    candidate(
      look.root,
      `${folder}/${id}/${id}-json.log`,
      dockerLabel(look.root, `${folder}/${id}/config.v2.json`),
    ),
  );
}

function dockerLabel(root: Root, path: string): string | null {
  const found = candidate(root, path, null)[0];
  if (found === undefined || "state" in found) return null;
  const piece = readEnd(root, found, tailBytes);
  // One label of a long object: not worth the parse, and a cut end would break it.
  const match = piece.state === "read" && /"io\.kubernetes\.container\.name":"([\w.-]+)"/.exec(piece.text);
  return match ? (match[1] ?? null) : null;
}

/** Names in a folder; none when it is not there or is no folder. */
function names(look: Look, path: string): readonly string[] {
  try {
    const place = locateDirectory(look.root, path, path);
    if (place === null) return [];
    try {
      return readdirSync(childPath(place.directory, ".")).sort().slice(0, mostEntries);
    } finally {
      closeSync(place.directory);
    }
  } catch (error) {
    const refused = unread(path, error);
    if (refused.reason !== "ENOTDIR") look.unread.push(refused);
    return [];
  }
}

function candidate(root: Root, path: string, component: string | null): readonly Found[] {
  try {
    const located = locate(root, path, path);
    if (located.place) closeSync(located.place.directory);
    if (located.state === "absent" || !located.stats.isFile()) return [];
    return [{ path, component, mtimeMs: located.stats.mtimeMs }];
  } catch (error) {
    return [unread(path, error)];
  }
}

function readEnd(root: Root, { path, component }: Candidate, limitBytes: number): LogPiece | UnreadLog {
  try {
    const located = locate(root, path, path);
    if (located.state === "absent") {
      if (located.place) closeSync(located.place.directory);
      return { state: "unread", source: path, reason: "ENOENT" };
    }
    const { text, stats } = tailOf(located.place, limitBytes);
    return { state: "read", source: path, component, text, mtimeMs: stats.mtimeMs };
  } catch (error) {
    return unread(path, error);
  }
}

function tailOf(place: Place, limitBytes: number): { readonly text: string; readonly stats: Stats } {
  try {
    const file = openForReading(childPath(place.directory, place.name));
    try {
      const stats = fstatSync(file);
      const start = Math.max(0, stats.size - limitBytes);
      const buffer = Buffer.alloc(Math.min(limitBytes, stats.size));
      const length = stats.isFile() ? readSync(file, buffer, 0, buffer.length, start) : 0;
      const text = buffer.toString("utf8", 0, length);
      // The first line of an end is half a line.
      return { text: start === 0 ? text : text.slice(text.indexOf("\n") + 1), stats };
    } finally {
      closeSync(file);
    }
  } finally {
    closeSync(place.directory);
  }
}

function unread(source: string, error: unknown): UnreadLog {
  const reason = reasonOf(error);
  if (reason === null) throw error;
  return { state: "unread", source, reason };
}

function reasonOf(error: unknown): string | null {
  return isAppError(error) ? error.code : errnoOf(error);
}
