// Clock, randomness, key generation and failpoints of the real world.
import { generateKeyPair, randomBytes, type KeyObject } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { AppError, assertNever } from "../../core/model/errors.ts";
import type { KeySpec, PrivateKey } from "../../core/pki/keys.ts";
import { failpoints, type Failpoint } from "../../engine/failpoints.ts";
import type { Clock, Failpoints, KeyGenerator, Randomness } from "../../engine/ports/world.ts";

export const systemClock: Clock = { now: () => Date.now(), elapsedMs: () => performance.now() };

export const systemRandomness: Randomness = { bytes: (count) => new Uint8Array(randomBytes(count)) };

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** Keys made in libuv's thread pool: several are made at once while everything else goes on. */
export function threadPoolKeyGenerator(): KeyGenerator {
  return { generate };
}

async function generate(spec: KeySpec): Promise<PrivateKey> {
  const { publicKey, privateKey } = await generatePair(spec);
  const spkiDer = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  return { keyObject: privateKey, spec, format: formatOf(spec), spkiDer };
}

function generatePair(spec: KeySpec): Promise<Pair> {
  const start = promisify(generateKeyPair);
  switch (spec.kind) {
    case "rsa":
      return start("rsa", { modulusLength: spec.bits, publicExponent: 0x10001 });
    case "ecdsa":
      return start("ec", { namedCurve: spec.curve });
    case "ed25519":
      return start("ed25519");
    default:
      return assertNever(spec);
  }
}

/** As kubeadm writes them (client-go util/keyutil, MarshalPrivateKeyToPEM). */
function formatOf(spec: KeySpec): PrivateKey["format"] {
  if (spec.kind === "rsa") return "pkcs1";
  return spec.kind === "ecdsa" ? "sec1" : "pkcs8";
}

/**
 * `PERENNIAL_FAILPOINT=NAME[:COUNT][:throw|:hold=FILE]`: at the COUNT-th hit (default 1) kill this process, throw an Error, or make
 * FILE and wait until it is removed. Without the variable nothing happens. Throws `value-invalid` for an unknown name.
 */
export function failpointsFromEnvironment(env: NodeJS.ProcessEnv): Failpoints {
  const text = env["PERENNIAL_FAILPOINT"];
  if (text === undefined || text === "") return { hit: () => undefined };
  const { point, count, action } = parseFailpoint(text);
  let hits = 0;
  return {
    hit(here) {
      if (here !== point) return undefined;
      hits += 1;
      return hits === count ? act(here, action) : undefined;
    },
  };
}

interface ParsedFailpoint {
  readonly point: Failpoint;
  readonly count: number;
  /** `kill`, `throw` or `hold=FILE` */
  readonly action: string;
}

function parseFailpoint(text: string): ParsedFailpoint {
  const [, name, count = "1", action = "kill"] =
    /^([^:]+)(?::([1-9]\d*))?(?::(throw|hold=.+))?$/s.exec(text) ?? [];
  const point = failpoints.find((known) => known === name);
  if (point === undefined) {
    const expected = "NAME[:COUNT][:throw|:hold=FILE]";
    throw new AppError("value-invalid", { what: "PERENNIAL_FAILPOINT", value: text, expected });
  }
  return { point, count: Number(count), action };
}

function act(point: Failpoint, action: string): void | Promise<void> {
  if (action === "throw") throw new Error(`failpoint ${point}`);
  if (action.startsWith("hold=")) return hold(action.slice("hold=".length));
  process.kill(process.pid, "SIGKILL");
  // The signal takes effect at the latest here: not one more instruction of ours is run.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

async function hold(file: string): Promise<void> {
  writeFileSync(file, "");
  while (existsSync(file)) {
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
