// What facts do not hold and a rehearsal needs: named, so that nobody takes it for the node's own.

export type MadeUpWhat =
  /** A public half stood there: a key of ours stands there now. */
  | "key"
  /** Not a word of the key was collected: taken for that of the certificate beside it. */
  | "key-unread"
  /** Encrypted, cut off or broken there, and here. */
  | "key-faulty"
  /** A kind of key that nothing here can make: the certificate is the node's own, there is no key for it. */
  | "kept"
  /** Only that it is there, and how long. */
  | "content"
  /** Only the name was collected. */
  | "name"
  /** Could not be read on the node: it is not there. */
  | "unread"
  /** It would lie where the lab has files of its own, or lead out of the tree. */
  | "left-out";

export interface MadeUp {
  readonly node: string;
  /** On the node. */
  readonly path: string;
  readonly what: MadeUpWhat;
}
