// What `stat`, `getfattr` and `head | base64` of a host say, as values; and attributes as the words that `touch` and `setfattr` take.
import type { Attributes, FolderAttributes } from "../../../engine/ports/store.ts";
import { parseGetfattr } from "../file-labels.ts";

const selinux = "security.selinux";

/** `%s %a %u %g %Y %y`; a time without a fraction (small systems) is whole seconds. */
export function parseTraits(text: string): Omit<Attributes, "xattrs"> & { readonly bytes: number } {
  const [bytes, mode, uid, gid, seconds, ...time] = text.trim().split(" ");
  const fraction = /\.(\d{1,9})/.exec(time.join(" "))?.[1] ?? "0";
  const micros = Math.round(Number(`0.${fraction}`) * 1e6);
  return {
    bytes: Number(bytes),
    mode: Number.parseInt(mode ?? "0", 8),
    uid: Number(uid),
    gid: Number(gid),
    mtimeMs: (Number(seconds) * 1e6 + micros) / 1000,
  };
}

/** What getfattr prints, or a bare SELinux context where only `stat` could be asked. */
export function parseLabels(text: string): Readonly<Record<string, string>> {
  const context = text.trim();
  if (context === "" || context === "?") return {};
  if (context.includes("\n") || context.startsWith("#")) return parseGetfattr(text);
  return { [selinux]: Buffer.from(`${context}\0`).toString("base64") };
}

/** Lines `%a %u %g`. */
export function parseFolders(text: string): readonly FolderAttributes[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const [mode, uid, gid] = line.split(" ");
    return { mode: Number.parseInt(mode ?? "0", 8), uid: Number(uid), gid: Number(gid) };
  });
}

/** Variables that `put` reads; what is absent stays empty and is left as the system gives it. */
export function attributeWords(
  attributes: Partial<Attributes> & { readonly mode: number },
): Readonly<Record<string, string>> {
  const { mode, uid, gid, mtimeMs, xattrs = {} } = attributes;
  return {
    mode: mode.toString(8).padStart(4, "0"),
    uid: uid === undefined ? "" : String(uid),
    gid: gid === undefined ? "" : String(gid),
    mtime: mtimeMs === undefined ? "" : secondsOf(mtimeMs),
    xattrs: Object.entries(xattrs)
      .map(([name, value]) => `${name}=0s${value}`)
      .join("\n"),
    context: Buffer.from(xattrs[selinux] ?? "", "base64")
      .toString()
      .replace(/\0$/, ""),
  };
}

/** Seconds with six digits: floating point must not take the last microsecond. */
function secondsOf(mtimeMs: number): string {
  const micros = BigInt(Math.round(mtimeMs * 1000));
  const seconds = micros / 1_000_000n;
  return `${seconds}.${String(micros % 1_000_000n).padStart(6, "0")}`;
}
