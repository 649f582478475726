// Listeners looked at: real servers on loopback, with certificates of every kind.
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Endpoint } from "../../../src/core/model/live.ts";
import { parseCertificate } from "../../../src/core/pki/certificate.ts";
import { sha256Hex } from "../../../src/core/pki/fingerprints.ts";
import { openProbes } from "../../../src/drivers/health/probes.ts";
import { certificatePem, keyPem, type LabPair, makeAuthority } from "../../../src/lab/lab-issuer.ts";
import { freePorts } from "../../support/etcd-server.ts";
import { expired, valid, years } from "../../support/machine-time.ts";
import { closeServers, http, https, mutualTls, servingPair, silent } from "../../support/tls-server.ts";

const probes = openProbes();
const made = {} as { valid: LabPair; expired: LabPair };

beforeAll(async () => {
  const authority = await makeAuthority("kubernetes", "ECDSA-P256", years);
  made.valid = await servingPair(authority, valid);
  made.expired = await servingPair(authority, expired);
});

afterAll(closeServers);

function factsOf({ certificateDer }: LabPair) {
  const leaf = parseCertificate(certificateDer);
  return {
    state: "served",
    serialHex: leaf.serialHex,
    notAfter: leaf.notAfter,
    certificateSha256: sha256Hex(certificateDer),
    spkiSha256: sha256Hex(leaf.spkiDer),
    subject: "CN=kube-apiserver",
  };
}

const answering = (status: number, body = "") =>
  https(made.valid, (_, answer) => void answer.writeHead(status).end(body));

describe("the certificate presented", () => {
  it.each(["TLSv1.2", "TLSv1.3"] as const)("is read with %s, valid or expired", async (version) => {
    const only = { minVersion: version, maxVersion: version };
    for (const pair of [made.valid, made.expired]) {
      const endpoint = await https(pair, () => {}, only);
      expect(await probes.served(endpoint)).toEqual(factsOf(pair));
    }
  });

  it.each(["tls1_2", "tls1_3"] as const)(
    "is read of a server that demands one of its clients (%s)",
    async (version) => {
      const [port = 0] = await freePorts(1);
      const endpoint = await mutualTls(made.expired, version, port);
      expect(await probes.served(endpoint)).toEqual(factsOf(made.expired));
    },
  );

  it("may depend on the server name that is sent", async () => {
    const context = {
      cert: Buffer.from(certificatePem(made.expired)),
      key: Buffer.from(keyPem(made.expired)),
    };
    const endpoint = await https(made.valid, () => {}, {
      SNICallback: (name, done) =>
        done(null, name === "apiserver-loopback-client" ? createSecureContext(context) : undefined),
    });
    expect(await probes.served(endpoint)).toEqual(factsOf(made.valid));
    const named = { ...endpoint, serverName: "apiserver-loopback-client" };
    expect(await probes.served(named)).toEqual(factsOf(made.expired));
  });

  it("is none where nobody listens, or something else than TLS is spoken", async () => {
    const [port = 0] = await freePorts(1);
    const nobody: Endpoint = { scheme: "https", host: "127.0.0.1", port, serverName: null };
    expect(await probes.served(nobody)).toEqual({ state: "unreachable", reason: "ECONNREFUSED" });
    const plain = await http((_, answer) => void answer.end("hello"));
    expect(await probes.served(plain)).toMatchObject({ state: "unreachable" });
  });

  it("is not waited for longer than the deadline, whatever the server says", async () => {
    const before = performance.now();
    const looks = await Promise.all([
      probes.served(await silent()),
      // The beginning of a TLS record, byte by byte.
      probes.served(await silent("\u0016\u0003\u0003\u003f\u0000")),
      probes.ailment(await silent(), "/readyz"),
    ]);
    expect(looks[0]).toEqual({ state: "unreachable", reason: "no answer in time" });
    expect(looks[1]).toMatchObject({ state: "unreachable" });
    expect(looks[2]).toBe("/readyz is not answered: no answer in time");
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it("is waited for as long as was said, and no longer", async () => {
    const hurried = openProbes({ deadlineMs: 100 });
    const before = performance.now();
    expect(await hurried.served(await silent())).toEqual({
      state: "unreachable",
      reason: "no answer in time",
    });
    expect(await hurried.ailment(await silent(), "/readyz")).toBe(
      "/readyz is not answered: no answer in time",
    );
    expect(performance.now() - before).toBeLessThan(5000);
  });

  it("is not waited for at all once the signal is aborted", async () => {
    const controller = new AbortController();
    const pending = probes.served(await silent(), controller.signal);
    controller.abort("SIGTERM");
    expect(await pending).toMatchObject({ state: "unreachable" });
    expect(await probes.served(await silent(), controller.signal)).toMatchObject({ state: "unreachable" });
  });
});

describe("a health check", () => {
  it.each([200, 401, 403])("is passed with %i: what turns strangers away works", async (status) => {
    expect(await probes.ailment(await answering(status), "/readyz")).toBeNull();
  });

  it.each([404, 429, 500])("is failed with %i", async (status) => {
    expect(await probes.ailment(await answering(status, "no\nmore"), "/healthz")).toBe(
      `/healthz is answered with ${status}: no`,
    );
  });

  it("tells the first complaint of a list", async () => {
    const body =
      "[+]ping ok\n[-]etcd failed: reason withheld\n[-]informer-sync failed\nreadyz check failed\n";
    expect(await probes.ailment(await answering(503, body), "/readyz")).toBe(
      "/readyz is answered with 503: [-]etcd failed: reason withheld",
    );
  });

  it("does not ask whose certificate it is, nor until when, and sends the path alone", async () => {
    const asked: unknown[] = [];
    const endpoint = await https(made.expired, ({ method, url, headers }, answer) => {
      asked.push([method, url, headers.authorization]);
      answer.end("ok");
    });
    expect(await probes.ailment(endpoint, "/livez?verbose")).toBeNull();
    expect(asked).toEqual([["GET", "/livez?verbose", undefined]]);
  });

  it("may be plain HTTP", async () => {
    const endpoint = await http((_, answer) => void answer.end("ok"));
    expect(await probes.ailment(endpoint, "/healthz")).toBeNull();
    expect(await probes.ailment({ ...endpoint, scheme: "https" }, "/healthz")).toMatch(
      /^\/healthz is not answered: /,
    );
  });

  it("is failed where nobody listens, and where the answer breaks off", async () => {
    const [port = 0] = await freePorts(1);
    const nobody: Endpoint = { scheme: "https", host: "127.0.0.1", port, serverName: null };
    expect(await probes.ailment(nobody, "/readyz")).toBe("/readyz is not answered: ECONNREFUSED");
    const broken = await https(made.valid, (request, answer) => {
      answer.writeHead(200, { "content-length": "100" });
      answer.write("half");
      setImmediate(() => request.socket.destroy());
    });
    expect(await probes.ailment(broken, "/readyz")).toMatch(/^\/readyz is not answered: /);
  });
});

describe("a way through another host", () => {
  it("takes none of the listener's time: a slow one is no ailment", async () => {
    const endpoint = await answering(200);
    const slow = openProbes({
      deadlineMs: 1500,
      dial: async () => {
        await sleep(2000);
        return connect({ host: endpoint.host, port: endpoint.port });
      },
    });
    expect(await slow.served(endpoint)).toEqual(factsOf(made.valid));
    expect(await slow.ailment(endpoint, "/healthz")).toBeNull();
  });
});
