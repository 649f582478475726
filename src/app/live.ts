// The live node: the drivers behind the engine's port, and what runs and is served, looked at once.
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { AppError, isAppError } from "../core/model/errors.ts";
import { discoverLive } from "../drivers/discovery/live.ts";
import { discoverRemains } from "../drivers/discovery/remains.ts";
import type { Facts } from "../core/policy/facts.ts";
import type {
  CommandsByProcess,
  LiveFacts,
  LiveInventory,
  ProcessFacts,
  ProcessSlot,
  ServedFacts,
} from "../core/model/live.ts";
import { openApiServer } from "../drivers/health/api-server.ts";
import { openEtcdMember } from "../drivers/health/etcd-member.ts";
import { openProbes } from "../drivers/health/probes.ts";
import { openNodeProcesses } from "../drivers/process/open-node-processes.ts";
import type { Live, Probes, Timer } from "../engine/ports/live.ts";
import type { NodeProcesses } from "../engine/ports/node-processes.ts";
import { type ProfileChoice, gatherLive, gatherLiveInventory } from "./gather.ts";
import { type LiveChoice, type LocalNode, stateDirectoryOf } from "./local-node.ts";

export const systemTimer: Timer = {
  elapsedMs: () => performance.now(),
  sleep: async (ms, signal) => {
    await wait(ms, undefined, signal ? { signal } : {}).catch(() => {});
  },
};

export interface LiveNode {
  readonly facts: Facts;
  readonly live: LiveFacts;
  readonly port: Live;
}

/** Files, processes and listeners, everything looked at once. */
export async function gatherRunning(
  local: LocalNode & { readonly live: LiveChoice },
  choice: ProfileChoice,
  { at, commands = {} }: { readonly at: number; readonly commands?: CommandsByProcess },
): Promise<LiveNode> {
  const { facts, live } = await gatherLive(local, choice, {
    at,
    discover: discoverLive,
    remains: discoverRemains,
  });
  refuseStrangers(commands, live.processes);
  const port = openLive(local, { ...local.live, commands }, live);
  return { facts, live: await lookLive(port, live, hurriedBy(facts)), port };
}

/** A name that is mistyped would be a command that is never used. */
export function refuseStrangers(commands: CommandsByProcess, processes: readonly ProcessSlot[]): void {
  const known = [...new Set(processes.map(({ consumer }) => consumer))];
  const stranger = Object.keys(commands).find((name) => !known.includes(name));
  if (stranger === undefined) return;
  throw new AppError("value-invalid", {
    what: "--process",
    value: stranger,
    expected: `a process of this node: ${known.join(", ")}`,
  });
}

/** The engine's port for a run that was planned before, with the plan's own commands; manifests that a killed restart took away are put back first. */
export async function liveForRun(
  local: LocalNode & { readonly live: LiveChoice },
  choice: ProfileChoice,
  commands: CommandsByProcess,
): Promise<Live> {
  const gatherInventory = (): Promise<LiveInventory> => gatherLiveInventory(local, choice, discoverLive);
  const how = { ...local.live, commands };
  const port = openLive(local, how, await gatherInventory());
  const isComplete = (await port.processes.restore()).length === 0;
  return isComplete ? port : openLive(local, how, await gatherInventory());
}

/** Opens the drivers for the processes that discovery found. Nothing is dialled yet. */
export function openLive(
  local: LocalNode,
  { runtime, commands }: LiveChoice & { readonly commands: CommandsByProcess },
  inventory: LiveInventory,
): Live {
  const { processes, runtimeEndpoint } = inventory;
  return {
    processes: openNodeProcesses({
      root: local.root,
      consumers: processes.map(({ consumer, manifest, flags = [] }) => ({ name: consumer, manifest, flags })),
      commands,
      runtimeEndpoint,
      workFolder: join(stateDirectoryOf(local), "processes"),
      ...(runtime === null ? {} : { runtime }),
      avoidManifestMove: isMoveUnsafe(processes),
      pollMs: 100,
    }),
    probes: openProbes(),
    hurriedProbes: openProbes({ deadlineMs: hurriedMs }),
    etcd: openEtcdMember(local.root),
    api: openApiServer(),
    timer: systemTimer,
  };
}

/** Kubelets of 1.22 and 1.23 lose a static pod whose manifest comes back soon (kubernetes/kubernetes#104648). */
export function isMoveUnsafe(processes: readonly ProcessSlot[]): boolean {
  const version = processes.find(({ consumer }) => consumer === "kube-apiserver")?.version ?? "";
  return /^1\.2[23]\./.test(version);
}

/** ms. A process whose certificates have all ended hangs until it gives up: that it is slow would be no news either. */
const hurriedMs = 1000;

/** Whether nothing that a process has loaded is still valid: it is restarted, whatever it answers. */
export function hurriedBy({ at, slots }: Facts): (process: ProcessSlot) => boolean {
  return ({ reads }) => {
    const leafs = reads.flatMap((id) => {
      const certificate = slots.get(id)?.certificate;
      return certificate?.state === "present" ? [certificate.value.leaf] : [];
    });
    return leafs.length > 0 && leafs.every(({ notAfter }) => notAfter <= at);
  };
}

/** Every process and every listener, all at once; what cannot be looked at is a fact too. */
export async function lookLive(
  live: Live,
  inventory: LiveInventory,
  isHurried: (process: ProcessSlot) => boolean,
): Promise<LiveFacts> {
  const { processes } = inventory;
  const { probes, hurriedProbes = probes } = live;
  const probesOf = (process: ProcessSlot): Probes => (isHurried(process) ? hurriedProbes : probes);
  const [states, served] = await Promise.all([
    Promise.all(processes.map((process) => lookAt(live.processes, probesOf(process), process))),
    Promise.all(
      processes.flatMap((process) =>
        process.endpoints.map(async ({ id, endpoint }): Promise<[string, ServedFacts]> => [
          id,
          await probesOf(process).served(endpoint),
        ]),
      ),
    ),
  ]);
  return {
    inventory,
    processes: new Map(states.map((facts) => [facts.consumer, facts])),
    served: new Map(served),
  };
}

async function lookAt(
  processes: NodeProcesses,
  probes: Probes,
  { consumer, health }: ProcessSlot,
): Promise<ProcessFacts> {
  // Both at once: a process that hangs answers only by its deadline.
  const answer = health.form === "http" ? probes.ailment(health.endpoint, health.path) : null;
  const found = await observe(processes, consumer);
  return { consumer, ...found, ailment: found.state === "running" ? await answer : null };
}

async function observe(
  processes: NodeProcesses,
  consumer: string,
): Promise<Omit<ProcessFacts, "consumer" | "ailment">> {
  try {
    const { instances, through } = await processes.look(consumer);
    const running = instances.find(({ state }) => state === "running");
    const [newest] = instances;
    const state = running ? "running" : newest ? "exited" : "absent";
    const startability = await processes.startability(consumer);
    return { state, through, startedAt: (running ?? newest)?.startedAt ?? null, startability };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { state: "unknown", through: error.code, startedAt: null };
  }
}
