// The API written to: a small server that answers as the API server does, and everything that may be wrong on the way to it.
import type { RequestListener } from "node:http";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Endpoint } from "../../../src/core/model/live.ts";
import { openApiServer } from "../../../src/drivers/health/api-server.ts";
import {
  certificatePem,
  keyPem,
  type LabPair,
  makeAuthority,
  makeLeaf,
} from "../../../src/lab/lab-issuer.ts";
import { freePorts } from "../../support/etcd-server.ts";
import { expired, valid, years } from "../../support/machine-time.ts";
import { closeServers, https, servingPair } from "../../support/tls-server.ts";

const made = {} as { ca: LabPair; other: LabPair; admin: LabPair; server: LabPair };
const configMaps = "/api/v1/namespaces/kube-system/configmaps";

beforeAll(async () => {
  made.ca = await makeAuthority("kubernetes", "ECDSA-P256", years);
  made.other = await makeAuthority("kubernetes", "ECDSA-P256", years);
  made.server = await servingPair(made.ca, valid);
  made.admin = await makeLeaf(made.ca, "ECDSA-P256", {
    ...valid,
    commonName: "kubernetes-admin",
    usages: ["clientAuth"],
  });
});

afterAll(closeServers);

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

function kubeconfig(authority = made.ca, user = "kubernetes-admin"): Uint8Array {
  const text = `apiVersion: v1
kind: Config
clusters:
- name: kubernetes
  cluster:
    certificate-authority-data: ${base64(certificatePem(authority))}
    server: https://lb.example.internal:6443
contexts:
- name: ${user}@kubernetes
  context: {cluster: kubernetes, user: ${user}}
current-context: ${user}@kubernetes
users:
- name: ${user}
  user:
    client-certificate-data: ${base64(certificatePem(made.admin))}
    client-key-data: ${base64(keyPem(made.admin))}
`;
  return new TextEncoder().encode(text);
}

/** Answers each method with its status, and notes what it was asked by whom. */
async function serve(
  statuses: Readonly<Record<string, number>>,
  pair = made.server,
): Promise<{ readonly endpoint: Endpoint; readonly asked: string[]; readonly bodies: string[] }> {
  const asked: string[] = [];
  const bodies: string[] = [];
  const answer: RequestListener = (request, response) => {
    const { method = "", url = "" } = request;
    const client = (request.socket as TLSSocket).getPeerCertificate().subject;
    asked.push(`${method} ${url} ${client?.CN ?? "nobody"}`);
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.once("end", () => {
      if (body !== "") bodies.push(body);
      const status = statuses[method] ?? 500;
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ kind: "Status", message: `configmaps "x": ${status}` }));
    });
  };
  const options = {
    requestCert: true,
    rejectUnauthorized: false,
    ca: [Buffer.from(certificatePem(made.ca))],
  };
  return { endpoint: await https(pair, answer, options), asked, bodies };
}

function write(endpoint: Endpoint, file = kubeconfig(), user = "kubernetes-admin", signal?: AbortSignal) {
  const proof = { kubeconfig: file, user, endpoint, name: "perennial-proof-x" };
  return openApiServer().writeFailure(proof, signal);
}

describe("a write to the API", () => {
  it("creates an object and deletes it, as the administrator, though loopback is none of the server's names", async () => {
    const { endpoint, asked, bodies } = await serve({ POST: 201, DELETE: 200 });
    expect(await write(endpoint)).toBeNull();
    expect(asked).toEqual([
      `POST ${configMaps} kubernetes-admin`,
      `DELETE ${configMaps}/perennial-proof-x kubernetes-admin`,
    ]);
    expect(JSON.parse(bodies[0]!)).toMatchObject({
      kind: "ConfigMap",
      metadata: { name: "perennial-proof-x", namespace: "kube-system" },
    });
  });

  it("takes an object left over from a proof that was cut off for its own", async () => {
    const { endpoint, asked } = await serve({ POST: 409, DELETE: 200 });
    expect(await write(endpoint)).toBeNull();
    expect(asked).toHaveLength(2);
  });

  it.each([401, 403, 500, 503])("that is answered with %i fails with the server's words", async (status) => {
    const { endpoint, asked } = await serve({ POST: status, DELETE: 200 });
    expect(await write(endpoint)).toMatch(
      new RegExp(String.raw`^creating an object is answered with ${status}: configmaps `),
    );
    expect(asked).toHaveLength(1);
  });

  it("whose object cannot be deleted fails", async () => {
    const { endpoint } = await serve({ POST: 201, DELETE: 403 });
    expect(await write(endpoint)).toMatch(/^deleting an object is answered with 403: /);
  });

  it("fails where nobody listens", async () => {
    const [port = 0] = await freePorts(1);
    expect(await write({ scheme: "https", host: "127.0.0.1", port, serverName: null })).toBe("ECONNREFUSED");
  });

  it("sends nothing to a server of another authority, also one of the same name", async () => {
    const { endpoint, asked } = await serve({ POST: 201, DELETE: 200 });
    expect(await write(endpoint, kubeconfig(made.other))).toMatch(/certificate/);
    expect(asked).toEqual([]);
  });

  it("sends nothing to a server whose certificate has expired", async () => {
    const { endpoint, asked } = await serve({ POST: 201, DELETE: 200 }, await servingPair(made.ca, expired));
    expect(await write(endpoint)).toMatch(/expired/);
    expect(asked).toEqual([]);
  });

  it("fails for a user whom the kubeconfig does not hold, or does not embed", async () => {
    const { endpoint } = await serve({ POST: 201, DELETE: 200 });
    expect(await write(endpoint, kubeconfig(), "somebody")).toBe(
      "the kubeconfig embeds no authority for somebody",
    );
    const byPath = new TextDecoder()
      .decode(kubeconfig())
      .replace(/client-key-data: \S+/, "client-key: /etc/kubernetes/admin.key");
    expect(await write(endpoint, new TextEncoder().encode(byPath))).toBe(
      "the kubeconfig embeds no key for kubernetes-admin",
    );
  });

  it("stops when it is told to", async () => {
    const endpoint = await https(made.server, () => {});
    const controller = new AbortController();
    const pending = write(endpoint, kubeconfig(), "kubernetes-admin", controller.signal);
    controller.abort("SIGTERM");
    expect(await pending).toEqual(expect.any(String));
  });
});
