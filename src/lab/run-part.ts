// One process of a lab, started by another: `perennial lab run ROLE`.
import { AppError } from "../core/model/errors.ts";
import { runApiServer } from "./api-server.ts";
import { runBalancer } from "./balancer.ts";
import { runConsole } from "./consoles.ts";
import { runKubelet } from "./kubelet.ts";
import { runLeader } from "./leader.ts";
import { hostNamed, readLab } from "./places.ts";
import { type Member, runFounder } from "./rehearsal/found-etcd.ts";
import { runRuntime } from "./runtime.ts";

export interface PartOptions {
  /** Absolute. */
  readonly directory: string;
  readonly host: string;
  /** The container's own words. */
  readonly words: readonly string[];
}

/** The exit code; the process of a part lives on for its servers. */
export async function runPart(role: string, options: PartOptions): Promise<number> {
  if (role === "founder") return found(options.words);
  if (role === "crictl" || role === "docker") return runConsole(role, options.words);
  await startPart(role, options);
  return 0;
}

/** @returns 1 with etcd's last words on standard error when its members do not find each other */
async function found([members = "[]"]: readonly string[]): Promise<number> {
  try {
    await runFounder(JSON.parse(members) as readonly Member[]);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function startPart(role: string, options: PartOptions): Promise<void> {
  const lab = readLab(options.directory);
  if (role === "balancer") return runBalancer(lab);
  const host = hostNamed(lab, options.host);
  switch (role) {
    case "runtime":
      return runRuntime(lab, host);
    case "kubelet":
      return runKubelet(lab, host);
    case "kube-apiserver":
      return runApiServer(lab, options.words);
    case "kube-controller-manager":
    case "kube-scheduler":
      return runLeader(lab, host, { name: role, words: options.words });
    default:
      throw new AppError("name-unknown", { name: role, known: ["runtime", "kubelet", "crictl", "docker"] });
  }
}
