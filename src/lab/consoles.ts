// crictl and docker for the lab: the words that Perennial's drivers and scripts use, said to the lab's runtime, and no others.
// OUTPUTS: DIR/bin/{crictl,docker}; those of the runtime
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openCri, type CriClient } from "./cri-client.ts";
import { labelNames, type Labels } from "./cri-messages.ts";
import { type Lab, type LabHost, binOf } from "./places.ts";
import { wordsFor } from "./processes.ts";

export type ConsoleName = "crictl" | "docker";

const names: readonly ConsoleName[] = ["crictl", "docker"];

/** Programs of those names that run this very program. */
export function writeConsoles(lab: Lab, host: LabHost): void {
  mkdirSync(binOf(lab), { recursive: true });
  for (const name of names) {
    const words = [process.execPath, ...wordsFor(lab, host, name)].map(quoted).join(" ");
    writeFileSync(join(binOf(lab), name), `#!/bin/sh\nexec ${words} -- "$@"\n`, { mode: 0o755 });
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** One container or sandbox, as both command lines know them. */
interface Item {
  readonly kind: "container" | "sandbox";
  readonly id: string;
  readonly isRunning: boolean;
  readonly createdAt: number;
  readonly image: string;
  readonly sandboxId: string | null;
  readonly labels: Labels;
  readonly annotations: Labels;
}

interface Command {
  readonly cri: CriClient;
  /** Behind the leading options; the first one is the verb. */
  readonly words: readonly string[];
}

/** The exit code. What went wrong is said on standard error. */
export async function runConsole(name: ConsoleName, words: readonly string[]): Promise<number> {
  const { socket, rest } = leading(words);
  const cri = openCri(socket);
  try {
    process.stdout.write(await (name === "crictl" ? crictl : docker)({ cri, words: rest }));
    return 0;
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    cri.close();
  }
}

/** `-r unix://PATH -t 20s`, `-H unix://PATH`: both take a value each. */
function leading(words: readonly string[]): { readonly socket: string; readonly rest: readonly string[] } {
  const first = words.findIndex((word, index) => index % 2 === 0 && !word.startsWith("-"));
  const options = words.slice(0, first);
  const at = options.findIndex((word) => word === "-r" || word === "-H");
  return { socket: (options[at + 1] ?? "").replace(/^unix:\/\//, ""), rest: words.slice(first) };
}

async function itemsOf(cri: CriClient): Promise<readonly Item[]> {
  const [sandboxes, containers] = [await cri.sandboxes(), await cri.containers()];
  return [
    ...sandboxes.map((one): Item => ({
      ...one,
      kind: "sandbox",
      isRunning: one.isReady,
      image: "registry.k8s.io/pause:3.2",
      sandboxId: null,
    })),
    ...containers.map((one): Item => ({
      ...one,
      kind: "container",
      isRunning: one.state === "running",
      annotations: {},
    })),
  ];
}

/** `crictl ps|pods|stop|rm|stopp|rmp` (kubernetes-sigs/cri-tools, cmd/crictl). */
async function crictl({ cri, words }: Command): Promise<string> {
  const [verb = "", ...rest] = words;
  const { options, ids } = parsed(rest, ["-o", "-t", "--label", "--state"]);
  const kind = verb === "pods" ? "sandbox" : "container";
  switch (verb) {
    case "ps":
    case "pods": {
      const readyOnly = options.get("--state")?.[0] === "ready" || (verb === "ps" && !options.has("-a"));
      const found = (await itemsOf(cri)).filter(
        (item) =>
          item.kind === kind &&
          (item.isRunning || !readyOnly) &&
          carries(item.labels, options.get("--label") ?? []),
      );
      if (options.has("-q")) return found.map(({ id }) => `${id}\n`).join("");
      return JSON.stringify(
        verb === "ps" ? { containers: found.map(crictlContainer) } : { items: found.map(crictlSandbox) },
      );
    }
    case "stop":
      for (const id of ids) await cri.stopContainer(id, Number(options.get("-t")?.[0] ?? "0"));
      break;
    case "rm":
      for (const id of ids) {
        const item = (await itemsOf(cri)).find((each) => each.id === id);
        if (!item) throw new Error(`could not find container "${id}"`);
        if (item.isRunning) throw new Error(`container "${id}" is running, please stop it first`);
        await cri.removeContainer(id);
      }
      break;
    case "stopp":
      for (const id of ids) await cri.stopSandbox(id);
      break;
    case "rmp":
      for (const id of ids) {
        const item = (await itemsOf(cri)).find((each) => each.id === id);
        if (item?.isRunning === true) throw new Error(`pod sandbox "${id}" is running, please stop it first`);
        await cri.removeSandbox(id);
      }
      break;
    default:
      throw new Error(`unknown command ${verb}`);
  }
  return ids.map((id) => `${id}\n`).join("");
}

/** protobuf's JSON form: an int64 is text. */
function crictlContainer(item: Item): unknown {
  return {
    id: item.id,
    podSandboxId: item.sandboxId,
    metadata: { name: item.labels[labelNames.container] ?? "" },
    image: { image: item.image },
    imageRef: item.image,
    state: item.isRunning ? "CONTAINER_RUNNING" : "CONTAINER_EXITED",
    createdAt: String(BigInt(item.createdAt) * 1_000_000n),
    labels: item.labels,
    annotations: {},
  };
}

function crictlSandbox({ id, isRunning, createdAt, labels, annotations }: Item): unknown {
  return {
    id,
    metadata: { name: labels[labelNames.pod] ?? "", namespace: labels[labelNames.namespace] ?? "" },
    state: isRunning ? "SANDBOX_READY" : "SANDBOX_NOTREADY",
    createdAt: String(BigInt(createdAt) * 1_000_000n),
    labels,
    annotations,
  };
}

/** `docker ps|inspect|stop|rm`, with a sandbox as a container among others, as dockershim had it. */
async function docker({ cri, words }: Command): Promise<string> {
  const [verb = "", ...rest] = words;
  const { options, ids } = parsed(rest, ["--filter", "-t"]);
  const items = await itemsOf(cri);
  const named = ids.map((id) => items.find((item) => item.id === id) ?? id);
  const known = named.filter((item): item is Item => typeof item !== "string");
  switch (verb) {
    case "ps": {
      const wanted = (options.get("--filter") ?? []).map((filter) => filter.replace(/^label=/, ""));
      return items
        .filter((item) => (item.isRunning || options.has("-a")) && carries(dockerLabels(item), wanted))
        .map(({ id }) => `${id}\n`)
        .join("");
    }
    case "inspect":
      process.stdout.write(
        JSON.stringify(await Promise.all(known.map((item) => inspected(cri, item))), null, 2),
      );
      break;
    case "stop":
      for (const item of known) await stopOne(cri, item, Number(options.get("-t")?.[0] ?? "10"));
      break;
    case "rm":
      for (const item of known)
        await (item.kind === "sandbox" ? cri.removeSandbox(item.id) : cri.removeContainer(item.id));
      break;
    default:
      throw new Error(`'${verb}' is not a docker command`);
  }
  const missing = named.find((item) => typeof item === "string");
  if (missing !== undefined) throw new Error(`Error: No such container: ${missing}`);
  return verb === "inspect" ? "" : ids.map((id) => `${id}\n`).join("");
}

async function stopOne(cri: CriClient, { kind, id }: Item, graceSeconds: number): Promise<void> {
  await (kind === "sandbox" ? cri.stopSandbox(id) : cri.stopContainer(id, graceSeconds));
}

/** dockershim's labels beside the kubelet's; it keeps annotations as labels with a prefix. */
function dockerLabels({ kind, labels, annotations, sandboxId }: Item): Labels {
  const kept = Object.entries(annotations).map(([name, value]) => [`annotation.${name}`, value]);
  return {
    ...labels,
    ...(Object.fromEntries(kept) as Labels),
    "io.kubernetes.docker.type": kind === "sandbox" ? "podsandbox" : "container",
    ...(kind === "sandbox" ? { [labelNames.container]: "POD" } : {}),
    ...(sandboxId === null ? {} : { "io.kubernetes.sandbox.id": sandboxId }),
  };
}

async function inspected(cri: CriClient, item: Item): Promise<unknown> {
  const { id, isRunning, image, createdAt, kind } = item;
  const { startedAt, pid } = kind === "container" ? await cri.status(id) : { startedAt: createdAt, pid: 0 };
  return {
    Id: id,
    Created: new Date(createdAt).toISOString(),
    State: {
      Status: isRunning ? "running" : "exited",
      Running: isRunning,
      Pid: isRunning ? pid : 0,
      StartedAt: startedAt === 0 ? "0001-01-01T00:00:00Z" : new Date(startedAt).toISOString(),
    },
    Config: { Image: image, Labels: dockerLabels(item) },
  };
}

function carries(labels: Labels, wanted: readonly string[]): boolean {
  return wanted.every((pair) => {
    const [name = "", ...value] = pair.split("=");
    return labels[name] === value.join("=");
  });
}

/** Options with a value are named; the others have none; the rest are ids. */
function parsed(
  words: readonly string[],
  withValue: readonly string[],
): { readonly options: ReadonlyMap<string, readonly string[]>; readonly ids: readonly string[] } {
  const options = new Map<string, readonly string[]>();
  const ids: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (!word.startsWith("-")) ids.push(word);
    else if (withValue.includes(word)) {
      index += 1;
      options.set(word, [...(options.get(word) ?? []), words[index] ?? ""]);
    } else options.set(word, []);
  }
  return { options, ids };
}
