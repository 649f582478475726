// The first page of a bbolt file, enough to tell a database of etcd from anything else (etcd-io/bbolt, db.go and page.go).

/** Page header (16 bytes) and meta (64 bytes). */
export const boltHeadBytes = 80;

const magic = 0xed0cdaed;

/** Byte offsets in the page; all numbers are little-endian on every machine that etcd supports. */
const offsets = { magic: 16, version: 20, pageSize: 24, pages: 56, checksum: 72 } as const;

export type BoltHead = { readonly pageSizeBytes: number } | { readonly fault: string };

/** Meta of page 0: magic 0xED0CDAED, version 2, page size, number of pages, FNV-1a checksum. `sizeBytes` is the file's. */
export function readBoltHead(head: Buffer, sizeBytes: number): BoltHead {
  if (head.length < boltHeadBytes) return { fault: "cut off" };
  if (head.readUInt32LE(offsets.magic) !== magic) return { fault: "no bbolt magic" };
  const version = head.readUInt32LE(offsets.version);
  if (version !== 2) return { fault: `bbolt version ${version}` };
  const pageSizeBytes = head.readUInt32LE(offsets.pageSize);
  if (pageSizeBytes < 512 || pageSizeBytes > 65_536 || (pageSizeBytes & (pageSizeBytes - 1)) !== 0) {
    return { fault: `page size ${pageSizeBytes}` };
  }
  if (head.readBigUInt64LE(offsets.checksum) !== fnv1a(head.subarray(offsets.magic, offsets.checksum))) {
    return { fault: "checksum of the first page" };
  }
  const needed = head.readBigUInt64LE(offsets.pages) * BigInt(pageSizeBytes);
  if (BigInt(sizeBytes) < needed) return { fault: `${sizeBytes} bytes instead of ${needed}` };
  return { pageSizeBytes };
}

/** FNV-1a with 64 bits. */
function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
