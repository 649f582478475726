// A kubeconfig as the node's processes use it: read once, its certificate shown to the API server and to nobody else.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { type KubeconfigSource, currentUser, parseKubeconfig } from "../core/kubeconfig/kubeconfig.ts";

export interface Credentials {
  readonly server: URL;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

/** Paths in it are the node's: `root` goes in front of them. @throws the system's error, AppError `kubeconfig-malformed` */
export function readCredentials(root: string, path: string): Credentials {
  const kubeconfig = parseKubeconfig(readFileSync(path));
  const user = currentUser(kubeconfig);
  const context = kubeconfig.contexts.find(({ name }) => name === kubeconfig.currentContext);
  const cluster = kubeconfig.clusters.find(({ name }) => name === context?.cluster);
  const pem = (source: KubeconfigSource | { readonly form: "none" } | undefined): string => {
    if (source?.form === "embedded") return Buffer.from(source.pem).toString();
    if (source?.form === "file") return readFileSync(join(root, source.path), "utf8");
    throw new Error(`${path} has no certificate`);
  };
  return {
    server: new URL(cluster?.server ?? ""),
    ca: pem(cluster?.authority),
    cert: pem(user?.certificate),
    key: pem(user?.key),
  };
}

/** Whether the certificate is valid at this moment. */
export function isValidNow({ cert }: Pick<Credentials, "cert">): boolean {
  const { validFrom, validTo } = new X509Certificate(cert);
  const now = Date.now();
  return Date.parse(validFrom) <= now && now < Date.parse(validTo);
}

/** A connection of its own for every question; rejects as client-go does, in the words of Go where they are known. */
export function askApi(
  { server, ca, cert, key }: Credentials,
  question: { readonly method: string; readonly path: string; readonly body?: object },
): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    const ask = request(
      {
        // URL keeps an IPv6 address in brackets, the resolver does not know them.
        host: server.hostname.replace(/^\[|\]$/g, ""),
        port: server.port,
        ca,
        cert,
        key,
        agent: false,
        method: question.method,
        path: question.path,
        headers: { "content-type": "application/json" },
        timeout: 10_000,
      },
      (answer) => {
        let body = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => (body += chunk));
        answer.once("end", () => resolve({ status: answer.statusCode ?? 0, body }));
        answer.once("error", reject);
      },
    );
    ask.once("timeout", () => ask.destroy(new Error("net/http: TLS handshake timeout")));
    ask.once("error", (error) => reject(inWordsOfGo(error, server)));
    ask.end(question.body && JSON.stringify(question.body));
  });
}

function inWordsOfGo(error: NodeJS.ErrnoException, server: URL): Error {
  switch (error.code) {
    case "ECONNREFUSED":
      return new Error(`dial tcp ${server.host}: connect: connection refused`);
    case "CERT_HAS_EXPIRED":
      return new Error(
        `x509: certificate has expired or is not yet valid: current time ${timeNow()} is after the end of its validity`,
      );
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "SELF_SIGNED_CERT_IN_CHAIN":
      return new Error("x509: certificate signed by unknown authority");
    case undefined:
    default:
      return error;
  }
}

function timeNow(): string {
  return new Date().toISOString().replace(/\.\d+/, "");
}
