// Addresses of files as people read them.

/**
 * `m1:/etc/kubernetes/admin.conf` wherever the text has it as formatAddress writes it: of the stores there is only the one of files, and its
 * name in front of every path says nothing.
 */
export function withoutStore(text: string): string {
  return text.replaceAll(/(?<![\w-])file:(?=[^\s:/#]+:\/)/g, "");
}
