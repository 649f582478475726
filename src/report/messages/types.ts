// The shape of a language: one sentence (and what to do next) for every code there is. A missing one does not compile.
import type { ErrorCode, ErrorParams } from "../../core/model/errors.ts";
import type { StateFault } from "../../core/model/errors-runs.ts";
import type { Refusal, RefusalCode } from "../../core/model/refusal.ts";
import type { FindingCode, FindingParams, Severity } from "../../core/model/finding.ts";

/** The tool's own command line for some arguments, with the options of this call (`--root DIR`) added. */
export type Tool = (args: string) => string;

/** What a finding's sentence may use. Every string in it has been through `safeText`. */
export interface FindingView<C extends FindingCode> {
  readonly params: FindingParams[C];
  /** As in kubeadm's table: `apiserver`. */
  readonly name: string;
  readonly node: string;
  /** Path on the node. */
  readonly path: string;
  /** Entry inside the object, `users/kubernetes-admin`; empty for whole files. */
  readonly entry: string;
  /** The instant the answer is for, ms. */
  readonly at: number;
  readonly severity: Severity;
  /** What to name the slot in a command: the name, or the slot id when there are several nodes. */
  readonly target: string;
  readonly tool: Tool;
}

/** Lower-case sentence without final stop, and lines that say what to do, most useful first. */
export interface FindingMessage<C extends FindingCode> {
  sentence(view: FindingView<C>): string;
  next(view: FindingView<C>): readonly string[];
}

/** `sentence` stands before the names: `10 certificates expired on Nov 01, 2025: admin.conf, apiserver, ...`. */
export interface ManyText {
  readonly sentence: string;
  readonly next: readonly string[];
}

/** Two or more findings of one code and one severity, told at once. A code without an entry, or that answers null, is told one by one. */
export type ManyMessages = {
  readonly [C in FindingCode]?: (views: readonly FindingView<C>[], tool: Tool) => ManyText | null;
};

export type FindingMessages<C extends FindingCode = FindingCode> = { readonly [K in C]: FindingMessage<K> };

export interface ErrorMessage<C extends ErrorCode> {
  sentence(params: ErrorParams[C]): string;
  hint(params: ErrorParams[C], tool: Tool): readonly string[];
}

export type ErrorMessages<C extends ErrorCode = ErrorCode> = { readonly [K in C]: ErrorMessage<K> };

/** What keeps a state directory from being worked in, and the one thing to do about it. */
export type StateFaultWords = {
  readonly [F in StateFault]: {
    sentence(path: string, reason: string): string;
    hint(path: string): string;
  };
};

export interface RefusalMessage {
  /** The sentence says what it is about: the slot does not stand before it once more. */
  readonly namesSlot?: true;
  sentence(refusal: Refusal): string;
  next(refusal: Refusal, tool: Tool): readonly string[];
}

export type RefusalMessages = { readonly [C in RefusalCode]: RefusalMessage };

/** A table of sentences keyed by a union's `code`. */
export type MessagesOf<U extends { readonly code: string }> = {
  readonly [C in U["code"]]: (value: Extract<U, { readonly code: C }>) => string;
};

/** Of the encrypted archive in a plan: where it goes, for whom, and whose keys leave their nodes for it (null when none leave any). */
export interface ArchiveWords {
  readonly place: string;
  readonly recipients: string;
  readonly keysOf: { readonly nodes: string; readonly count: number } | null;
}
