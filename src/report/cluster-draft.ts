// A draft of a cluster file as its text: every value with who says so as a comment beside it.
import type { ClusterDraft, ClusterSign, ClusterSource, DraftNode } from "../core/model/cluster-draft.ts";
import { cliMessages } from "./cli-messages.ts";
import { safeText } from "./escape.ts";
import type { Language } from "./language.ts";

/** Ended by a newline. */
export function renderClusterDraft(draft: ClusterDraft, lang: Language): string {
  const words = cliMessages(lang).init;
  const said = (source: ClusterSource): string => sourceText(source, lang);
  const { name, profile, params, servers, nodes, noMemberList } = draft;
  return [
    ...words.head.map((text) => `# ${text}`),
    "apiVersion: perennial/v1",
    "kind: Cluster",
    line("", "name", name.value, said(name.source)),
    ...(profile === null ? [] : [line("", "profile", profile, "--profile")]),
    ...(Object.keys(params).length === 0 ? [] : ["set:"]),
    ...Object.entries(params).map(([key, value]) => line("  ", key, value, "--set")),
    ...servers.map(({ value, source }) => `# ${words.server(safeText(value), said(source))}`),
    ...words.ssh.map((text) => `# ${text}`),
    "nodes:",
    ...nodes.flatMap((node, index) => nodeLines(node, index === 0, lang)),
    ...(noMemberList === null ? [] : [`# ${words.noMemberList(noMemberList)}`]),
    "",
  ].join("\n");
}

function nodeLines(node: DraftNode, isOwn: boolean, lang: Language): readonly string[] {
  const words = cliMessages(lang).init;
  const { name, address, roles, source, reach } = node;
  return [
    line("- ", "name", name, isOwn ? words.own : sourceText(source, lang)),
    ...(address === null ? [] : [signLine("address", address, lang)]),
    `  roles: [${roles.join(", ")}]${comment(isOwn ? words.ownRoles : words.otherRoles)}`,
    ...(reach?.kind === "local" ? [`  local: true${comment(words.local)}`] : []),
    ...(reach?.kind === "root" ? [line("  ", "root", reach.root, "--root")] : []),
  ];
}

function signLine(key: string, { value, source }: ClusterSign, lang: Language): string {
  return line("  ", key, value, sourceText(source, lang));
}

function line(indent: string, key: string, value: string, source: string): string {
  return `${indent}${scalar(key)}: ${scalar(value)}${comment(source)}`;
}

function comment(text: string): string {
  return ` # ${safeText(text)}`;
}

/** Quoted unless it can be nothing but text. */
function scalar(text: string): string {
  const isPlain = /^[A-Za-z0-9/][A-Za-z0-9/._-]*$/.test(text) && !/^null$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}

function sourceText(source: ClusterSource, lang: Language): string {
  const { sources } = cliMessages(lang).init;
  switch (source.kind) {
    case "file":
      return sources.file(source.field, source.path);
    case "member-list":
      return sources.memberList;
    case "option":
      return source.option;
    case "default":
      return sources.default;
  }
}
