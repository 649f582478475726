// English: the runbook, the plan as a document for people.
import type { Step } from "../../../core/model/plan.ts";

type FileStep = Exclude<Step["kind"], "snapshot" | "bounce" | "gate" | "ready" | "prove-live">;

export const runbook = {
  title: (cluster: string) => `Runbook: certificates of cluster ${cluster}`,
  purposeHeading: "Purpose",
  purpose: (renew: number, follow: number, digest: string) =>
    `Renews ${renew} ${renew === 1 ? "certificate" : "certificates"} and brings ${follow} ${follow === 1 ? "copy" : "copies"} up to date, exactly as the plan ${digest} says, by hand and without the tool. Where the tool is at hand, \`perennial apply\` does the same with a journal and an automatic way back; do not do both.`,
  preconditionsHeading: "Before you begin",
  preconditions: [
    "You are root on the node named in each section, with openssl, awk, sha256sum; for kubeconfigs also kubectl (it needs no server here) or an editor.",
    "`date -u` is right on every node: certificates made on a wrong clock are not valid yet, or end early.",
    "Nothing else writes these files meanwhile: no kubeadm, no configuration management, no colleague.",
    "There is a fresh etcd snapshot if etcd runs: `etcdctl snapshot save FILE`.",
    "sa.key and sa.pub and the CAs are not touched. If a step seems to ask for that: stop.",
  ],
  lockHeading: "Lock",
  lock: "Take the tool's own lock first, so that it does not run at the same time. If the line begins with STOP, someone else is at work, or a run was cut off (`perennial runs list`): stop.",
  unlock:
    "Release the lock at the end, also after undoing, with `release_lock`; while it is held the tool refuses on this node (`--break-lock` takes it away).",
  toolsHeading: "Helpers",
  tools:
    "Run this once in the shell you use on each node; it only defines functions and makes a working folder of mode 0700. Stop whenever a line begins with STOP or a command fails.",
  refusedHeading: "Refused",
  refused: "This plan was refused; there is nothing to do by hand before these are resolved.",
  nothing: "The plan has no steps: there is nothing to do.",
  phase: (number: number) => `Phase ${number}`,
  step: "Step",
  why: "Why",
  expected: "Expected",
  stop: "Stop if",
  undo: "Undo",
  expectedOf: {
    issue:
      "`pair ok` (twice), the same subject as before, the old extensions, `OK` from verify, `extensions ok`",
    install: "`pair ok`, the serial in the comment, the same subject twice, `OK` from verify",
    forget: "no output",
    take: "`pair ok` and the serial of the plan",
    "back-up": "the file's name followed by `OK`",
    archive: "the new file, mode 0600, larger than what is in `before`",
    stage: "the new file with mode and owner as planned; the old one is untouched",
    swap: "`OK` for the hash, then no output",
    prove: "a new serial, an end in the future, and a line ending in `ok`",
  } satisfies Record<FileStep, string>,
  stopOf: {
    issue:
      "the first certificate in the CA's file is not the serial in the comment, a pair does not match, or verify says anything but OK",
    install: "the serial is another one, the pair does not match, or verify says anything but OK",
    forget: "anything in this plan is not proved: the key is needed again",
    take: "the serial is another one or the pair does not match",
    archive: "the file is not there or empty: nothing live has been changed yet",
    "back-up": "sha256sum reports FAILED: the file is not what the plan was made for; make a new plan",
    stage: "the new file is empty or its mode or owner differ",
    swap: "sha256sum reports FAILED: someone changed the file; undo the swaps done so far",
    prove: "the line begins with STOP; undo all swaps, last one first",
  } satisfies Record<FileStep, string>,
  whyOf: {
    install: "the CA that keeps its key elsewhere has signed the request",
    forget: "the key lies in its place now; a second copy is one too many",
    take: "the original is valid; its copy is to hold the same certificate",
    "back-up": "the way back",
    archive: "a copy that outlives its node, and that only the recipients can read",
    stage: "everything is complete on disk before the first live file changes",
    swap: "a rename: readers see the old file or the new one, never half of one",
    prove: "what counts is what is stored now",
  },
  whyAuthority: "it is missing and was asked for by name; what it signs comes after it",
  kubeconfigByEditor:
    "Without kubectl: open the staged file in an editor and, for the user named, replace the values of `client-certificate-data` and `client-key-data` by the output of `base64 -w0 NAME.crt` and `base64 -w0 NAME.key`. kubectl rewrites the file's layout; the values are the same.",
  finalHeading: "At the end",
  final: [
    "Every step above gave its expected output, and `kubeadm certs check-expiration` or `perennial check` shows the new dates.",
    "Keys in the working folder are removed: `rm -f ./*.key ./*.both` in it; `before/` stays until the new certificates have proved themselves.",
  ],
  restart: (consumers: string) =>
    `Restart ${consumers}, one node at a time, each only when the one before is healthy: move the manifest out of /etc/kubernetes/manifests, wait until \`crictl ps\` no longer shows the container, move it back; the kubelet with \`systemctl restart kubelet\`.`,
  signHeading: "Sign-off",
  signColumns: ["phase", "node", "steps", "done by", "time", "remarks"],
};
