// English: errors of locks, plans and runs.
import type { PlanDifference } from "../../../core/model/errors-runs.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import { formatDate, nextWindow } from "../../time.ts";
import { staleFiles } from "../stale-files.ts";
import { isOfCluster, logCommand } from "../way-on.ts";
import type { ErrorMessages, StateFaultWords } from "../types.ts";

const archiveProblems = {
  missing: "there is no such directory",
  "not-a-directory": "it is not a directory",
  exists: "a file has this name already",
  "not-writable": "it cannot be written to",
} as const;

const recipientProblems = {
  identity: "is a secret key, not a recipient",
  ssh: "is an SSH key; only age recipients can be encrypted to",
  plugin: "is a recipient of an age plugin, which is not supported",
  damaged: "is a damaged age recipient: a letter is wrong, missing or too many",
  "not-a-recipient": "is neither an age recipient nor a file of them",
  "file-unreadable": "cannot be read as a file of recipients",
  "file-empty": "holds no recipient",
} as const;

const kept = { run: "the run's backup, journal and staged files", lock: "the lock" } as const;

function kib(bytes: number, round = Math.ceil): string {
  return `${round(bytes / 1024)} KiB`;
}

const stale = {
  change: ({ what, planned, found }: PlanDifference) =>
    what === "bytes" ? "other content" : `${what} was ${planned || "nothing"}, is ${found || "nothing"}`,
  separator: ", ",
  more: (count: number) => `and ${count} more`,
};

/** Where it cannot be opened, the directory itself may be in order. */
const stateFaults = {
  "not-opened": {
    sentence: (path, reason) => `the state directory ${path} cannot be opened: ${reason}`,
    hint: asRoot,
  },
  "of-root": {
    sentence: (path) => `the state directory ${path} is root's, and this user is not root`,
    hint: asRoot,
  },
  "in-use": {
    sentence: unsafeState,
    hint: () => `leave it as it is and name a folder of its own: ${flags.stateDir} DIR`,
  },
  unsafe: {
    sentence: unsafeState,
    hint: (path) =>
      `ls -ld ${shellQuote(path)}; it must be a directory of root with mode 0700, not a link: chown root:root, chmod 0700`,
  },
} satisfies StateFaultWords;

function unsafeState(path: string, reason: string): string {
  return `the state directory ${path} is not safe to keep keys in: ${reason}`;
}

function asRoot(path: string): string {
  return `ls -ld ${shellQuote(path)}; run as root (for a node of a cluster file: sudo: true); on an I/O error see dmesg`;
}

export const errorsRuns = {
  locked: {
    sentence: (p) =>
      p.pid === 0
        ? `${p.holder} works on ${p.node ?? "this node"} by hand since ${formatDate(p.sinceAt)} (${p.what}) and holds the lock ${p.path}`
        : `another run holds the lock ${p.path}${p.node === undefined ? "" : ` on ${p.node}`}: ${p.what} by ${p.holder} on ${p.host} (pid ${p.pid}) since ${formatDate(p.sinceAt)}, ${p.alive ? "still running" : "which cannot be looked up from here"}`,
    hint: (p, tool) =>
      p.pid === 0
        ? [
            `wait until the last step of that runbook releases it, or talk to ${p.holder}`,
            `if nobody is at work any more, repeat the command with ${flags.breakLock}`,
          ]
        : [
            `wait for it, or talk to ${p.holder}; on ${p.host}: ps -fp ${p.pid}`,
            p.alive
              ? `if it hangs: end that process (kill), then ${tool("resume")}; only if it cannot be ended, repeat the command with ${flags.breakLock}: it stops at its next write`
              : `if that process is gone, repeat the command with ${flags.breakLock}`,
          ],
  },
  "lock-lost": {
    sentence: (p) =>
      `the lock ${p.path} was taken over by another run (token ${p.token}, now ${p.found}); this one stopped`,
    hint: (_, tool) => [
      `${tool("runs list")} shows both runs; let the other one finish, then ${tool("check")}`,
    ],
  },
  "plan-stale": {
    sentence: (p) => `the plan is stale:${staleFiles(p.differences, stale)}`,
    hint: (_, tool) => [
      `nothing was changed; make a new plan and have it approved: ${tool("plan --out FILE")}`,
    ],
  },
  "plan-done": {
    sentence: (p) => `run ${p.run} has already done this plan; nothing was changed now`,
    hint: (p, tool) => [
      `${tool(`runs show ${p.run}`)} says what it did, ${tool("check")} how things are now`,
      `to renew again, make a new plan: ${tool("plan --out FILE")}`,
    ],
  },
  "plan-invalid": {
    sentence: (p) => `${p.path} is not a plan that can be applied: ${p.reason}`,
    hint: (_, tool) => [`make a new one: ${tool("plan --out FILE")}; never edit a plan by hand`],
  },
  "outside-window": {
    sentence: (p) =>
      `it is ${formatDate(p.at)}, ${p.at < p.fromAt ? "before" : "after"} the window from ${formatDate(p.fromAt)} to ${formatDate(p.toAt)}`,
    hint: (p, tool) =>
      p.run !== undefined
        ? [
            `the window is that of run ${p.run}; nothing was done now. ${p.at < p.fromAt ? "Repeat the command when it has begun, or give" : "Give"} it another one, once that is approved: ${tool(`resume ${p.run} ${flags.window} ${nextWindow(p.at)}`)}`,
            `taking it back needs no window: ${tool(`rollback ${p.run}`)}`,
          ]
        : [
            p.at < p.fromAt
              ? "no live file was changed; repeat the command when the window has begun"
              : "no live file was changed; have another window approved",
          ],
  },
  "clock-stepped": {
    sentence: (p) =>
      `the clock was set ${p.byMs < 0 ? "back" : "forward"} by ${Math.round(Math.abs(p.byMs) / 60_000)} minutes while the certificates were made`,
    hint: () => [
      "no live file was changed; wait until the clock is right and stays so (date -u, chronyc tracking), then repeat the command",
    ],
  },
  "digest-differs": {
    sentence: (p) => `the plan is not the approved one: approved ${p.approved}, found ${p.found}`,
    hint: (_, tool) => [
      `nothing was changed; compare with what was approved: ${tool("plan")}; have the new digest approved`,
    ],
  },
  "run-unfinished": {
    sentence: (p) => `run ${p.run} was cut off and must be ended before another can begin`,
    hint: (p, tool) => [
      `${tool("resume")} finishes it, ${tool(`rollback ${p.run}`)} restores what was there; ${tool(`runs show ${p.run}`)} says how far it came`,
    ],
  },
  "run-unknown": {
    sentence: (p) => (p.run === "last" ? "there are no runs yet" : `there is no run ${p.run}`),
    hint: (p, tool) => [
      p.run === "last"
        ? `${tool("renew")} begins one; runs in another state directory: ${flags.stateDir} DIR${isOfCluster(tool) ? "" : "; runs over the nodes of a cluster: -f FILE"}`
        : `${tool("runs list")} shows the runs there are; another state directory: ${flags.stateDir} DIR`,
    ],
  },
  "run-not-open": {
    sentence: (p) => `run ${p.run} cannot be continued or undone: its state is ${p.state}`,
    hint: (p, tool) => [
      `${tool(`runs show ${p.run}`)} says what happened; ${tool("check")} says how things are now`,
    ],
  },
  "journal-damaged": {
    sentence: (p) => `the journal ${p.path} is damaged at line ${p.line}: ${p.reason}`,
    hint: (p, tool) => [
      `the prior files are intact beside it: ls -R ${shellQuote(p.path.replace(/[^/]*$/, "before"))}; copy them back with cp -p where needed`,
      `then ${tool("check")}`,
    ],
  },
  "rollback-refused": {
    sentence: (p) => `run ${p.run} was not undone: changed by others since: ${p.changed.join(", ")}`,
    hint: (p, tool) => [
      `${tool(`runs show ${p.run}`)} lists what was there before; bring the changed objects back to what the run wrote, or copy single files from its folder`,
    ],
  },
  "rollback-expired": {
    sentence: (p) => `undoing run ${p.run} would bring back expired certificates: ${p.names.join(", ")}`,
    hint: (p, tool) => [`nothing was changed; if that is meant: ${tool(`rollback ${p.run} ${flags.yes}`)}`],
  },
  "proof-failed": {
    sentence: (p) => `${p.slot} is not what was planned: ${p.reason}`,
    hint: (_, tool) => [`${tool("resume")} tries again, ${tool("rollback last")} restores what was there`],
  },
  "probe-needed": {
    sentence: (p) =>
      `run ${p.run} restarts processes and proves what they serve, and this call works on files alone; nothing was done now`,
    hint: (p, tool) => [
      `with the running node: ${tool("resume --probe")}`,
      `if it does not run: ${tool(`rollback ${p.run}`)} puts the files back, then ${tool(`renew ${flags.noProbe}`)} renews files alone`,
    ],
  },
  "step-failed": {
    sentence: (p) => `step ${p.step} failed: ${p.reason}`,
    hint: (_, tool) => [
      `${tool("resume")} tries again from there, ${tool("rollback last")} restores what was there`,
    ],
  },
  "bounce-failed": {
    sentence: (p) =>
      p.stage === "return"
        ? `${p.consumer} has not come back: ${p.reason}`
        : p.stage === "health"
          ? `${p.consumer} has come back but is not well: ${p.reason}`
          : `${p.consumer} has come back but ${p.where} is not as it has to be: ${p.reason}`,
    hint: (p, tool) => [
      `read its log: ${logCommand(p.consumer)}; ${tool("diagnose")} reads it too`,
      `${tool("resume")} tries again from there, ${tool("rollback last")} restores what was there`,
    ],
  },
  "rebounce-failed": {
    sentence: (p) =>
      `every file is as it was before, but not every process has come back: ${p.failures.map(({ consumer, reason }) => `${consumer} (${reason})`).join("; ")}`,
    hint: (p, tool) => [
      ...p.failures.map(({ consumer }) => `read the log of ${consumer}: ${logCommand(consumer)}`),
      `${tool("resume")} tries these again, and no others`,
    ],
  },
  "snapshot-failed": {
    sentence: (p) => `etcd's data could not be saved, and nothing was changed: ${p.reason}`,
    hint: (p) => [
      ...(p.isAlone === true
        ? [
            "is it one of several masters, and have all expired? a quorum comes back only together: perennial init writes a cluster file, then perennial renew -f cluster.yaml",
          ]
        : []),
      `${p.isAlone === true ? "with one master alone: " : ""}--no-snapshot goes on without; then copy etcd's data directory yourself first`,
    ],
  },
  "script-unsupported": {
    sentence: (p) => `a script cannot do these steps: ${p.steps.join(", ")}`,
    hint: (_, tool) => [
      `${tool("renew")} does them; name the other certificates to have a script for those: ${tool("plan --script NAME")}`,
    ],
  },
  "live-proof-failed": {
    sentence: (p) => `the proof from the running node is not complete: ${p.where}: ${p.reason}`,
    hint: (_, tool) => [
      `${tool("resume")} asks again, ${tool("verify")} shows everything, ${tool("rollback last")} restores what was there`,
    ],
  },
  "state-unsafe": {
    sentence: ({ path, fault, reason }) => stateFaults[fault].sentence(path, reason),
    hint: ({ path, fault }) => [stateFaults[fault].hint(path)],
  },
  "state-full": {
    sentence: (p) =>
      p.lacks === "bytes"
        ? `the disk of ${p.path} is too full to begin: up to ${kib(p.needed)} for ${kept[p.keeps]}, ${kib(p.free, Math.floor)} free; nothing was changed`
        : `the file system of ${p.path} has too few inodes to begin: up to ${p.needed} for ${kept[p.keeps]}, ${p.free} free; nothing was changed`,
    hint: (p, tool) => [
      `see what fills it, and make room: ${p.lacks === "bytes" ? "df -h" : "df -i"} ${shellQuote(p.on)}; ${tool("runs prune")} removes old runs`,
      ...(p.keeps === "lock"
        ? []
        : [
            `or keep the run on another disk of this node: ${flags.stateDir} DIR, and the same with resume and rollback`,
          ]),
    ],
  },
  "archive-target": {
    sentence: (p) =>
      `the encrypted backup cannot go to ${p.path}: ${archiveProblems[p.problem]}${p.cause === "" ? "" : ` (${p.cause})`}; nothing was changed`,
    hint: (p) => [
      p.problem === "exists"
        ? `name a file that is not there, or a directory: ${flags.backupTo} DIR gives every run a file of its own`
        : `look at it: ls -ld ${shellQuote(p.path)}; is what belongs there mounted? findmnt -T ${shellQuote(p.path)}`,
    ],
  },
  "archive-full": {
    sentence: (p) =>
      `the disk of ${p.path} is too full for the encrypted backup: up to ${kib(p.needed)} needed, ${kib(p.free, Math.floor)} free; nothing was changed`,
    hint: (p) => [
      `make room there (df -h ${shellQuote(p.path)}), or name another place: ${flags.backupTo} DIR`,
    ],
  },
  "archive-damaged": {
    sentence: (p) =>
      `the encrypted backup ${p.path}, read back, is not what was written; nothing was changed`,
    hint: () => ["that disk fails or lies (dmesg): name another place"],
  },
  "recipient-invalid": {
    sentence: (p) =>
      `${p.from === "" ? "" : `${p.from}: `}${p.given === "" ? "it" : p.given} ${recipientProblems[p.problem]}`,
    hint: (p) => [
      p.problem === "identity"
        ? "age-keygen -y FILE prints the recipient of an identity; keep the identity off this machine"
        : "a recipient is what age-keygen prints as public key: age1 and 58 letters (age1pq1 and more for post-quantum keys)",
    ],
  },
  interrupted: {
    sentence: (p) => `interrupted by ${p.signal}`,
    hint: (p, tool) =>
      p.isBefore === true
        ? ["nothing was changed on any node"]
        : [
            `${tool("runs list")} shows whether a run is open; ${tool("resume")} finishes it, ${tool("rollback last")} undoes it`,
          ],
  },
} satisfies Partial<ErrorMessages>;
