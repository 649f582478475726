// English: findings of one code told at once, so that twelve expired certificates are one line and one command.
import { flags } from "../../flags.ts";
import { sudoCommand } from "../../tool-command.ts";
import { shellQuote } from "../../shell.ts";
import { formatDay, spanEn } from "../../time.ts";
import type { ManyMessages, Tool } from "../types.ts";
import { isForbidden, toolOfOneNode, waysOn } from "../way-on.ts";
import { reasonOf } from "./findings-clusters.ts";
import { obstacles, onEach } from "./obstacles.ts";

const asks = "(shows the plan first and asks)";
const dayMs = 86_400_000;
/** What `renew` takes as due when it is not told. */
const defaultWithinMs = 30 * dayMs;

/** `on Nov 01, 2025 (386 days ago)`, or between which days. */
function when(instants: readonly number[], at: number): string {
  const [first, last] = [Math.min(...instants), Math.max(...instants)];
  if (formatDay(first) !== formatDay(last)) return `between ${formatDay(first)} and ${formatDay(last)}`;
  return `on ${formatDay(first)} (${first < at ? `${spanEn(at - first)} ago` : `in ${spanEn(first - at)}`})`;
}

function distinct(values: readonly string[]): string {
  return [...new Set(values)].join(", ");
}

function quoted(paths: readonly string[]): string {
  return [...new Set(paths)].map(shellQuote).join(" ");
}

function clock(views: readonly { readonly at: number }[]): number {
  return views[0]?.at ?? 0;
}

function restore(tool: Tool): readonly string[] {
  return [
    `make them again, after old ones where there are any: ${tool("renew")}`,
    `look for them in a backup; files that an earlier run replaced: ${tool("runs list")}`,
  ];
}

export const findingsMany: ManyMessages = {
  "certificate-expired": (views, tool) => ({
    sentence: `${views.length} certificates expired ${when(
      views.map(({ params }) => params.notAfter),
      clock(views),
    )}`,
    next: waysOn(views, [`${tool("renew")} ${asks}`], { lines: obstacles, tool }),
  }),
  "certificate-expiring": (views, tool) => {
    const withinMs = Math.max(...views.map(({ params }) => params.withinMs));
    const within = withinMs === defaultWithinMs ? "" : ` ${flags.within} ${Math.ceil(withinMs / dayMs)}d`;
    return {
      sentence: `${views.length} certificates end ${when(
        views.map(({ params }) => params.notAfter),
        clock(views),
      )}`,
      next: views.every(({ severity }) => severity === "info")
        ? ["the kubelet renews them by itself before that"]
        : waysOn(views, [`${tool(`renew${within}`)} ${asks}`], { lines: obstacles, tool }),
    };
  },
  "certificate-not-yet-valid": (views, tool) => ({
    sentence: `${views.length} certificates are valid only from a time after this node's clock (${when(
      views.map(({ params }) => params.notBefore),
      clock(views),
    )})`,
    next: [
      "compare the clock first: date -u; chronyc tracking (or timedatectl)",
      `if the clock is right: ${tool("renew")}`,
    ],
  }),
  "outlives-authority": (views) => ({
    sentence: `${views.length} certificates end after their CA (${distinct(views.map(({ params }) => `${params.authority}: ${formatDay(params.authorityNotAfter)}`))}) and are worthless from its end on`,
    next: ["note the CA's end as the real one, and renew the CA before that day"],
  }),
  "certificate-missing": (views, tool) => ({
    sentence: `${views.length} certificate files do not exist`,
    next: waysOn(views, restore(tool), { lines: obstacles, tool }),
  }),
  "kubeconfig-missing": (views, tool) => ({
    sentence: `${views.length} kubeconfigs do not exist`,
    next: waysOn(views, restore(tool), { lines: obstacles, tool }),
  }),
  // The service account pair is never renewed: each tells its own way.
  "key-missing": (views, tool) =>
    views.some(({ name }) => name === "sa")
      ? null
      : {
          sentence: `${views.length} private keys do not exist, the certificates beside them are useless`,
          next: [...restore(tool).slice(0, 1), `or renew with new keys: ${tool(`renew ${targets(views)}`)}`],
        },
  "object-unreadable": (views, tool) =>
    views.every(({ params }) => isForbidden(params.reason))
      ? {
          sentence: `${views.length} files are unreadable: run as root (sudo)`,
          next: [`run as root, or sudo: true for a node of a cluster file: ${sudoCommand(tool("check"))}`],
        }
      : {
          sentence: `${views.length} files exist but could not be read (${distinct(views.map(({ params }) => params.reason))})`,
          next: [
            `ls -l ${quoted(views.map(({ params }) => params.path))}; run as root; on an I/O error see dmesg`,
            `then again: ${tool("check")}`,
          ],
        },
  "key-does-not-match": (views, tool) => ({
    sentence: `${views.length} certificates and their private keys do not belong together; no TLS handshake can succeed`,
    next: [
      `if one half of a pair is in a backup, bring it back: ${tool("runs list")}`,
      `else make new pairs: ${tool(`renew ${targets(views)}`)}`,
    ],
  }),
  "wrong-issuer": (views, tool) => ({
    sentence: `${views.length} certificates were not signed by the CA on this node (${distinct(views.map(({ params }) => params.authority))})`,
    next: [
      "compare the CA with the other control-plane nodes (sha256sum): this node may hold the wrong one",
      `if this node's CA is the right one: ${tool(`renew ${targets(views)}`)}`,
    ],
  }),
  "certificate-anomaly": (views, tool) => ({
    sentence: `${views.length} certificates depart from RFC 5280 (${distinct(views.map(({ params }) => params.anomaly))})`,
    next: [`newer versions may refuse them; renewed ones are correct: ${tool(`renew ${targets(views)}`)}`],
  }),
  "replica-differs": (views, tool) => ({
    sentence: `${views.length} copies hold other certificates than their originals: whoever uses them uses old ones`,
    next: [`bring them up to date: ${tool(`renew`)}`],
  }),
  "mode-too-open": (views, tool) => ({
    sentence: `${views.length} files can be read by others than root`,
    next: [...new Set(views.map(({ params }) => params.atMost))].map(
      (mode) =>
        `${onEach(tool)}chmod ${mode} ${quoted(views.filter(({ params }) => params.atMost === mode).map(({ params }) => params.path))}`,
    ),
  }),
  "owner-unexpected": (views, tool) => ({
    sentence: `${views.length} files do not belong to root (${distinct(views.map(({ params }) => `uid ${params.uid}, gid ${params.gid}`))})`,
    next: [
      `${onEach(tool)}find out who that is (getent passwd UID); if nobody needs it: chown root:root ${quoted(views.map(({ params }) => params.path))}`,
    ],
  }),
  "left-over-temporary": (views, tool) => ({
    sentence: `${views.length} files are left over from a run that was cut off; they may hold private keys`,
    next: [
      `${tool("runs list")} shows whether a run is open: resume or rollback removes them`,
      `if no run is open: ${onEach(tool)}rm ${quoted(views.map(({ params }) => params.path))}`,
    ],
  }),
  "holds-system-masters": (views) => ({
    sentence: `${views.length} certificates are in system:masters: full rights that no RBAC rule can take away`,
    next: ["keep them readable by root only; hand out kubeconfigs of their own instead of copies"],
  }),
  "externally-managed": (views, tool) => ({
    sentence: `the private keys of ${views.length} CAs are not on this node: what they signed is renewed where the keys are kept`,
    next: [
      `once they are due: ${onEach(tool)}${toolOfOneNode(tool)(`renew ${flags.csrDir} DIR`)}, have the requests signed there, ${toolOfOneNode(tool)(`renew ${flags.signed} DIR`)}`,
      `or bring the CA's key here for the time of ${tool("renew")} and take it away again`,
    ],
  }),
  // Of a few each tells its own reason.
  "node-unreachable": (views, tool) => {
    const [first] = views;
    if (first === undefined || views.length <= 3) return null;
    return {
      sentence: `${views.length} nodes could not be reached or read (${first.node}: ${reasonOf(first)}); nothing is known of their certificates, and no plan can renew them`,
      next: [
        `the reason of each: ${tool("check -o json")} | jq -r '.findings[] | select(.code == "node-unreachable") | .message'`,
        `then again: ${tool("check")}`,
      ],
    };
  },
};

function targets(views: readonly { readonly target: string }[]): string {
  return [...new Set(views.map(({ target }) => target))].join(" ");
}
