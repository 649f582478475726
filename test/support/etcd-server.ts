// Real etcd servers on free ports of 127.0.0.1, with certificates of our own making, ended by their process id.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { sha256Hex } from "../../src/core/pki/fingerprints.ts";
import {
  certificatePem,
  keyPem,
  type LabPair,
  makeAuthority,
  makeLeaf,
  type Validity,
} from "../../src/lab/lab-issuer.ts";
import { freshFolder } from "./fixtures.ts";

/** Debian's etcd-server and etcd-client; in CI they must be there. */
export const hasEtcd =
  process.env["CI"] === "true" ||
  ["etcd", "etcdctl"].every((program) =>
    (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, program))),
  );

export interface EtcdProcess {
  readonly port: number;
  readonly dataDir: string;
  /** Ends it and waits until it is gone; its data stays until `remove`. */
  stop(): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  return ports;
}

export interface EtcdOptions {
  readonly tls?: TlsFiles;
  readonly name?: string;
  readonly ports?: readonly number[];
  readonly more?: readonly string[];
}

/** What still runs, for the case that a test's own clean-up is not reached. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Resolves when it says that it serves clients. */
export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdProcess> {
  const { tls, name = "m1", more = [] } = options;
  const [port = 0, peerPort = 0] = options.ports ?? (await freePorts(2));
  const dataDir = join(freshFolder(), "etcd");
  const client = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const child = spawn(
    "etcd",
    [
      `--name=${name}`,
      `--data-dir=${dataDir}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      ...(more.some((flag) => flag.startsWith("--initial-cluster="))
        ? []
        : [`--initial-cluster=${name}=${peer}`]),
      ...(tls
        ? [
            "--client-cert-auth",
            "--trusted-ca-file",
            tls.ca,
            "--cert-file",
            tls.certificate,
            "--key-file",
            tls.key,
          ]
        : []),
      ...more,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  running.add(child);
  child.once("exit", () => running.delete(child));
  await untilServing(child);
  const stop = () => end(child);
  const remove = async () => {
    await stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return { port, dataDir, stop, remove };
}

async function untilServing(child: ChildProcess): Promise<void> {
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr! }).on("line", (line) => {
      said.push(line);
      if (line.includes("ready to serve client requests")) resolve();
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`etcd ended:\n${said.join("\n")}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

export interface TlsFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** A pair as its users want it: PEM for us, files for etcd. */
export interface TlsPair {
  readonly certificatePem: Uint8Array;
  readonly keyPem: Uint8Array;
  readonly spkiSha256: string;
}

export function pairOf(pair: LabPair): TlsPair {
  return {
    certificatePem: certificatePem(pair),
    keyPem: keyPem(pair),
    spkiSha256: sha256Hex(pair.key.spkiDer),
  };
}

export async function etcdAuthority(validity: Validity): Promise<LabPair> {
  return makeAuthority("etcd-ca", "ECDSA-P256", validity);
}

/** As kubeadm makes etcd's server certificate: for localhost and 127.0.0.1, both usages. */
export async function serverPair(
  authority: LabPair,
  validity: Validity,
  usages?: readonly string[],
): Promise<TlsPair> {
  const request = {
    ...validity,
    commonName: "m1",
    usages: usages ?? ["serverAuth", "clientAuth"],
    sans: [
      { kind: "dns", value: "localhost" },
      { kind: "ip", value: "127.0.0.1" },
    ],
  } as const;
  return pairOf(await makeLeaf(authority, "ECDSA-P256", request));
}

export async function clientPair(authority: LabPair, validity: Validity): Promise<TlsPair> {
  const request = { ...validity, commonName: "kube-etcd-healthcheck-client", usages: ["clientAuth"] };
  return pairOf(await makeLeaf(authority, "ECDSA-P256", request));
}

export function writeTls(authority: LabPair, pair: TlsPair): TlsFiles {
  const folder = freshFolder();
  const write = (name: string, bytes: Uint8Array) => {
    writeFileSync(join(folder, name), bytes, { mode: 0o600 });
    return join(folder, name);
  };
  return {
    ca: write("ca.crt", certificatePem(authority)),
    certificate: write("server.crt", pair.certificatePem),
    key: write("server.key", pair.keyPem),
  };
}

/** etcdctl's own answer, version 3 of the API. */
export function etcdctl(...words: readonly string[]): string {
  return execFileSync("etcdctl", words, {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], ETCDCTL_API: "3" },
    stdio: ["ignore", "pipe", "pipe"],
  });
}
