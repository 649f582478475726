// Headers of tar archives: POSIX.1-1988 ustar, with a pax record (POSIX.1-2001) for what has no room there. The same entries give the
// same bytes; owners are numbers only, since names mean other people on another machine.
export interface TarEntry {
  /** Folders end with `/`. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** ns since the epoch. */
  readonly mtimeNs: bigint;
  /** 0 for folders. */
  readonly sizeBytes: number;
}

const blockBytes = 512;
const second = 1_000_000_000n;

/** Two blocks of zeros end an archive. */
export const tarEnd: Uint8Array = new Uint8Array(2 * blockBytes);

/** Zeros that fill the last block of a file. */
export function tarPadding(sizeBytes: number): Uint8Array {
  return new Uint8Array((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
}

/** What stands in front of the bytes of an entry. */
export function tarHeader(entry: TarEntry): Uint8Array {
  const name = splitName(entry.path);
  const records = [
    ...(name ? [] : [paxRecord("path", entry.path)]),
    ...(entry.sizeBytes > largest(12) ? [paxRecord("size", String(entry.sizeBytes))] : []),
    ...(entry.mtimeNs % second === 0n ? [] : [paxRecord("mtime", decimal(entry.mtimeNs))]),
    ...(entry.uid > largest(8) ? [paxRecord("uid", String(entry.uid))] : []),
    ...(entry.gid > largest(8) ? [paxRecord("gid", String(entry.gid))] : []),
  ];
  const plain = block(entry, name ?? { prefix: "", name: "long-name" }, entry.path.endsWith("/") ? "5" : "0");
  if (records.length === 0) return plain;
  const body = Buffer.from(records.join(""));
  const pax = { ...entry, mode: 0o600, uid: 0, gid: 0, sizeBytes: body.length };
  return Buffer.concat([
    block(pax, { prefix: "", name: "pax-header" }, "x"),
    body,
    tarPadding(body.length),
    plain,
  ]);
}

/** The size of a whole archive. */
export function tarSize(entries: readonly TarEntry[]): number {
  const sizes = entries.map(
    (entry) => tarHeader(entry).length + entry.sizeBytes + tarPadding(entry.sizeBytes).length,
  );
  return sizes.reduce((sum, size) => sum + size, tarEnd.length);
}

/** A number field has one octal digit less than bytes. */
function largest(fieldBytes: number): number {
  return 8 ** (fieldBytes - 1) - 1;
}

/** At most 100 bytes, or up to 155 more before a `/` (the slash itself is in neither part); null when there is no such place. */
function splitName(path: string): { readonly prefix: string; readonly name: string } | null {
  if (Buffer.byteLength(path) <= 100) return { prefix: "", name: path };
  for (let at = path.indexOf("/"); at !== -1 && at < path.length - 1; at = path.indexOf("/", at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return { prefix, name };
  }
  return null;
}

/** Seconds with nine decimals. */
function decimal(ns: bigint): string {
  return `${ns / second}.${String(ns % second).padStart(9, "0")}`;
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  const digits = String(rest + String(rest).length).length;
  return `${rest + digits} ${key}=${value}\n`;
}

function block(
  { mode, uid, gid, mtimeNs, sizeBytes }: TarEntry,
  { prefix, name }: { readonly prefix: string; readonly name: string },
  type: string,
): Uint8Array {
  const bytes = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, length: number): void => {
    const shown = value >= 0 && value <= largest(length) ? Math.floor(value) : 0;
    bytes.write(`${shown.toString(8).padStart(length - 1, "0")}\0`, at);
  };
  bytes.write(name, 0);
  octal(mode & 0o7777, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(sizeBytes, 124, 12);
  octal(Number(mtimeNs / second), 136, 12);
  bytes.fill(" ", 148, 156);
  bytes.write(type, 156);
  bytes.write("ustar\x0000", 257);
  bytes.write(prefix, 345);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
}
