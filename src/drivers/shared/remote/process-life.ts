// Whether the holder of a lock still runs, asked on a machine behind a shell that may be his.
import type { Actor } from "../../../core/model/run.ts";
import type { Host } from "../host.ts";
import { type Life, lifeOn } from "../processes.ts";
import { shellText } from "./quote.ts";
import { openScriptQueue, textOf } from "./script-queue.ts";

const prelude = shellText(String.raw`
out() { for value; do printf '+%s\0' "$value"; done; }

life() {
  boot=''
  read -r boot </proc/sys/kernel/random/boot_id
  gone=''
  [ -d "/proc/$1" ] || [ ! -d /proc/1 ] || gone=yes
  out life "$(uname -n)" "$boot" "$gone" "$(cat "/proc/$1/stat" 2>/dev/null)"
  printf '.\0'
}
`);

/** `unknown` for a process of another machine, or a record that names none. Rejects with what the host rejects with. */
export async function remoteLife(host: Host, actor: Actor): Promise<Life> {
  // Read from a file that somebody else wrote: it goes into a script.
  if (!Number.isSafeInteger(actor.pid) || actor.pid < 1) return "unknown";
  const [kind, ...fields] = await openScriptQueue(host, prelude).ask({ text: `life ${actor.pid}` });
  const [name = "", boot = "", gone = "", stat = ""] = fields.map(textOf);
  if (kind !== "life") return "unknown";
  return lifeOn({ host: name.trim(), bootId: boot.trim() }, actor, {
    stat: () => stat,
    isGone: () => gone !== "",
  });
}
