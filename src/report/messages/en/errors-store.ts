// English: errors of objects that are read or written.
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import type { ErrorMessages } from "../types.ts";

function pathOf(address: string): string {
  return address.replace(/^[a-z-]*:[^:]*:/, "").replace(/#.*$/, "");
}

function folderOf(address: string): string {
  return pathOf(address).replace(/\/[^/]*$/, "");
}

export const errorsStore = {
  "store-unreadable": {
    sentence: (p) =>
      `${p.address} could not be read: ${p.reason}${p.cause === p.reason ? "" : ` (${p.cause})`}`,
    hint: (p) => [`ls -l ${shellQuote(pathOf(p.address))}; run as root; on an I/O error see dmesg`],
  },
  "store-not-regular": {
    sentence: (p) => `${p.address} is not a regular file but ${p.type}`,
    hint: (p) => [
      `ls -ld ${shellQuote(pathOf(p.address))} shows what is there; put the file back in its place`,
    ],
  },
  "store-too-large": {
    sentence: (p) =>
      `${p.address} has ${p.bytes} bytes, more than the ${p.limitBytes} that a certificate file can have`,
    hint: (p) => [
      `see what it is: head -c 200 ${shellQuote(pathOf(p.address))}; a wrong path was probably given`,
    ],
  },
  "store-link-refused": {
    sentence: (p) =>
      `${p.address} is a link to ${p.target}, outside the tree that is managed; it was not followed`,
    hint: (p) => [`if that is meant, repeat with ${flags.allowLinksTo} ${shellQuote(p.target)}`],
  },
  "store-conflict": {
    sentence: (p) =>
      `${p.address} was changed by someone else: expected ${p.expected}, found ${p.found}; it was not written`,
    hint: (_, tool) => [
      "find out who writes it (configuration management, kubeadm, a colleague) and stop that for now",
      `then make a new plan: ${tool("plan")}`,
    ],
  },
  "store-write-failed": {
    sentence: (p) => `${p.address} could not be written (${p.operation}): ${p.cause}`,
    hint: (p, tool) => [
      p.operation === "open-directory" && p.cause.includes("ENOENT")
        ? `ls -ld ${shellQuote(folderOf(p.address))}: the folder is missing, and not it alone or in an unusual place; is a file system not mounted? Else make it: mkdir -p ${shellQuote(folderOf(p.address))}`
        : `df -h and df -i ${shellQuote(pathOf(p.address))}; mount | grep ' ro'; lsattr ${shellQuote(pathOf(p.address))}`,
      `then ${tool("resume")}, or ${tool("rollback last")}; ${tool("runs list")} shows whether a run is open`,
    ],
  },
  "store-mismatch": {
    sentence: (p) =>
      `${p.address} does not hold what was just written: expected ${p.expected}, found ${p.found}`,
    hint: (_, tool) => [
      `someone writes the same file, or the disk fails (dmesg); then ${tool("rollback last")}`,
    ],
  },
} satisfies Partial<ErrorMessages>;
