// The mode of a file that a renewal replaces.

/** A private key's file ends 0600 whatever it was (CIS 1.1.21); everything else keeps its mode. */
export function newModeOf(mode: number, isKey: boolean): number {
  return isKey ? mode & 0o600 : mode;
}
