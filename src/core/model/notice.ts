// What a plan tells beside its steps: consequences, and what is left to people.
import type { Refusal } from "./refusal.ts";
import type { SlotId } from "./inventory.ts";
import type { PlatformFacts } from "./platform.ts";

export type Notice =
  | {
      readonly code: "validity-capped";
      readonly slot: SlotId;
      readonly authority: string;
      readonly notAfter: number;
    }
  /** etcd has no quorum, or will have none: everything is renewed first, then everything is started. `restarts`: how many processes. */
  | { readonly code: "outage-order"; readonly hasQuorum: boolean; readonly restarts: number }
  /** Nodes of the cluster that could not be read and are done without. */
  | { readonly code: "nodes-skipped"; readonly nodes: readonly string[] }
  /** Controller-managers are started although nobody knows how many nodes report: the operator's word, or no API server can be asked. */
  | { readonly code: "nodes-not-awaited"; readonly because: "not-wanted" | "not-askable" }
  | { readonly code: "swap-window"; readonly consumers: readonly string[] }
  /** `isTogether`: etcd's members may have to be restarted all at once, as `members-together` says. */
  | { readonly code: "restart-needed"; readonly consumers: readonly string[]; readonly isTogether?: true }
  /** This node's member of etcd has expired; where the others have as well, none gets the quorum back alone. */
  | { readonly code: "members-together"; readonly members: number }
  | { readonly code: "authority-bundle"; readonly authority: string }
  | { readonly code: "mode-kept-open"; readonly address: string; readonly mode: string }
  /** A certificate among the answers that is not installed. */
  | {
      readonly code: "answer-unmatched";
      readonly address: string;
      readonly subject: string;
      readonly serialHex: string;
      readonly because: "no-request" | "present-key" | "in-place";
    }
  | { readonly code: "answer-unreadable"; readonly address: string; readonly reason: string }
  /** In the whole folder is no certificate that could be an answer. */
  | { readonly code: "answer-none" }
  /** Requests that no answer was found for. */
  | { readonly code: "answer-awaited"; readonly names: readonly string[] }
  /** A key that its group (not root's) can read now, and cannot any more afterwards. `mode` is the old one. */
  | {
      readonly code: "group-loses-key";
      readonly address: string;
      readonly mode: string;
      readonly newMode: string;
      readonly gid: number;
    }
  /** Made from flags and other files, not after an old certificate: a person should look at the names. */
  | { readonly code: "reconstructed"; readonly slots: readonly SlotId[] }
  | { readonly code: "authority-restored"; readonly authority: string; readonly from: string }
  | { readonly code: "authority-made-anew"; readonly authority: string }
  | {
      readonly code: "key-pair-missing";
      readonly name: string;
      readonly path: string;
      readonly found: string | null;
    }
  /** It does not run, and is started as an earlier run of ours saw it run. */
  | {
      readonly code: "process-from-record";
      readonly consumer: string;
      readonly command: string;
      readonly recordedAt: number;
    }
  | { readonly code: "bootstrap-not-needed"; readonly path: string; readonly file: string }
  /** Expired before and after: `unproven` are processes of which the plan can therefore prove neither health nor certificate. */
  | {
      readonly code: "stays-expired";
      readonly slots: readonly SlotId[];
      readonly unproven: readonly string[];
      readonly isWriteProved: boolean;
    }
  /** What speaks against the clock, and was overruled. */
  | { readonly code: "clock-accepted"; readonly doubts: readonly Refusal[] }
  /** etcd runs on none of the plan's nodes: `servers` as API servers name them. */
  | { readonly code: "etcd-not-in-plan"; readonly servers: readonly string[] }
  /** The platform above the cluster renews by itself as well, and stores credentials when the cluster is updated. */
  | {
      readonly code: "platform-renews";
      readonly platform: PlatformFacts["id"];
      readonly role: PlatformFacts["role"];
      readonly cluster: string | null;
    }
  | {
      readonly code: "token-kubeconfig-left";
      readonly platform: PlatformFacts["id"];
      readonly paths: readonly string[];
    }
  | { readonly code: "kubelet-serving-left"; readonly path: string; readonly isRotated: boolean };
