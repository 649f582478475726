// What a host's script answers instead of a result, as the error it stands for.
import { AppError } from "../../../core/model/errors.ts";
import { errnoOfText } from "./errno.ts";
import { textOf, type Answer } from "./script-queue.ts";

export interface Asked {
  /** What errors name. */
  readonly object: string;
  readonly root?: string;
  /** The revision that was expected to be live. */
  readonly expected?: string;
  /** sha256 of the new bytes. */
  readonly sha256?: string;
  readonly limitBytes?: number;
  /** Folder and token of the lock under which is written. */
  readonly claim?: { readonly lock: string; readonly token: number };
}

/** The error an answer stands for; a kind that is none of an error is the caller's mistake or a cut answer. */
export function errorOf(answer: Answer, asked: Asked): AppError {
  const [kind, ...fields] = answer;
  const [one, two] = fields.map(textOf);
  const { object: address, expected = "absent", limitBytes = 1024 * 1024 } = asked;
  switch (kind) {
    case "unreadable":
      return unreadable(address, errnoOfText(one ?? ""));
    case "irregular":
      return new AppError("store-not-regular", { address, type: one ?? "" });
    case "large":
      return new AppError("store-too-large", { address, bytes: Number(one), limitBytes });
    case "refused":
      return new AppError("store-link-refused", { address, target: one ?? "" });
    case "conflict":
      return new AppError("store-conflict", { address, expected, found: one ?? "" });
    case "mismatch":
      return new AppError("store-mismatch", {
        address,
        expected: asked.sha256 ?? expected,
        found: one ?? "",
      });
    case "failed":
      return failed(address, one ?? "", errnoOfText(two ?? ""));
    case "unverified":
      return failed(address, "verify-temporary", one ?? "");
    case "unsafe":
      return failed(address, "open-directory", `${trimmed(one ?? "")}: ${unsafeReason(two ?? "")}`);
    case "lost":
      return new AppError("lock-lost", {
        path: asked.claim?.lock ?? "",
        token: asked.claim?.token ?? 0,
        found: Number(one),
      });
    case "rootless":
      return new AppError("not-a-node", { root: asked.root ?? "/" });
    default:
      return unreadable(address, "no-answer");
  }
}

/** `UID MODE` of a folder that others may write to. */
export function unsafeReason(traits: string): string {
  const [uid = "", mode = ""] = traits.split(" ");
  return `owned by uid ${uid}, mode ${mode.padStart(4, "0")}`;
}

export function trimmed(folder: string): string {
  return folder === "/" ? "/" : folder.replace(/\/$/, "");
}

function unreadable(address: string, reason: string): AppError {
  return new AppError("store-unreadable", { address, reason, cause: reason });
}

function failed(address: string, operation: string, cause: string): AppError {
  return new AppError("store-write-failed", { address, operation, cause });
}
