// A node in memory: files, a state directory and processes that can be killed at every failpoint.
import { createHash, generateKeyPairSync } from "node:crypto";
import { formatAddress, type Address } from "../../src/core/model/address.ts";
import { AppError } from "../../src/core/model/errors.ts";
import type { Actor, Staged } from "../../src/core/model/run.ts";
import { asPrivateKey, type PrivateKey } from "../../src/core/pki/keys.ts";
import type { RunEvent } from "../../src/engine/events.ts";
import type { Failpoint } from "../../src/engine/failpoints.ts";
import type { EnginePorts } from "../../src/engine/ports/engine-ports.ts";
import type { Live } from "../../src/engine/ports/live.ts";
import type { StateDirectory } from "../../src/engine/ports/state.ts";
import type { Attributes, Observation, WritableStore } from "../../src/engine/ports/store.ts";

export interface MemoryFile extends Attributes {
  readonly bytes: Uint8Array;
  readonly link: string | null;
}

/** Thrown at a failpoint; afterwards every port of the process throws it too, as if it were gone. */
export class Crash extends Error {
  override readonly name = "Crash";
}

export interface MemoryProcess {
  readonly ports: EnginePorts;
  readonly events: RunEvent[];
  /** Every failpoint hit so far, in order. */
  readonly hits: Failpoint[];
  isDead: boolean;
}

export interface ProcessOptions {
  /** Dies at this hit (from 0) of any failpoint. */
  readonly dieAt?: number;
  /** Called at every failpoint, before the process may die. */
  readonly onHit?: (point: Failpoint, count: number) => void | Promise<void>;
}

export const toolVersion = "0.1.0";
export const startOfTime = Date.UTC(2026, 10, 22, 16, 0, 0);

export class MemoryWorld {
  readonly files = new Map<string, MemoryFile>();
  readonly temporaries = new Map<string, MemoryFile>();
  readonly state = new Map<string, Uint8Array>();
  readonly kept = new Map<string, Attributes>();
  /** Every private key the generator made. */
  readonly generated: PrivateKey[] = [];
  now = startOfTime;
  /** How far the wall clock was set since the start. */
  steppedMs = 0;
  /** What runs on the node; null when only its files are worked on. */
  live: { openPort(guard: () => void): Live } | null = null;
  /** Called before an operation; throws to make it fail. */
  fail: (operation: string, name: string) => void = () => {};
  private readonly alive = new Set<number>();
  private nextPid = 100;
  private seed = 1;
  /** What a loss of power takes back, newest last. */
  private unsynced: (() => void)[] = [];

  spawn(options: ProcessOptions = {}): MemoryProcess {
    const pid = this.nextPid++;
    this.alive.add(pid);
    const events: RunEvent[] = [];
    const hits: Failpoint[] = [];
    const life = { isDead: false };
    const live = (): void => {
      if (life.isDead) throw new Crash("the process is dead");
    };
    const hit = async (point: Failpoint): Promise<void> => {
      live();
      hits.push(point);
      await options.onHit?.(point, hits.length - 1);
      if (options.dieAt === hits.length - 1) {
        life.isDead = true;
        this.alive.delete(pid);
        throw new Crash(point);
      }
    };
    const liveNodes = this.live && { live: () => this.live!.openPort(live) };
    const ports: EnginePorts = {
      store: this.store(live, hit),
      state: this.stateDirectory(live, hit),
      processes: {
        self: () => this.actor(pid),
        isAlive: (actor) => (this.alive.has(actor.pid) ? "alive" : "dead"),
      },
      clock: { now: () => this.now, elapsedMs: () => this.now - this.steppedMs },
      randomness: { bytes: (count) => this.random(count) },
      keys: { generate: async () => this.generateKey() },
      failpoints: { hit },
      audience: { tell: (event) => events.push(event) },
      ...liveNodes,
      toolVersion,
    };
    return Object.assign(life, { ports, events, hits });
  }

  kill(process: MemoryProcess): void {
    process.isDead = true;
    this.alive.delete(process.ports.processes.self().pid);
  }

  /** After a crash: with `powerLoss`, what was not synced is gone. */
  reboot(powerLoss: boolean): void {
    if (powerLoss) for (const takeBack of this.unsynced.toReversed()) takeBack();
    this.unsynced = [];
  }

  put(path: string, file: MemoryFile): void {
    this.files.set(path, file);
  }

  /** The whole live tree as text, attributes included. */
  tree(): Record<string, string> {
    const entries = [...this.files].map(([path, file]) => {
      const { bytes, ...attributes } = file;
      return [path, JSON.stringify({ ...attributes, sha256: sha256(bytes) })] as const;
    });
    return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  actor(pid: number): Actor {
    return {
      user: "root",
      sudoUser: null,
      sshConnection: null,
      host: "m1",
      pid,
      processStart: String(pid),
      bootId: "b",
    };
  }

  random(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => {
      this.seed = (Math.imul(this.seed, 1_103_515_245) + 12_345) >>> 0;
      return (this.seed >>> 16) & 0xff;
    });
  }

  generateKey(): PrivateKey {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = asPrivateKey(privateKey, "pkcs1");
    this.generated.push(key);
    return key;
  }

  /** The node's files for one process: `live` throws once that is dead. */
  store(live: () => void, hit: (point: Failpoint) => Promise<void>): WritableStore {
    const look = (address: Address, labels: boolean): Observation => {
      const file = this.files.get(address.path);
      if (!file) return { state: "absent", address, danglingLink: null };
      const { bytes, link, ...all } = file;
      const attributes = labels ? all : { ...all, xattrs: {} };
      return {
        state: "present",
        address,
        bytes: Uint8Array.from(bytes),
        sha256: sha256(bytes),
        attributes,
        link,
        linkLeavesTree: false,
      };
    };
    const revision = (path: string): string => {
      const file = this.files.get(path);
      return file ? sha256(file.bytes) : "absent";
    };
    const expectLive = (address: Address, expected: string): void => {
      const found = revision(address.path);
      if (found !== expected)
        throw new AppError("store-conflict", { address: formatAddress(address), expected, found });
    };
    return {
      id: "memory",
      read: async (address, options) => {
        live();
        this.fail("read", address.path);
        return look(address, options?.labels ?? false);
      },
      stage: async (address, bytes, options) => {
        live();
        const object = formatAddress(address);
        expectLive(address, options.expect);
        const old = this.files.get(address.path);
        const base = old ?? { uid: 0, gid: 0, mtimeMs: this.now, xattrs: {}, link: null };
        const file: MemoryFile = {
          ...base,
          ...options.attributes,
          bytes: Uint8Array.from(bytes),
          link: base.link,
        };
        const staged = {
          object,
          temporary: temporaryName(address.path, options.run, options.token),
          expect: options.expect,
        };
        if (old && JSON.stringify(textOf(old)) === JSON.stringify(textOf(file))) {
          return { ...staged, sha256: sha256(bytes), unchanged: true };
        }
        this.temporaries.set(staged.temporary, { ...file, bytes: new Uint8Array(), mode: 0o600 });
        const takeBack = (): void => void this.temporaries.delete(staged.temporary);
        this.unsynced.push(takeBack);
        await hit("file.after-open-temporary");
        this.temporaries.set(staged.temporary, { ...file, bytes: file.bytes.slice(0, 5), mode: 0o600 });
        await hit("file.after-first-bytes");
        try {
          this.fail("stage", address.path);
        } catch (error) {
          this.temporaries.delete(staged.temporary);
          throw error;
        }
        this.temporaries.set(staged.temporary, file);
        await hit("file.after-write");
        this.unsynced = this.unsynced.filter((each) => each !== takeBack);
        await hit("file.after-sync");
        return { ...staged, sha256: sha256(bytes), unchanged: false };
      },
      commit: async (staged, { fence }) => {
        live();
        const path = pathOf(staged.object);
        if (revision(path) === staged.sha256 && !this.temporaries.has(staged.temporary)) return "unchanged";
        const found = revision(path);
        if (found !== staged.expect)
          throw new AppError("store-conflict", { address: staged.object, expected: staged.expect, found });
        await hit("file.before-rename");
        this.fail("commit", path);
        await fence();
        live();
        const file = this.temporaries.get(staged.temporary);
        if (!file) throw lost(staged.object, "rename");
        const old = this.files.get(path);
        this.files.set(path, file);
        this.temporaries.delete(staged.temporary);
        const takeBack = (): void => {
          this.temporaries.set(staged.temporary, file);
          if (old) this.files.set(path, old);
          else this.files.delete(path);
        };
        this.unsynced.push(takeBack);
        await hit("file.after-rename");
        this.unsynced = this.unsynced.filter((each) => each !== takeBack);
        await hit("file.after-directory-sync");
        return "written";
      },
      adopt: async (staged, token) => {
        live();
        const path = pathOf(staged.object);
        const temporary = staged.temporary.replace(/\d+$/, String(token));
        const prefix = staged.temporary.replace(/\d+$/, "");
        for (const [name, file] of this.temporaries) {
          if (!name.startsWith(prefix) || sha256(file.bytes) !== staged.sha256) continue;
          this.temporaries.delete(name);
          this.temporaries.set(temporary, file);
          await hit("file.after-rename");
          return { ...staged, temporary };
        }
        throw lost(path, "adopt");
      },
      discard: async (staged) => {
        live();
        this.temporaries.delete(staged.temporary);
      },
      remove: async (address, { expect, fence }) => {
        live();
        if (!this.files.has(address.path)) return;
        expectLive(address, expect);
        await fence();
        this.files.delete(address.path);
      },
      sweep: async (addresses, token) => {
        live();
        const paths = new Set(addresses.map(({ path }) => path));
        const old = [...this.temporaries.keys()].filter((name) => {
          const match = /^(.*)~perennial-[^~]*-(\d+)$/.exec(name);
          return match !== null && paths.has(match[1]!) && Number(match[2]) < token;
        });
        for (const name of old) this.temporaries.delete(name);
        return old;
      },
    };
  }

  stateDirectory(live: () => void, hit: (point: Failpoint) => Promise<void>): StateDirectory {
    const guard = (operation: string, file: string): void => {
      live();
      this.fail(operation, file);
    };
    return {
      path: "/var/lib/perennial",
      read: async (file) => {
        live();
        const bytes = this.state.get(file);
        return bytes ? Uint8Array.from(bytes) : null;
      },
      create: async (file, bytes) => {
        guard("create", file);
        if (this.state.has(file)) return false;
        this.state.set(file, Uint8Array.from(bytes));
        await hit("state.after-create");
        return true;
      },
      append: async (file, bytes) => {
        guard("append", file);
        const old = this.state.get(file) ?? new Uint8Array();
        this.state.set(file, joined(old, bytes.subarray(0, Math.floor(bytes.length * 0.7))));
        await hit("state.torn-append");
        this.state.set(file, joined(old, bytes));
      },
      replace: async (file, bytes) => {
        guard("replace", file);
        this.state.set(file, Uint8Array.from(bytes));
      },
      rename: async (from, to) => {
        guard("rename", to);
        const bytes = this.state.get(from);
        if (!bytes)
          throw new AppError("store-write-failed", { address: from, operation: "rename", cause: "ENOENT" });
        this.state.delete(from);
        this.state.set(to, bytes);
      },
      remove: async (file) => {
        guard("remove", file);
        for (const name of this.state.keys()) {
          if (name === file || name.startsWith(`${file}/`)) this.state.delete(name);
        }
      },
      list: async (directory) => {
        live();
        const names = [...this.state.keys()].filter((name) => name.startsWith(`${directory}/`));
        return [...new Set(names.map((name) => name.slice(directory.length + 1).split("/")[0]!))].toSorted();
      },
      keep: async (file, bytes, attributes) => {
        guard("keep", file);
        this.state.set(file, Uint8Array.from(bytes));
        this.kept.set(file, attributes);
        await hit("state.after-keep");
      },
    };
  }
}

function lost(object: string, operation: string): AppError {
  return new AppError("store-write-failed", { address: object, operation, cause: "ENOENT" });
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function temporaryName(path: string, run: string, token: number): string {
  return `${path}~perennial-${run}-${token}`;
}

function pathOf(object: Staged["object"]): string {
  return object.slice(object.indexOf("/"));
}

function textOf({ bytes, ...rest }: MemoryFile): unknown {
  return { ...rest, xattrs: Object.entries(rest.xattrs), bytes: sha256(bytes), order: undefined };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  return Uint8Array.from(Buffer.concat([a, b]));
}
