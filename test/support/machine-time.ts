// Instants for certificates of real servers: their clock is the machine's, so the certificates follow it, to the second.
export const day = 86_400_000;
export const now = Math.floor(Date.now() / 1000) * 1000;
export const valid = { notBefore: now - day, notAfter: now + day };
export const expired = { notBefore: now - 2 * day, notAfter: now - day };
/** Of an authority over both. */
export const years = { notBefore: now - 9 * day, notAfter: now + 9 * day };
