// Who can say what time it is beside the clock itself: instants that were written down, and other machines. Data only.

/** Instants in ms since the epoch. */
export type ClockWitness =
  /** The youngest file of the node: `at` has passed. Path as seen on the node. */
  | { readonly kind: "file"; readonly path: string; readonly at: number }
  /** The newest entry in the journals of this node's runs: `at` has passed. */
  | { readonly kind: "run"; readonly run: string; readonly at: number }
  /** Another machine said `at` when this one's clock said `askedAt`. `endpoint` is a URL. */
  | { readonly kind: "peer"; readonly endpoint: string; readonly at: number; readonly askedAt: number };
