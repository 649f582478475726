// Log files that the operator named, as a stream: pipes and files of any size, a piece in memory at a time.
import { createReadStream } from "node:fs";
import { AppError } from "../../core/model/errors.ts";
import { errnoOf } from "../shared/directory-handles.ts";

/** Throws `input-unreadable` with the system's reason; an abort passes through as its own reason. */
export async function* readLogFile(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(path, { highWaterMark: 256 * 1024 });
  const stop = (): void => void stream.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    signal.throwIfAborted();
    const code = errnoOf(error);
    if (code === null) throw error;
    throw new AppError("input-unreadable", { path, reason: reasons[code] ?? code }, { cause: error });
  } finally {
    signal.removeEventListener("abort", stop);
    stream.destroy();
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "not a regular file but a directory",
};
