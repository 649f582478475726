// Several nodes in memory, each with its files, state directory and processes: one etcd over the masters, kubelets that report to an API.
import { stateOfNodes, storeOfNodes } from "../../src/app/cluster-ports.ts";
import { runCopies } from "../../src/app/run-copies.ts";
import { AppError } from "../../src/core/model/errors.ts";
import type { MemberReading, MemberStatus } from "../../src/core/model/quorum.ts";
import type { NodeReport } from "../../src/core/model/readiness.ts";
import type { RunEvent } from "../../src/engine/events.ts";
import type { Failpoint } from "../../src/engine/failpoints.ts";
import type { EnginePorts } from "../../src/engine/ports/engine-ports.ts";
import type { Live } from "../../src/engine/ports/live.ts";
import type { StateDirectory } from "../../src/engine/ports/state.ts";
import type { WritableStore } from "../../src/engine/ports/store.ts";
import type { MemoryLive } from "./memory-live.ts";
import { Crash, type MemoryProcess, MemoryWorld, type ProcessOptions, toolVersion } from "./memory-world.ts";

export const clusterName = "tiny";

export class ManyWorld {
  /** The machine that the tool runs on. */
  readonly operator = new MemoryWorld();
  readonly nodes: ReadonlyMap<string, MemoryWorld>;
  readonly lives = new Map<string, MemoryLive>();
  readonly masters: readonly string[];
  /** `m1 stop etcd`, in order, over all nodes. */
  readonly log: string[] = [];
  /** Nodes that the tool cannot reach. They go on running. */
  readonly cutOff = new Set<string>();
  /** Members that are not well whatever they have loaded. */
  readonly sick = new Set<string>();
  leader: string | null;
  term = 2;
  version = "3.4.23";
  /** Readings that a stop of a member left without a quorum that had been there. */
  quorumLosses = 0;
  /** Changes what a member says. */
  twist: (status: MemberStatus, node: string) => MemberStatus = (status) => status;
  private readonly alive = new Set<number>();
  private readonly beats = new Map<string, string>();
  private nextPid = 500;

  constructor(masters: readonly string[], workers: readonly string[] = []) {
    this.masters = masters;
    this.leader = masters[0] ?? null;
    this.nodes = new Map([...masters, ...workers].map((name) => [name, new MemoryWorld()]));
  }

  /** For all machines. */
  set now(at: number) {
    for (const world of [this.operator, ...this.nodes.values()]) world.now = at;
  }

  adopt(node: string, live: MemoryLive): void {
    this.lives.set(node, live);
    live.onLine = (line) => this.log.push(`${node} ${line}`);
    live.outerAilment = (name) => (name === "etcd" ? this.etcdAilment(node) : null);
  }

  world(node: string): MemoryWorld {
    const found = this.nodes.get(node);
    if (!found) throw new TypeError(`no node ${node}`);
    return found;
  }

  live(node: string): MemoryLive {
    const found = this.lives.get(node);
    if (!found) throw new TypeError(`no node ${node}`);
    return found;
  }

  advance(ms: number): void {
    for (const live of this.lives.values()) live.advance(ms);
  }

  /** Members that would answer a read if enough of them were there. */
  healthyMembers(): readonly string[] {
    return this.masters.filter((node) => !this.sick.has(node) && this.live(node).isUp("etcd"));
  }

  hasQuorum(): boolean {
    return this.healthyMembers().length >= Math.floor(this.masters.length / 2) + 1;
  }

  /** The trees of all nodes, as text. */
  trees(): Record<string, Record<string, string>> {
    return Object.fromEntries([...this.nodes].map(([name, world]) => [name, world.tree()]));
  }

  temporaries(): readonly string[] {
    return [...this.nodes].flatMap(([name, world]) =>
      [...world.temporaries.keys()].map((path) => `${name}:${path}`),
    );
  }

  spawn(options: ProcessOptions & { readonly only?: readonly string[] } = {}): MemoryProcess {
    const pid = this.nextPid++;
    this.alive.add(pid);
    const events: RunEvent[] = [];
    const hits: Failpoint[] = [];
    const life = { isDead: false };
    const guard = (): void => {
      if (life.isDead) throw new Crash("the process is dead");
    };
    const hit = async (point: Failpoint): Promise<void> => {
      guard();
      hits.push(point);
      await options.onHit?.(point, hits.length - 1);
      if (options.dieAt === hits.length - 1) {
        life.isDead = true;
        this.alive.delete(pid);
        throw new Crash(point);
      }
    };
    return Object.assign(life, { ports: this.ports({ pid, guard, hit, events }), events, hits });
  }

  kill(process: MemoryProcess): void {
    process.isDead = true;
    this.alive.delete(process.ports.processes.self().pid);
  }

  /** A process of the tool from its start to its end. */
  async once<T>(work: (process: MemoryProcess) => Promise<T>): Promise<T> {
    const process = this.spawn();
    try {
      return await work(process);
    } finally {
      this.kill(process);
    }
  }

  private ports({ pid, guard, hit, events }: Life): EnginePorts {
    const { operator } = this;
    const reached = (node: string) => (): void => {
      guard();
      if (this.cutOff.has(node)) throw new AppError("host-lost", { host: node, reason: "closed" });
    };
    const main = operator.stateDirectory(guard, hit);
    const own = { ...main, path: "/operator" };
    const stateOf = (node: string, prefix: string): StateDirectory =>
      below(this.world(node).stateDirectory(reached(node), hit), prefix, `/${node}/var/lib/perennial`);
    const names = [...this.nodes.keys()];
    const states = new Map(names.map((node) => [node, stateOf(node, `clusters/${clusterName}`)]));
    const stores = new Map(names.map((node) => [node, this.world(node).store(reached(node), hit)]));
    return {
      store: storeOfNodes(stores),
      state: stateOfNodes(own, states),
      locks: [{ node: null, state: own }, ...names.map((node) => ({ node, state: stateOf(node, "") }))],
      copies: runCopies({
        main: own,
        nodes: states,
        copied: names,
        self: () => ({ ...operator.actor(pid), host: "operator" }),
      }),
      processes: {
        self: () => ({ ...operator.actor(pid), host: "operator" }),
        isAlive: (actor) => (this.alive.has(actor.pid) ? "alive" : "dead"),
      },
      clock: { now: () => operator.now, elapsedMs: () => operator.now - operator.steppedMs },
      randomness: { bytes: (count) => operator.random(count) },
      keys: { generate: async () => operator.generateKey() },
      failpoints: { hit },
      audience: { tell: (event) => events.push(event) },
      live: (node) => this.openLive(node, reached(node)),
      toolVersion,
    };
  }

  /** The ports of the tool started on the node itself, for its own runs. */
  spawnOnNode(node: string): MemoryProcess & { readonly store: WritableStore } {
    const pid = this.nextPid++;
    this.alive.add(pid);
    const process = this.world(node).spawn();
    const state = { ...process.ports.state, path: `/${node}/var/lib/perennial` };
    return {
      ...process,
      store: process.ports.store,
      ports: {
        ...process.ports,
        state,
        locks: [{ node: null, state }],
        processes: {
          self: () => ({ ...this.operator.actor(pid), host: node }),
          isAlive: (actor) => (this.alive.has(actor.pid) ? "alive" : "dead"),
        },
        live: () => this.openLive(node, () => {}),
      },
    };
  }

  private openLive(node: string, guard: () => void): Live {
    const base = this.live(node).openPort(guard);
    return {
      ...base,
      processes: {
        ...base.processes,
        stop: async (name, options) => {
          const had = this.hasQuorum();
          const ids = await base.processes.stop(name, options);
          if (name === "etcd" && had && !this.hasQuorum()) this.quorumLosses += 1;
          return ids;
        },
      },
      etcd: {
        ...base.etcd,
        ailment: async (target, signal) =>
          (await base.etcd.ailment(target, signal)) ?? this.etcdAilment(node),
        reading: async (target) => this.reading(node, await base.etcd.reading(target)),
        moveLeader: async (_, memberId) => {
          guard();
          if (this.version < "3.3")
            throw new AppError("etcd-not-supported", { endpoint: node, what: "MoveLeader", since: "3.3" });
          const heir = this.masters[Number(memberId) - 1] ?? null;
          this.log.push(`${node} move-leader ${heir}`);
          this.leader = heir;
          this.term += 1;
        },
        snapshot: async (_target, file) => {
          guard();
          this.log.push(`${node} snapshot`);
          this.operator.state.set(file.replace("/operator/", ""), new TextEncoder().encode("snapshot"));
          return { bytes: 8, sha256: "00", hasV2Data: false };
        },
      },
      api: {
        ...base.api,
        nodeReports: async ({ name }) => {
          guard();
          if (!this.live(node).isWell("kube-apiserver")) return { failure: "ECONNREFUSED" };
          const all = this.reports();
          return { nodes: name === null ? all : all.filter((report) => report.name === name) };
        },
      },
      timer: {
        elapsedMs: () => base.timer.elapsedMs(),
        sleep: async (ms) => {
          guard();
          this.live(node).onSleep();
          this.advance(Math.max(ms, 1000));
        },
      },
    };
  }

  /** Every node as its kubelet said last; conditions are as old as that. */
  private reports(): readonly NodeReport[] {
    return [...this.lives].map(([name, live]) => {
      if (live.isWell("kubelet")) this.beats.set(name, String(Math.floor(live.elapsedMs / 10_000)));
      return { name, isReady: true, reason: "KubeletReady", heartbeat: this.beats.get(name) ?? "old" };
    });
  }

  private etcdAilment(node: string): string | null {
    if (this.sick.has(node)) return "disk is full";
    return this.hasQuorum() ? null : "etcdserver: request timed out";
  }

  private elect(): string | null {
    const healthy = this.healthyMembers();
    if (!this.hasQuorum()) return null;
    if (this.leader === null || !healthy.includes(this.leader)) {
      this.leader = healthy[0] ?? null;
      this.term += 1;
    }
    return this.leader;
  }

  private reading(node: string, own: MemberReading["answer"]): MemberReading["answer"] {
    if ("unreachable" in own) return own;
    const leader = this.elect();
    const isHealthy = this.healthyMembers().includes(node);
    const idOf = (name: string): string => String(this.masters.indexOf(name) + 1);
    const readFailure = this.etcdAilment(node) ?? (isHealthy ? null : "no leader");
    return this.twist(
      {
        ...own,
        memberId: idOf(node),
        version: this.version,
        leaderId: leader === null || !isHealthy ? null : idOf(leader),
        raftTerm: String(this.term),
        members: this.masters.map((name) => ({ id: idOf(name), name, isLearner: false })),
        alarms: readFailure === null ? [] : null,
        readFailure,
      },
      node,
    );
  }
}

interface Life {
  readonly pid: number;
  readonly guard: () => void;
  readonly hit: (point: Failpoint) => Promise<void>;
  readonly events: RunEvent[];
}

/** A folder of a state directory as one of its own. */
function below(state: StateDirectory, prefix: string, path: string): StateDirectory {
  const at = (file: string): string => (prefix === "" ? file : `${prefix}/${file}`);
  return {
    path: prefix === "" ? path : `${path}/${prefix}`,
    read: (file) => state.read(at(file)),
    create: (file, bytes) => state.create(at(file), bytes),
    append: (file, bytes) => state.append(at(file), bytes),
    rename: (from, to) => state.rename(at(from), at(to)),
    replace: (file, bytes) => state.replace(at(file), bytes),
    remove: (file) => state.remove(at(file)),
    list: (directory) => state.list(at(directory)),
    keep: (file, bytes, attributes) => state.keep(at(file), bytes, attributes),
  };
}
