// What a command's options mean: which node, which profile, which renewal.
import type { CollectedNode } from "../app/collected-node.ts";
import { type LiveChoice, type LocalNode, localNode, runtimeNames } from "../app/local-node.ts";
import type { ProfileChoice } from "../app/gather.ts";
import { cliMessages } from "../report/cli-messages.ts";
import { AppError } from "../core/model/errors.ts";
import type { ArchiveChoice, RenewRequest } from "../core/model/plan.ts";
import { tryParseIpAddress } from "../core/pki/ip-address.ts";
import { parseDuration } from "./durations.ts";
import type { Io } from "./io.ts";
import type { NodeOptions, RenewOptions } from "./options.ts";
import { parseProcessCommands } from "./process-commands.ts";

const defaultValiditySeconds = 365 * 86_400;

export function nodeOf(options: NodeOptions, io: Io): LocalNode {
  return localNode({
    root: options.root,
    stateDirectory: options.stateDir ?? null,
    allowLinksTo: options.allowLinksTo ?? [],
    environment: io.environment,
    live: liveChoiceOf(options),
    isMachineClock: io.isMachineClock,
  });
}

/** `--facts FILE`; `-` is standard input. Throws `input-unreadable`, `facts-damaged`. */
export async function factsNodeOf(path: string, io: Io, root = "/"): Promise<CollectedNode> {
  if (root !== "/")
    throw new AppError("usage", { reason: cliMessages(io.lang).usage.excludes("--facts", "--root") });
  const { collectedNode, readFacts } = await import("../app/collected-node.ts");
  return collectedNode(path === "-" ? await io.readInput() : await readFacts(path), path);
}

/** A directory that stands for a node has no processes of ours, unless the operator says that it has. */
export function liveChoiceOf({ root, probe, runtime }: NodeOptions): LiveChoice | null {
  const known = runtimeNames.find((name) => name === runtime);
  if (runtime !== undefined && known === undefined)
    throw new AppError("value-invalid", {
      what: "--runtime",
      value: runtime,
      expected: "cri, crictl, docker, nerdctl or ctr",
    });
  return (probe ?? root === "/") ? { runtime: known ?? null } : null;
}

export function profileChoiceOf(options: NodeOptions): ProfileChoice {
  const params = options.set.map((pair) => {
    const at = pair.indexOf("=");
    if (at < 1) throw new AppError("value-invalid", { what: "--set", value: pair, expected: "NAME=VALUE" });
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return { id: options.profile ?? null, params: Object.fromEntries(params) };
}

export function renewRequestOf(names: readonly string[], options: RenewOptions): RenewRequest {
  // kubeadm's `renew all` is a name there and the option here.
  const isAll = options.all === true || names.includes("all");
  if (options.keepKey === true && options.keyAlgorithm !== undefined) {
    throw new AppError("usage", { reason: "--keep-key and --key-algorithm exclude each other" });
  }
  return {
    names: names.filter((name) => name !== "all"),
    all: isAll,
    withinSeconds: parseDuration(options.within),
    validitySeconds: options.validity === undefined ? defaultValiditySeconds : positive(options.validity),
    validityIsExplicit: options.validity !== undefined,
    keepKey: options.keepKey === true,
    keyAlgorithm: options.keyAlgorithm ?? null,
    addSans: options.addSan.map(parseSan),
    recreateAuthorities: (options.recreateAuthority ?? []).map(parseAuthority),
    allowLinksTo: options.allowLinksTo ?? [],
    ...(options.snapshot === false ? { noSnapshot: true } : {}),
    ...processesOf(options),
    ...(options.acceptClock === true ? { acceptClock: true } : {}),
  };
}

/** Commands for processes that nobody restarts would be ignored without a word. */
function processesOf(options: RenewOptions): Pick<RenewRequest, "processes"> {
  const { process: texts = [] } = options;
  if (texts.length === 0) return {};
  if (liveChoiceOf(options) === null)
    throw new AppError("usage", {
      reason: "--process needs the running node: no --no-probe, and --probe with --root",
    });
  return { processes: parseProcessCommands(texts) };
}

/** `--backup-to` with `--backup-recipient`; null without. Throws `usage`, `recipient-invalid`, `archive-target`. */
export async function archiveOf({
  backupTo,
  backupRecipient = [],
}: RenewOptions): Promise<ArchiveChoice | null> {
  if (backupTo === undefined && backupRecipient.length === 0) return null;
  if (backupTo === undefined) throw new AppError("usage", { reason: "--backup-recipient needs --backup-to" });
  if (backupRecipient.length === 0)
    throw new AppError("usage", { reason: "--backup-to needs --backup-recipient" });
  const { chooseArchive } = await import("../app/archive.ts");
  return chooseArchive(backupTo, backupRecipient);
}

/** `front-proxy-ca`, or `front-proxy-ca=new` for a new one although the old one may be found. */
function parseAuthority(text: string): { readonly name: string; readonly anew: boolean } {
  const [, name = "", how] = /^([^=]+)(?:=(.*))?$/s.exec(text) ?? [];
  if (name !== "" && (how === undefined || how === "new")) return { name, anew: how === "new" };
  throw new AppError("value-invalid", {
    what: "--recreate-authority",
    value: text,
    expected: "front-proxy-ca or front-proxy-ca=new",
  });
}

function positive(text: string): number {
  const seconds = parseDuration(text);
  if (seconds > 0) return seconds;
  throw new AppError("value-invalid", { what: "--validity", value: text, expected: "more than nothing" });
}

/** `lb.example`, `10.0.0.9`, `fd00::9`, each with `SLOT=` before it if need be; `dns:` and `ip:` may be said. */
function parseSan(text: string): RenewRequest["addSans"][number] {
  const at = text.indexOf("=");
  const slot = at < 0 ? null : text.slice(0, at);
  const [, kind = "", rest = ""] = /^(?:(dns|ip):)?(.*)$/is.exec(text.slice(at + 1)) ?? [];
  if (tryParseIpAddress(rest) && kind.toLowerCase() !== "dns") return { slot, kind: "ip", value: rest };
  // A last label of digits is half an address, not a name (RFC 1123 section 2.1).
  const isName = kind.toLowerCase() !== "ip" && !/(^|\.)\d+$/.test(rest);
  if (
    isName &&
    /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i.test(
      rest,
    ) &&
    rest.length <= 253
  ) {
    return { slot, kind: "dns", value: rest };
  }
  throw new AppError("value-invalid", {
    what: "--add-san",
    value: text,
    expected: "lb.example, 10.0.0.9 or etcd-server=10.0.0.9",
  });
}
