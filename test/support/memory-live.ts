// The running node of the world in memory: processes with lives, what they load and present, etcd, the API, time that only sleeps move.
import { parseKubeconfig } from "../../src/core/kubeconfig/kubeconfig.ts";
import type { Endpoint, ServedFacts } from "../../src/core/model/live.ts";
import { AppError } from "../../src/core/model/errors.ts";
import { type Certificate, parseCertificate } from "../../src/core/pki/certificate.ts";
import { parsePem } from "../../src/core/pki/pem.ts";
import type { MemberReading } from "../../src/core/model/quorum.ts";
import type { EtcdTarget, Live, Saved } from "../../src/engine/ports/live.ts";
import type { ProcessInstance } from "../../src/engine/ports/node-processes.ts";
import { type MemoryWorld, sha256 } from "./memory-world.ts";

export interface MemoryConsumer {
  readonly name: string;
  /** Whether something starts it again once it is stopped. */
  readonly returns: boolean;
  /** PEM files or kubeconfigs it loads; the first is what it presents. */
  readonly files: readonly string[];
  readonly port: number | null;
  readonly healthPort?: number;
  /** Others it is not well without. */
  readonly needs?: readonly string[];
}

/** What a test may change while things run. */
export interface Behaviour {
  /** ms from a change of its files until it presents them; null when it reads them at its start. */
  reloadsAfterMs: number | null;
  /** ms from stop to the next life; null when it never comes by itself. */
  returnsAfterMs: number | null;
  /** False when not even the supervisor's own restart brings it back. */
  canBeRevived: boolean;
  /** ms from its start until it says that it is well; null for never. */
  wellAfterMs: number | null;
  /** So many of its next lives end a second after they began. */
  crashes: number;
  /** ms from a crash to the next life as long as the dead one is listed; null for as after a stop. */
  backOffMs: number | null;
  /** False when a stop leaves exited instances listed. */
  canBeRemoved: boolean;
}

interface Life {
  readonly id: string;
  readonly startedAt: number;
  state: "running" | "exited";
  loaded: Map<string, Certificate>;
  /** Since when the files differ from what is loaded; null while they do not. */
  differsSince: number | null;
  endsAt: number | null;
}

interface Component {
  readonly consumer: MemoryConsumer;
  readonly behaviour: Behaviour;
  /** Newest first. */
  lives: Life[];
  returnsAt: number | null;
  /** Its manifest was taken away by a process that was killed before it put it back. */
  isHeld: boolean;
}

export class MemoryLive {
  /** `stop etcd`, `revive kubelet`, `start etcd`, `restore etcd`, `snapshot`, `cold-copy`, `write`, in order. */
  readonly log: string[] = [];
  elapsedMs = 0;
  hasQuorum = true;
  /** Why the API refuses to write; null when it does not. */
  apiFailure: string | null = null;
  /** Called at every sleep, before time moves. */
  onSleep: () => void = () => {};
  /** Called with every line of the log. */
  onLine: (line: string) => void = () => {};
  /** Why a process that is up is not well all the same: what it needs of other nodes. */
  outerAilment: (name: string) => string | null = () => null;
  private readonly world: MemoryWorld;
  private readonly components = new Map<string, Component>();
  private count = 0;

  constructor(world: MemoryWorld, consumers: readonly MemoryConsumer[]) {
    this.world = world;
    for (const consumer of consumers) {
      const behaviour: Behaviour = {
        reloadsAfterMs: null,
        returnsAfterMs: consumer.returns ? 1500 : null,
        canBeRevived: true,
        wellAfterMs: 800,
        crashes: 0,
        backOffMs: null,
        canBeRemoved: true,
      };
      const component = { consumer, behaviour, lives: [], returnsAt: null, isHeld: false };
      this.components.set(consumer.name, component);
      this.start(component);
    }
    this.advance(60_000);
    this.log.length = 0;
  }

  behaviour(name: string): Behaviour {
    return this.component(name).behaviour;
  }

  /** The id of the life that runs, or null. */
  lifeOf(name: string): string | null {
    return this.running(this.component(name))?.id ?? null;
  }

  /** Serial (hex) of the first file as the running process has it in memory; null when it does not run. */
  holds(name: string, path: string): string | null {
    const component = this.component(name);
    return this.currentLife(component)?.loaded.get(path)?.serialHex ?? null;
  }

  /** As after a crash of the process itself, with nobody to start it again. */
  end(name: string, { held = false }: { readonly held?: boolean } = {}): void {
    const component = this.component(name);
    for (const life of component.lives) life.state = "exited";
    component.returnsAt = null;
    component.isHeld = held;
    if (held) component.lives = [];
  }

  /** What the supervisor does when it finds the process gone. */
  startAgain(name: string): void {
    const component = this.component(name);
    for (const life of component.lives) life.state = "exited";
    this.start(component);
  }

  isWell(name: string): boolean {
    return this.ailmentOf(this.component(name)) === null;
  }

  /** Well as far as the node itself is concerned. */
  isUp(name: string): boolean {
    return this.ownAilment(this.component(name)) === null;
  }

  private note(line: string): void {
    this.log.push(line);
    this.onLine(line);
  }

  advance(ms: number): void {
    for (let left = ms; left > 0; left -= 100) {
      this.elapsedMs += Math.min(100, left);
      for (const component of this.components.values()) this.tick(component);
    }
  }

  /** The engine's port for one process of the tool; `guard` throws once that process is dead. */
  openPort(guard: () => void): Live {
    const asked = (operation: string, name: string): void => {
      guard();
      this.world.fail(operation, name);
    };
    return {
      processes: {
        returnsByItself: (name) => this.component(name).consumer.returns,
        startability: async (name) => {
          asked("startability", name);
          const { canBeRevived } = this.component(name).behaviour;
          return canBeRevived ? { state: "can" } : { state: "cannot", why: "not-known" };
        },
        look: async (name) => {
          asked("look", name);
          const instances = this.component(name).lives.map((life) => this.instance(life));
          return { consumer: name, through: "memory", instances };
        },
        stop: async (name) => {
          asked("stop", name);
          return this.stop(this.component(name));
        },
        revive: async (name) => {
          asked("revive", name);
          this.revive(this.component(name));
        },
        restore: async () => {
          asked("restore", "");
          const held = [...this.components.values()].filter(({ isHeld }) => isHeld);
          for (const component of held) {
            component.isHeld = false;
            this.note(`restore ${component.consumer.name}`);
            component.returnsAt = this.returnTime(component);
          }
          return held.map(({ consumer }) => consumer.name);
        },
      },
      probes: {
        served: async (endpoint) => {
          guard();
          return this.served(endpoint);
        },
        ailment: async ({ port }) => {
          guard();
          const found = [...this.components.values()].find(({ consumer }) =>
            [consumer.healthPort, consumer.port].includes(port),
          );
          return found ? this.ailmentOf(found) : "ECONNREFUSED";
        },
      },
      etcd: {
        ailment: async (target, signal) => {
          guard();
          if (signal?.aborted) throw signal.reason;
          return this.etcdAilment(target);
        },
        snapshot: async (target, file) => {
          asked("snapshot", file);
          const fault = this.dialFault(target);
          if (fault !== null)
            throw new AppError("endpoint-unreachable", {
              endpoint: "etcd",
              reason: "refused",
              detail: fault,
            });
          return this.save("snapshot", file);
        },
        reading: async (target) => {
          guard();
          return this.reading(target);
        },
        moveLeader: async (_target, memberId) => {
          asked("move-leader", memberId);
          this.note(`move-leader ${memberId}`);
        },
        coldCopy: async (_directory, folder) => {
          asked("cold-copy", folder);
          return this.save("cold-copy", folder);
        },
      },
      api: {
        writeFailure: async ({ kubeconfig, user }) => {
          asked("write", user);
          this.note("write");
          return this.writeFailure(kubeconfig, user);
        },
        // One node by itself has nobody to wait for.
        nodeReports: async () => ({ nodes: [] }),
      },
      timer: {
        elapsedMs: () => this.elapsedMs,
        sleep: async (ms) => {
          guard();
          this.onSleep();
          // Polls are dear here, with real keys: time goes faster than they think.
          this.advance(Math.max(ms, 1000));
        },
      },
    };
  }

  private component(name: string): Component {
    const found = this.components.get(name);
    if (!found) throw new TypeError(`no consumer ${name}`);
    return found;
  }

  private running({ lives }: Component): Life | undefined {
    return lives.find(({ state }) => state === "running");
  }

  private instance({ id, state, startedAt }: Life): ProcessInstance {
    return { id, state, startedAt, image: null, pid: null };
  }

  private start(component: Component): void {
    const { behaviour, consumer } = component;
    component.returnsAt = null;
    const crashes = behaviour.crashes > 0;
    if (crashes) behaviour.crashes -= 1;
    const life: Life = {
      id: `${consumer.name}-${++this.count}`,
      startedAt: this.elapsedMs,
      state: "running",
      loaded: this.stored(component),
      differsSince: null,
      endsAt: crashes ? this.elapsedMs + 1000 : null,
    };
    component.lives = [life, ...component.lives];
    this.note(`start ${consumer.name}`);
  }

  private tick(component: Component): void {
    const life = this.running(component);
    if (life?.endsAt !== undefined && life.endsAt !== null && life.endsAt <= this.elapsedMs) {
      life.state = "exited";
      const { backOffMs } = component.behaviour;
      component.returnsAt = backOffMs === null ? this.returnTime(component) : this.elapsedMs + backOffMs;
    }
    if (component.returnsAt !== null && component.returnsAt <= this.elapsedMs && !component.isHeld)
      this.start(component);
  }

  private returnTime({ behaviour, consumer }: Component): number | null {
    const { returnsAfterMs } = behaviour;
    return consumer.returns && returnsAfterMs !== null ? this.elapsedMs + returnsAfterMs : null;
  }

  private stop(component: Component): readonly string[] {
    const { consumer, lives } = component;
    if (lives.length === 0)
      throw new AppError("process-not-found", { consumer: consumer.name, through: "memory" });
    this.note(`stop ${consumer.name}`);
    const isRemoved = component.behaviour.canBeRemoved || this.running(component) !== undefined;
    if (!isRemoved) return [];
    component.lives = [];
    component.returnsAt = this.returnTime(component);
    return lives.map(({ id }) => id);
  }

  private revive(component: Component): void {
    this.note(`revive ${component.consumer.name}`);
    component.lives = [];
    component.isHeld = false;
    if (component.behaviour.canBeRevived) this.start(component);
  }

  private stored({ consumer }: Component): Map<string, Certificate> {
    return new Map(
      consumer.files.flatMap((path) => {
        const file = this.world.files.get(path);
        return file ? [[path, firstCertificate(file.bytes)] as const] : [];
      }),
    );
  }

  /** The running life with what it has in memory now. */
  private currentLife(component: Component): Life | undefined {
    const life = this.running(component);
    const { reloadsAfterMs } = component.behaviour;
    if (!life || reloadsAfterMs === null) return life;
    const stored = this.stored(component);
    const isSame = [...stored].every(
      ([path, { serialHex }]) => life.loaded.get(path)?.serialHex === serialHex,
    );
    life.differsSince = isSame ? null : (life.differsSince ?? this.elapsedMs);
    if (life.differsSince !== null && this.elapsedMs - life.differsSince >= reloadsAfterMs) {
      life.loaded = stored;
      life.differsSince = null;
    }
    return life;
  }

  private served({ port }: Endpoint): ServedFacts {
    const component = [...this.components.values()].find(({ consumer }) => consumer.port === port);
    const life = component && this.currentLife(component);
    const leaf = life?.loaded.get(component?.consumer.files[0] ?? "");
    if (!leaf) return { state: "unreachable", reason: "ECONNREFUSED" };
    const { serialHex, notAfter } = leaf;
    return {
      state: "served",
      serialHex,
      notAfter,
      certificateSha256: sha256(leaf.der),
      spkiSha256: sha256(leaf.spkiDer),
      subject: "",
    };
  }

  private ailmentOf(component: Component): string | null {
    return this.ownAilment(component) ?? this.outerAilment(component.consumer.name);
  }

  private ownAilment(component: Component): string | null {
    const life = this.currentLife(component);
    const { wellAfterMs } = component.behaviour;
    if (!life) return "ECONNREFUSED";
    if (wellAfterMs === null || this.elapsedMs < life.startedAt + wellAfterMs) return "503: not yet";
    const expired = [...life.loaded].find(([, { notAfter }]) => notAfter <= this.world.now);
    if (expired) return `503: ${expired[0]} has expired`;
    const needed = (component.consumer.needs ?? []).find((name) => !this.isWell(name));
    return needed === undefined ? null : `503: [-]${needed} failed`;
  }

  private dialFault({ serverKeys, identity }: EtcdTarget): string | null {
    const component = this.component("etcd");
    const leaf = this.currentLife(component)?.loaded.get(component.consumer.files[0] ?? "");
    if (!leaf) return "refused";
    if (!serverKeys.includes(sha256(leaf.spkiDer))) return "the server's key is not known";
    if (identity === null) return "no client certificate";
    return firstCertificate(identity.certificatePem).notAfter > this.world.now ? null : "bad certificate";
  }

  private etcdAilment(target: EtcdTarget): string | null {
    const fault = this.dialFault(target);
    if (fault !== null) return fault;
    if (!this.hasQuorum) return "etcdserver: request timed out";
    const component = this.component("etcd");
    const { wellAfterMs } = component.behaviour;
    const life = this.running(component);
    if (!life || wellAfterMs === null || this.elapsedMs < life.startedAt + wellAfterMs) return "no leader";
    return null;
  }

  /** A cluster of this one member. */
  private reading(target: EtcdTarget): MemberReading["answer"] {
    const fault = this.dialFault(target);
    if (fault !== null) return { unreachable: fault };
    const readFailure = this.etcdAilment(target);
    return {
      clusterId: "1",
      memberId: "1",
      version: "3.4.23",
      leaderId: readFailure === null ? "1" : null,
      raftTerm: "2",
      raftIndex: "10",
      appliedIndex: "10",
      errors: [],
      members: [{ id: "1", name: "m1", isLearner: false }],
      alarms: readFailure === null ? [] : null,
      readFailure,
    };
  }

  private save(form: "snapshot" | "cold-copy", file: string): Saved {
    this.note(form);
    const bytes = new TextEncoder().encode(`${form} ${this.log.length}`);
    this.world.state.set(file.replace("/var/lib/perennial/", ""), bytes);
    return { bytes: bytes.length, sha256: sha256(bytes), hasV2Data: false };
  }

  private writeFailure(kubeconfig: Uint8Array, name: string): string | null {
    if (this.apiFailure !== null) return this.apiFailure;
    const user = parseKubeconfig(kubeconfig).users.find((each) => each.name === name);
    if (user?.certificate?.form !== "embedded") return "no certificate";
    if (firstCertificate(user.certificate.pem).notAfter <= this.world.now) return "401";
    return this.ailmentOf(this.component("kube-apiserver"));
  }
}

/** The first certificate of a PEM file, or of a kubeconfig's first user. */
export function firstCertificate(bytes: Uint8Array): Certificate {
  const text = new TextDecoder().decode(bytes);
  const user = text.includes("apiVersion") ? parseKubeconfig(bytes).users[0] : undefined;
  const pem = user?.certificate?.form === "embedded" ? user.certificate.pem : bytes;
  const block = parsePem(pem).blocks.find(({ label }) => label === "CERTIFICATE");
  if (!block) throw new TypeError("no certificate");
  return parseCertificate(block.der);
}
