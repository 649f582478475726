// Writes tar archives (POSIX.1-1988 ustar) that are the same bytes for the same content: no owner, no clock, no order of a file system.

const block = 512;

/**
 * `entries` in the order they shall have: `path` (at most 100 bytes, folders end with `/`), `mode`, `bytes`; folders have no bytes.
 * Everything belongs to root; `mtime` is in seconds since the epoch.
 */
export function tar(entries, mtime) {
  const parts = entries.flatMap(({ path, mode, bytes = Buffer.alloc(0) }) => [
    header({ path, mode, size: bytes.length, mtime }),
    bytes,
    Buffer.alloc((block - (bytes.length % block)) % block),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

function header({ path, mode, size, mtime }) {
  const name = Buffer.from(path);
  if (name.length > 100) throw new TypeError(`too long for this archive: ${path}`);
  const bytes = Buffer.alloc(block);
  name.copy(bytes);
  const octal = (value, at, length) => bytes.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(mtime, 136, 12);
  bytes.write(path.endsWith("/") ? "5" : "0", 156);
  bytes.write("ustar\0", 257);
  bytes.write("00", 263);
  bytes.write("root", 265);
  bytes.write("root", 297);
  bytes.fill(" ", 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
}
