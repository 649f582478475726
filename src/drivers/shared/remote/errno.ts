// The system's error codes, from the words that programs of a host print in the C locale: glibc's, musl's, and those of dash and busybox.

const words: readonly (readonly [words: string, code: string])[] = [
  ["No such file or directory", "ENOENT"],
  ["No such file", "ENOENT"],
  ["no such file", "ENOENT"],
  ["Directory nonexistent", "ENOENT"],
  ["nonexistent directory", "ENOENT"],
  ["Permission denied", "EACCES"],
  ["Operation not permitted", "EPERM"],
  ["Read-only file system", "EROFS"],
  ["No space left on device", "ENOSPC"],
  ["Disk quota exceeded", "EDQUOT"],
  ["Quota exceeded", "EDQUOT"],
  ["Device or resource busy", "EBUSY"],
  ["Resource busy", "EBUSY"],
  ["Invalid cross-device link", "EXDEV"],
  ["Cross-device link", "EXDEV"],
  ["Input/output error", "EIO"],
  ["I/O error", "EIO"],
  ["File name too long", "ENAMETOOLONG"],
  ["Filename too long", "ENAMETOOLONG"],
  ["Not a directory", "ENOTDIR"],
  ["Is a directory", "EISDIR"],
  ["Directory not empty", "ENOTEMPTY"],
  ["Too many levels of symbolic links", "ELOOP"],
  ["Symbolic link loop", "ELOOP"],
  ["File exists", "EEXIST"],
  ["cannot overwrite existing file", "EEXIST"],
  ["Too many links", "EMLINK"],
  ["Stale file handle", "ESTALE"],
  ["Stale NFS file handle", "ESTALE"],
  ["Text file busy", "ETXTBSY"],
  ["Structure needs cleaning", "EUCLEAN"],
  ["Operation not supported", "ENOTSUP"],
  ["Not supported", "ENOTSUP"],
  ["Cannot allocate memory", "ENOMEM"],
  ["Out of memory", "ENOMEM"],
  ["not found", "no-such-program"],
  // Our own words: somebody changed it under our eyes; the program said nothing more.
  ["again", "EAGAIN"],
  ["getfattr", "getfattr-failed"],
];

/**
 * The code that a program's message ends with. What is not recognised is `unknown`: the text itself goes nowhere, since nobody can say
 * what is in it.
 */
export function errnoOfText(text: string): string {
  for (const line of text.trim().split("\n")) {
    const found = words.find(([ending]) => line.trimEnd().endsWith(ending));
    if (found) return found[1];
  }
  return "unknown";
}
