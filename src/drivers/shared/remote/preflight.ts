// Whether a file of a node behind a shell could be replaced.
import type { Address } from "../../../core/model/address.ts";
import { isAppError, type AppError } from "../../../core/model/errors.ts";
import type { PreflightOptions } from "../../../engine/ports/store.ts";
import { errorOf } from "./answer-errors.ts";
import { walkable, type RemoteFiles } from "./remote-files.ts";
import { textOf } from "./script-queue.ts";

/** Space that must remain beside the new file: directory blocks, the journal's next lines. */
const marginBytes = 16 * 1024;

/** See PreflightStore.preflight. */
export async function preflightRemote(
  files: RemoteFiles,
  address: Address,
  { signal, bytes = 64 * 1024 }: PreflightOptions = {},
): Promise<AppError | null> {
  const object = files.object(address);
  signal?.throwIfAborted();
  const values = { path: walkable(address.path), token: 0 };
  try {
    const [, room, me] = await files.ask({ object, call: "preflight", values, results: ["room"] });
    const isEnough = hasRoom(textOf(room), textOf(me) === "0", bytes + marginBytes);
    if (isEnough) return null;
    return errorOf(["failed", Buffer.from("write"), Buffer.from("No space left on device")], { object });
  } catch (error) {
    if (isAppError(error) && error.code.startsWith("store-")) return error;
    throw error;
  }
}

/** `%S %f %a %c %d` of `stat -f`. */
function hasRoom(room: string, isRoot: boolean, needed: number): boolean {
  const [block = 0, free = 0, available = 0, files = 0, freeFiles = 0] = room.split(" ").map(Number);
  return (isRoot ? free : available) * block >= needed && (files === 0 || freeFiles > 0);
}
