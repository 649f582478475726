// A request that waits for its answer: what is kept beside the key that was made for it.
import type { NodeName } from "./address.ts";
import type { SlotId } from "./inventory.ts";

/** `pending/NODE/NAME.json` in the state directory; the key is `NAME.key` beside it. No key bytes in here. */
export interface PendingRequest {
  readonly format: "perennial/pending/v1";
  readonly node: NodeName;
  readonly slot: SlotId;
  readonly name: string;
  /** kubeadm's spelling, `RSA-2048`. */
  readonly algorithm: string;
  /** Of the SubjectPublicKeyInfo, hex. */
  readonly spkiSha256: string;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
  /** The certificate that the request was made from. */
  readonly from: { readonly serialHex: string; readonly sha256: string };
  /** The request itself: what the answer is held against, and given out again when it is asked for again. */
  readonly csrPem: string;
}
