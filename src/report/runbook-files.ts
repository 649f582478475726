// Shell commands of the steps over whole files: kept, staged beside their place, moved into it.
import { allSteps, nodesOfSteps } from "../core/plan/steps.ts";
import { parseAddress } from "../core/model/address.ts";
import { assertNever } from "../core/model/errors.ts";
import type { ArchiveStep, BackUpStep, Content, Plan, StageStep, SwapStep } from "../core/model/plan.ts";
import { archiveFile } from "../core/plan/archive-file.ts";
import { type StepCommands, realPath, guardOf, at, work } from "./runbook-paths.ts";
import { shellQuote } from "./shell.ts";

/** Where the copy of an object is kept, relative to the working folder. */
function keptAt(object: string): string {
  return shellQuote(`before${parseAddress(object).path}`);
}

export function backUpCommands({ object }: BackUpStep, plan: Plan): StepCommands {
  const [path, kept, guard] = [at(object, plan), keptAt(object), guardOf(object, plan)];
  if (guard?.presence === "absent") return { run: [`[ ! -e ${path} ] || stop "it exists"`], undo: [":"] };
  return {
    run: [
      `mkdir -p "$(dirname ${kept})" && cp -p ${path} ${kept}`,
      ...(guard === undefined ? [] : [`same ${guard.sha256} ${kept}`]),
    ],
    undo: [`rm -f ${kept}`],
  };
}

/** In the working folder, which has the copies; with the program `age`. */
export function archiveCommands(step: ArchiveStep, plan: Plan): StepCommands {
  const file = shellQuote(archiveFile(step, "by-hand"));
  const recipients = step.recipients.map((recipient) => `-r ${shellQuote(recipient)}`).join(" ");
  if (step.cluster !== undefined) return archiveFromNodes(plan, file, recipients);
  return {
    run: [
      'set -- before; for each in etcd-snapshot.db etcd-data; do [ ! -e "$each" ] || set -- "$@" "$each"; done',
      `if [ -e ${file} ]; then stop "it exists"; else tar -cf - "$@" | (umask 077 && age ${recipients} -o ${file}) && ls -l ${file}; fi`,
    ],
    undo: [`rm -f ${file}`],
  };
}

/** From the machine that the archives are for: a file for every node, each of which has a working folder of its own. */
function archiveFromNodes(plan: Plan, file: string, recipients: string): StepCommands {
  const kept = allSteps(plan).filter((step) => step.kind === "back-up" || step.kind === "snapshot");
  const of = nodesOfSteps(plan);
  const nodes = [...new Set(kept.map(({ id }) => of.get(id) ?? ""))].map(shellQuote).join(" ");
  return {
    run: [
      "# on the machine that the backup is for; `ssh NODE` has to be root's there",
      `for node in ${nodes}; do`,
      `  if [ -e ${file}-"$node" ]; then stop "it exists"; break; fi`,
      `  ssh "$node" "cd '$W' && tar -cf - \\$(ls -d before etcd-snapshot.db etcd-data 2>/dev/null)" |`,
      `    (umask 077 && age ${recipients} -o ${file}-"$node") && ls -l ${file}-"$node"`,
      "done",
    ],
    undo: [`for node in ${nodes}; do rm -f ${file}-"$node"; done`],
  };
}

/** The new file beside its target, dot-named: in the manifests folder the kubelet would run any other. */
function stagedAt(object: string, plan: Plan): string {
  const path = realPath(object, plan);
  const slash = path.lastIndexOf("/") + 1;
  return shellQuote(`${path.slice(0, slash)}.perennial-by-hand-${path.slice(slash)}`);
}

export function stageCommands({ object, content, mode, owner }: StageStep, plan: Plan): StepCommands {
  const [path, staged] = [at(object, plan), stagedAt(object, plan)];
  if (guardOf(object, plan)?.presence === "absent") {
    const id = owner ? `${owner.uid}:${owner.gid}` : "0:0";
    return {
      run: [
        ...newContentCommands(content, staged, plan),
        `chown ${id} ${staged} && chmod ${mode} ${staged} && ls -l ${staged}`,
      ],
      undo: [`rm -f ${staged}`],
    };
  }
  return {
    run: [
      `cp -p ${path} ${staged}`,
      ...contentCommands(content, path, staged),
      `chmod ${mode} ${staged} && ls -l ${staged}`,
    ],
    undo: [`rm -f ${staged}`],
  };
}

/** A file that was not there; umask 077 keeps it to its owner until it has its mode. */
function newContentCommands(content: Content, staged: string, plan: Plan): readonly string[] {
  switch (content.form) {
    case "pem-certificate":
      return [`cat ${work(content.slot)}.crt > ${staged}`];
    case "pem-key":
      return [`cat ${work(content.slot)}.key > ${staged}`];
    case "pem-combined":
      return [`cat ${work(content.slot)}.crt ${work(content.slot)}.key > ${staged}`];
    case "copy":
      return [`cat ${at(content.from, plan)} > ${staged}`];
    case "kubeconfig":
      return [`cat ${at(content.from ?? "", plan)} > ${staged}`, ...contentCommands(content, staged, staged)];
    case "kubeconfig-new": {
      const { user, cluster, server } = content;
      const [name, file] = [work(content.slot), `--kubeconfig ${staged}`];
      const context = shellQuote(`${user}@${cluster}`);
      return [
        `kubectl config set-cluster ${shellQuote(cluster)} ${file} --server=${shellQuote(server)} --embed-certs=true --certificate-authority=${at(content.authority, plan)}`,
        `kubectl config set-credentials ${shellQuote(user)} ${file} --embed-certs=true --client-certificate=${name}.crt --client-key=${name}.key`,
        `kubectl config set-context ${context} ${file} --cluster=${shellQuote(cluster)} --user=${shellQuote(user)}`,
        `kubectl config use-context ${context} ${file}`,
      ];
    }
    default:
      return assertNever(content);
  }
}

function contentCommands(content: Content, path: string, staged: string): readonly string[] {
  switch (content.form) {
    case "pem-certificate":
      return [`put_certificate ${path} ${content.index} ${work(content.slot)}.crt > ${staged}`];
    case "pem-key":
      return [`put_key ${path} ${work(content.slot)}.key > ${staged}`];
    case "pem-combined": {
      const name = work(content.slot);
      return [
        `put_certificate ${path} ${content.index} ${name}.crt > ${name}.both && put_key ${name}.both ${name}.key > ${staged}`,
      ];
    }
    case "kubeconfig":
      return content.users.map(({ user, slot }) => {
        const name = work(slot);
        return `kubectl config set-credentials ${shellQuote(user)} --kubeconfig ${staged} --embed-certs=true --client-certificate=${name}.crt --client-key=${name}.key`;
      });
    case "kubeconfig-new":
    case "copy":
      return ['stop "it was not there when the plan was made"'];
    default:
      return assertNever(content);
  }
}

export function swapCommands({ object }: SwapStep, plan: Plan): StepCommands {
  const [path, staged, kept, guard] = [
    at(object, plan),
    stagedAt(object, plan),
    keptAt(object),
    guardOf(object, plan),
  ];
  if (guard?.presence === "absent") {
    // As the tool does: link(2) fails where something is by now.
    return { run: [`ln ${staged} ${path} && rm -f ${staged} && sync`], undo: [`rm -f ${path} && sync`] };
  }
  return {
    run: [
      ...(guard === undefined ? [] : [`same ${guard.sha256} ${path}`]),
      `mv -f ${staged} ${path} && sync`,
    ],
    undo: [`cp -p ${kept} ${staged} && mv -f ${staged} ${path} && sync`],
  };
}
