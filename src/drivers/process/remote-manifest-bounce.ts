// The script that takes a manifest out and in, brought to a host, started there and waited for. It lives on without us.
// INPUTS: the manifest, the script's status file. OUTPUTS: script and status in the host's work folder, the holding folder.
import { AppError } from "../../core/model/errors.ts";
import type { Host } from "../shared/host.ts";
import { assign, shellText } from "../shared/remote/quote.ts";
import { waitUntil } from "./consumer-driver.ts";
import { type BounceOptions, commandLineOf, explainBounce, isLastWord } from "./manifest-bounce.ts";
import { manifestBounceScript } from "./manifest-bounce-script.ts";

export interface RemotePlace {
  readonly consumer: string;
  /** Absolute paths on the host. */
  readonly manifest: string;
  readonly workFolder: string;
}

/** Where all of it lies, and where the script has come to. */
interface Look {
  readonly held: string;
  readonly hasFolder: boolean;
  readonly isThere: boolean;
  /** The script's own word; empty when there never was one. */
  readonly word: string;
  readonly isAlive: boolean;
}

const prelude = shellText(String.raw`
umask 077
exists() { [ -e "$1" ] || [ -L "$1" ]; }
yes() { if "$@"; then echo yes; else echo no; fi; }

# Outside the manifests folder when that is on one file system with its parent; else a dot-named folder inside.
find_held() {
  folder=@{manifest%/*}
  beside=@{folder%/*}
  beside=@{beside:-/}
  [ "$(stat -L -c %d "$folder" 2>/dev/null)" = "$(stat -L -c %d "$beside" 2>/dev/null)" ] || beside=$folder
  held=@{beside%/}/.perennial-held/@{manifest##*/}
}

# A pid may be another process's by now: ours has the script's path among its words.
is_script() { [ -n "$1" ] && tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | grep -qxF -e "$script"; }

# Sets word and alive.
read_status() {
  word='' said='' alive=no
  if [ -e "$status" ]; then read -r word said <"$status"; fi
  for pid in $said $started; do is_script "$pid" && alive=yes; done
  # What it said at its end, when it has ended meanwhile.
  [ ! -e "$status" ] || read -r word said <"$status"
}

look() {
  find_held
  read_status
  printf 'folder %s\nthere %s\nheld %s\nalive %s\nword %s\n' \
    "$(yes test -d "$folder")" "$(yes exists "$manifest")" "$held" "$alive" "$word"
}

# One that has said its last word touches nothing more, though its process may take a moment to end.
at_work() {
  case $word in done | stuck | back | failed | conflict) return 1 ;; esac
  [ "$alive" = yes ]
}

# Puts a manifest back that a killed script left in its holding place; a script still at work is left to it.
restore() {
  find_held
  read_status
  if ! exists "$held" || at_work; then echo nothing
  elif ! exists "$manifest"; then
    if mv "$held" "$manifest" 2>/dev/null; then echo restored
    elif exists "$held"; then echo failed
    else echo nothing; fi
  elif cmp -s "$held" "$manifest"; then rm -f "$held" && echo restored
  else printf 'conflict %s\n' "$held"; fi
}

# The script's text is standard input.
launch() {
  mkdir -p "@{script%/*}" "@{held%/*}" || exit 1
  rm -f "$status" "$script"
  cat >"$script" || exit 1
  chmod 700 "$script"
  cd /
  session=setsid
  command -v setsid >/dev/null 2>&1 || session=''
  $session nohup /bin/sh "$script" </dev/null >/dev/null 2>&1 &
  pid=$!
  # Until it is the script: a child that was forked has its parent's words first.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ ! -e "$status" ] && ! is_script "$pid" && kill -0 "$pid" 2>/dev/null || break
    sleep 0.1 2>/dev/null || sleep 1
  done
  echo "pid $pid"
}
`);

const askMs = 30_000;

/** true when it put a manifest back. @throws AppError `process-not-revived` when another manifest stands in its place */
export async function restoreRemoteManifest(host: Host, place: RemotePlace): Promise<boolean> {
  const answer = (await ask(host, place, "restore")).trim();
  if (answer === "restored") return true;
  if (answer === "nothing") return false;
  const fault = /^conflict (.*)$/s.exec(answer)?.[1];
  throw notRevived(
    place.consumer,
    "manifest",
    fault === undefined
      ? `${place.manifest} could not be put back`
      : `${place.manifest} exists, and differs from what was taken away, which is kept at ${fault}`,
  );
}

/** Takes the manifest out, waits, puts it back; one that is on its way already is waited for instead. */
export async function bounceRemoteManifest(host: Host, options: BounceOptions): Promise<void> {
  const { consumer, manifest, runtime, signal, pollMs } = options;
  signal?.throwIfAborted();
  const fail = (reason: string): AppError => notRevived(consumer, runtime.through, reason);
  let seen = await look(host, options);
  if (!seen.hasFolder) throw fail(`${manifest.replace(/\/[^/]*$/, "")} does not exist`);
  let pid = "";
  if (!seen.isAlive) {
    const isRestored = await restoreRemoteManifest(host, options);
    if (!seen.isThere && !isRestored) throw fail(`${manifest} does not exist`);
    pid = await launch(host, options, seen.held);
  }
  const poll = async (holds: (now: Look) => boolean, seconds: number): Promise<void> => {
    await waitUntil(
      async () => {
        seen = await look(host, options, pid);
        return isLastWord(seen.word) || holds(seen);
      },
      { seconds, pollMs, signal },
    );
  };
  // The script has its own limit and ends before; the margin is for a slow machine.
  await poll(({ isAlive }) => !isAlive, options.timeoutSeconds + 15);
  // The guard outlives a script that was killed: it looks once a second, puts the manifest back and says so.
  if (!isLastWord(seen.word)) await poll(() => false, 3);
  if (!isLastWord(seen.word)) await restoreRemoteManifest(host, options);
  const reason = explainBounce(seen.word, { manifest, held: seen.held, status: statusOf(options) });
  if (reason !== null) throw fail(reason);
}

async function launch(host: Host, options: BounceOptions, held: string): Promise<string> {
  const { manifest, container, pod, graceSeconds: grace, patienceSeconds: patience } = options;
  const marks = options.marks.join(" ");
  const values = { manifest, held, status: statusOf(options), container, pod, marks, patience, grace };
  const how = commandLineOf(options.runtime, options.find ?? (() => null));
  const text = manifestBounceScript({ ...values, ...how, limit: options.timeoutSeconds });
  const answer = await ask(host, options, `${assign({ held })}\nlaunch`, Buffer.from(text));
  const [, pid] = /^pid (\d+)$/m.exec(answer) ?? [];
  if (pid !== undefined) return pid;
  throw notRevived(options.consumer, options.runtime.through, "its script could not be started");
}

async function look(host: Host, place: RemotePlace, started = ""): Promise<Look> {
  const answer = await ask(host, place, `${assign({ started })}\nlook`);
  const value = (name: string): string => new RegExp(`^${name} (.*)$`, "m").exec(answer)?.[1] ?? "";
  return {
    held: value("held"),
    hasFolder: value("folder") === "yes",
    isThere: value("there") === "yes",
    word: value("word"),
    isAlive: value("alive") === "yes",
  };
}

async function ask(host: Host, place: RemotePlace, call: string, input?: Uint8Array): Promise<string> {
  const status = statusOf(place);
  const script = status.replace(/\.status$/, ".sh");
  const values = assign({ manifest: place.manifest, status, script, started: "" });
  const { code, stdout, stderr } = await host.sh(`${values}\n${prelude}${call}\n`, {
    timeoutMs: askMs,
    ...(input && { input }),
  });
  const answer = Buffer.from(stdout).toString("utf8");
  if (code === 0 && answer !== "") return answer;
  const reason = stderr.split("\n")[0] ?? "";
  throw new AppError("command-failed", {
    command: "sh",
    reason: reason === "" ? `exit code ${code}` : reason,
  });
}

function statusOf({ workFolder, consumer }: RemotePlace): string {
  return `${workFolder}/bounce-${consumer}.status`;
}

function notRevived(consumer: string, through: string, reason: string): AppError {
  return new AppError("process-not-revived", { consumer, through, reason });
}
