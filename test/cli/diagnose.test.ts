// `perennial diagnose` and the bare command on real trees: one log per cause, confirmed or ruled out by the files.
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { fixture, freshFolder } from "../support/fixtures.ts";
import { snapshotTree } from "../support/tree.ts";

const now = Date.UTC(2026, 10, 22, 16);
const expiredTree = "kubeadm-ha-expired/m1";
const validTree = "kubeadm-valid/m1";

interface Shown {
  readonly cause: string;
  readonly certainty: string;
  readonly subject: string | null;
  readonly certificates: readonly { readonly name: string; readonly path: string }[];
  readonly evidence: readonly { readonly code: string; readonly message: string }[];
  readonly harms: readonly string[];
  readonly spares: readonly string[];
  readonly next: readonly string[];
}

interface Answer {
  readonly code: number;
  readonly node: string | null;
  readonly sources: readonly string[];
  readonly diagnoses: readonly Shown[];
}

async function ask(root: string, log: string | null, at = now): Promise<Answer> {
  const words = ["diagnose", ...(log === null ? [] : ["-"]), "--root", root, "-o", "json"];
  const { code, out, err } = await runCli(words, { now: at, input: Buffer.from(log ?? "") });
  expect(err).toBe("");
  const { perennial, logs, diagnoses } = JSON.parse(out) as {
    readonly perennial: { readonly node: string | null; readonly exitCode: number };
    readonly logs: { readonly sources: readonly string[] };
    readonly diagnoses: readonly Shown[];
  };
  expect(perennial.exitCode).toBe(code);
  return { code, node: perennial.node, sources: logs.sources, diagnoses };
}

/** `cause certainty: names`, in the order given. */
function told({ diagnoses }: Answer): readonly string[] {
  return diagnoses.map(({ cause, certainty, certificates }) =>
    `${cause} ${certainty}: ${certificates.map(({ name }) => name).join(" ")}`.trimEnd(),
  );
}

function find(answer: Answer, cause: string): Shown {
  const found = answer.diagnoses.find((one) => one.cause === cause);
  if (found === undefined) throw new TypeError(`no ${cause} in ${told(answer).join("; ")}`);
  return found;
}

function pki(root: string, path: string): string {
  return join(root, "etc/kubernetes/pki", path);
}

/** As if it had been written before `now`, whatever the real time is. */
function age(path: string): void {
  utimesSync(path, now / 1000 - 60, now / 1000 - 60);
}

function copyAged(from: string, to: string): void {
  copyFileSync(from, to);
  age(to);
}

function copyPair(root: string, from: string, to: string): void {
  for (const end of [".crt", ".key"]) copyAged(pki(root, from + end), pki(root, to + end));
}

/** `kubelet-client-current.pem` from a pair of the tree. */
function rotatedFrom(root: string, pair: string): void {
  const folder = join(root, "var/lib/kubelet/pki");
  mkdirSync(folder, { recursive: true });
  const bytes = [".crt", ".key"].map((end) => readFileSync(pki(root, pair + end)));
  const path = join(folder, "kubelet-client-current.pem");
  rmSync(path, { force: true });
  writeFileSync(path, Buffer.concat(bytes), { mode: 0o600 });
  age(path);
}

const go = "x509: certificate has expired or is not yet valid: current time";
const deadline =
  "W1102 03:04:05.000000       1 clientconn.go:1223] grpc: addrConn.createTransport failed to connect to {https://127.0.0.1:2379}. Err: connection error\nError: context deadline exceeded\n";

describe("diagnose confirms", () => {
  it("an expired certificate, by the serial the API server names", async () => {
    const root = fixture(expiredTree);
    const inspected = await runCli(["check", "--root", root, "-o", "json"], { now });
    const { details } = JSON.parse(inspected.out) as {
      readonly details: readonly { readonly name: string; readonly serialHex: string }[];
    };
    const serial = details.find(({ name }) => name === "scheduler.conf")?.serialHex ?? "0";
    const answer = await ask(
      root,
      `E1102 03:04:05.000000       1 authentication.go:63] "Unable to authenticate the request" err="[verifying certificate SN=${BigInt(`0x${serial}`)}, SKID=, AKID= failed: ${go} 2025-11-02T03:04:05Z is after 2025-11-01T00:00:00Z]"\n`,
    );
    expect(answer.code).toBe(3);
    const { certainty, certificates, evidence } = find(answer, "certificate-expired");
    expect(certainty).toBe("confirmed");
    expect(certificates[0]?.name).toBe("scheduler.conf");
    const same = evidence.filter(({ code }) => code === "same-serial");
    expect(same.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^the line names serial [0-9a-f]+: that is scheduler\.conf$/),
    ]);
  });

  it("context deadline exceeded, when the certificates to etcd have expired", async () => {
    const answer = await ask(fixture(expiredTree), deadline);
    expect(told(answer)[0]).toBe("etcd-unreachable confirmed: apiserver-etcd-client etcd-peer etcd-server");
    expect(find(answer, "etcd-unreachable").harms).toContain("api-down");
    expect(answer.code).toBe(3);
  });

  it("a key of another certificate", async () => {
    const root = fixture(validTree);
    copyAged(pki(root, "etcd/peer.key"), pki(root, "apiserver-etcd-client.key"));
    const answer = await ask(
      root,
      "dynamic_serving_content.go: key failed with : tls: private key does not match public key\n",
    );
    expect(told(answer)).toEqual(["key-mismatch confirmed: apiserver-etcd-client"]);
    expect(find(answer, "key-mismatch").next[0]).toBe(`perennial plan apiserver-etcd-client --root ${root}`);
  });

  it("a certificate of another CA", async () => {
    const root = fixture(validTree);
    copyPair(root, "front-proxy-client", "apiserver-etcd-client");
    const answer = await ask(
      root,
      '{"level":"warn","ts":"2026-11-22T15:50:00.000Z","caller":"embed/config_logging.go:169","msg":"rejected connection","error":"tls: failed to verify certificate: x509: certificate signed by unknown authority"}\n',
    );
    const { certainty, certificates } = find(answer, "unknown-authority");
    expect([certainty, certificates.map(({ name }) => name)]).toEqual([
      "confirmed",
      ["apiserver-etcd-client"],
    ]);
  });

  it("a name that the certificate lacks, by the names the message lists", async () => {
    const root = fixture(validTree);
    const answer = await ask(
      root,
      `Unable to connect to the server: x509: certificate is valid for ${(await ipSans(root)).join(", ")}, not 10.9.9.9\n`,
    );
    expect(told(answer)).toEqual(["wrong-name confirmed: apiserver"]);
    expect(find(answer, "wrong-name").next).toEqual([
      `perennial plan apiserver --add-san 10.9.9.9 --root ${root}`,
    ]);
  });

  it("a missing bootstrap kubeconfig, by the kubelet's expired certificate", async () => {
    const answer = await ask(
      fixture(expiredTree),
      "Jul 22 12:13:33 VM-252-117-centos kubelet: F0722 12:13:33.864099   10350 server.go:265] failed to run Kubelet: unable to load bootstrap kubeconfig: stat /etc/kubernetes/bootstrap-kubelet.conf: no such file or directory\nJul 22 12:13:33 VM-252-117-centos kubelet: goroutine 1 [running]:\n",
    );
    const { certainty, certificates, next } = find(answer, "bootstrap-kubeconfig-missing");
    expect(certainty).toBe("confirmed");
    expect(certificates.map(({ path }) => path)).toEqual(["/etc/kubernetes/kubelet.conf"]);
    expect(next[1]).toMatch(/^perennial renew kubelet\.conf .*systemctl restart kubelet/);
  });

  it.each([
    [validTree, "linked", "perennial plan kubelet.conf"],
    [expiredTree, "other-authority", "mv /var/lib/kubelet/pki/kubelet-client-current.pem"],
  ])("a left-over kubelet client file of another CA, without any log (%s, %s)", async (tree, kind, next) => {
    const root = fixture(tree);
    rotatedFrom(root, "front-proxy-client");
    const answer = await ask(root, null);
    expect(answer.sources).toEqual([]);
    const { certainty, subject, certificates, next: steps } = find(answer, "wrong-kubelet-client");
    expect([certainty, subject]).toEqual(["confirmed", kind]);
    expect(steps[0]).toContain(next);
    expect(answer.diagnoses.map(({ cause }) => cause)).not.toContain("unknown-authority");
    expect(certificates.map(({ path }) => path)).toContain("/var/lib/kubelet/pki/kubelet-client-current.pem");
  });

  it("an embedded kubelet certificate beside a fresh rotated one", async () => {
    const root = fixture(expiredTree);
    const renewed = await runCli([
      "renew",
      "apiserver-kubelet-client",
      "--yes",
      "--root",
      root,
      "--key-algorithm",
      "ECDSA-P256",
    ]);
    expect(renewed.code).toBe(0);
    rotatedFrom(root, "apiserver-kubelet-client");
    const answer = await ask(root, null, Date.now());
    const { certainty, subject } = find(answer, "wrong-kubelet-client");
    expect([certainty, subject]).toEqual(["confirmed", "embedded"]);
  });

  it("certificates that are not valid yet, and a clock that was set back", async () => {
    const root = fixture(validTree);
    const before = Date.UTC(2026, 10, 1);
    const answer = await ask(
      root,
      `2026-11-22T15:50:00Z stderr F ${go} 2026-11-01T00:00:00Z is before 2026-11-22T15:30:27Z\n`,
      before,
    );
    expect(find(answer, "certificate-not-yet-valid").certainty).toBe("confirmed");
    const clock = find(answer, "clock-wrong");
    expect(clock.certainty).toBe("confirmed");
    expect(clock.evidence.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["clock-behind-file", "clock-behind-log", "clock-of-writer"]),
    );
    expect(answer.diagnoses[0]?.cause).toBe("clock-wrong");
  });

  it("files that a half-done repair has taken away", async () => {
    const answer = await ask(
      fixture("kubeadm-half-done/m1"),
      "open /etc/kubernetes/pki/apiserver.crt: no such file or directory\n",
    );
    const { certainty, certificates } = find(answer, "file-missing");
    expect(certainty).toBe("confirmed");
    expect(certificates.map(({ name }) => name)).toContain("front-proxy-ca");
    expect(answer.diagnoses[0]?.cause).toBe("file-missing");
  });
});

describe("diagnose rules out", () => {
  it("certificates behind context deadline exceeded, and says where to look", async () => {
    const answer = await ask(fixture(validTree), deadline);
    expect(told(answer)).toEqual(["etcd-unreachable rejected: apiserver-etcd-client etcd-server etcd-peer"]);
    expect(answer.code).toBe(0);
    const { evidence, next } = find(answer, "etcd-unreachable");
    expect(evidence[0]?.code).toBe("all-well");
    expect(next.join(" ")).toMatch(/crictl ps -a --name etcd.*disk and network/);
  });

  it("an expiry that was before the renewal", async () => {
    const answer = await ask(
      fixture(validTree),
      `2025-11-02T03:04:05Z stderr F http: TLS handshake error: ${go} 2025-11-02T03:04:05Z is after 2025-11-01T00:00:00Z\n`,
    );
    expect(answer.diagnoses.map(({ cause, certainty }) => [cause, certainty])).toEqual([
      ["certificate-expired", "rejected"],
    ]);
    expect(answer.code).toBe(0);
  });

  it("a mismatch, a bootstrap file and a missing file when all is well now", async () => {
    const answer = await ask(
      fixture(validTree),
      "tls: private key does not match public key\nunable to load bootstrap kubeconfig: stat /etc/kubernetes/bootstrap-kubelet.conf: no such file\nopen /etc/kubernetes/pki/apiserver.crt: no such file or directory\n",
    );
    expect(answer.diagnoses.map(({ cause, certainty }) => `${cause} ${certainty}`)).toEqual([
      "bootstrap-kubeconfig-missing rejected",
      "file-missing rejected",
      "key-mismatch rejected",
    ]);
    expect(answer.code).toBe(0);
  });

  it("a lacking name that is there", async () => {
    const root = fixture(validTree);
    const [first = ""] = await ipSans(root);
    const answer = await ask(root, `x509: certificate is valid for 10.9.9.9, not ${first}\n`);
    expect(find(answer, "wrong-name").certainty).toBe("rejected");
    expect(find(answer, "renewed-not-loaded").certainty).toBe("possible");
  });
});

describe("diagnose finds what is in no file", () => {
  it("an old certificate in memory after the renewal", async () => {
    const at = now + 86_400_000;
    const answer = await ask(
      fixture(validTree),
      `E1123 10:00:00.000000 1 reflector.go:138] Failed to list *v1.Node: Get "https://10.0.0.1:6443/api": ${go} 2026-11-23T10:00:00Z is after 2026-11-22T18:00:00Z\n`,
      at,
    );
    expect(find(answer, "certificate-expired").certainty).toBe("rejected");
    const { certainty, certificates } = find(answer, "renewed-not-loaded");
    expect([certainty, certificates.map(({ name }) => name)]).toEqual(["likely", ["apiserver"]]);
    expect(answer.code).toBe(3);
  });

  it("the API server's own certificate after a year", async () => {
    const answer = await ask(
      fixture(validTree),
      `2026-11-22T15:59:00Z stderr F E1122 15:59:00.000000       1 authentication.go:63] Get "https://[::1]:6443/api/v1/services": ${go} 2026-11-22T15:59:00Z is after 2026-11-20T00:00:00Z\n`,
    );
    expect(told(answer)).toEqual(["loopback-certificate-expired likely:"]);
    expect(find(answer, "loopback-certificate-expired").spares).toContain("files");
  });

  it("a platform component's page and a hosted mesh", async () => {
    const answer = await ask(
      fixture(validTree),
      "tke-platform-api page: NET::ERR_CERT_DATE_INVALID\n告警 MspiderHostedKubeAPICertExpiration：hosted-demo-hosted-apiserver\n",
    );
    expect(answer.diagnoses.map(({ cause, subject }) => [cause, subject])).toEqual([
      ["hosted-mesh-certificate", "hosted-demo"],
      ["platform-web-certificate", "platform"],
    ]);
    expect(find(answer, "hosted-mesh-certificate").spares).toEqual(["mesh-traffic"]);
    expect(find(answer, "platform-web-certificate").next[0]).toBe(
      "kubectl -n tke rollout restart deployment tke-platform-api",
    );
  });
});

describe("diagnose reads", () => {
  it("logs of the node by itself: pods, docker's files behind links, the system's log", async () => {
    const root = fixture(expiredTree);
    const docker = join(root, "var/lib/docker/containers/abc");
    mkdirSync(docker, { recursive: true });
    writeFileSync(
      join(docker, "abc-json.log"),
      `${JSON.stringify({ log: "Error: context deadline exceeded\n", stream: "stderr", time: "2026-11-22T15:00:00Z" })}\n`,
    );
    const pod = join(root, "var/log/pods/kube-system_kube-apiserver-m1_uid/kube-apiserver");
    mkdirSync(pod, { recursive: true });
    symlinkSync("/var/lib/docker/containers/abc/abc-json.log", join(pod, "0.log"));
    writeFileSync(join(root, "var/log/messages"), "Nov 22 15:00:00 m1 kubelet: Unauthorized\n");
    const answer = await ask(root, null);
    expect([...answer.sources].sort()).toEqual([
      "/var/log/messages",
      "/var/log/pods/kube-system_kube-apiserver-m1_uid/kube-apiserver/0.log",
    ]);
    const log = find(answer, "etcd-unreachable").evidence.at(-1);
    expect(log).toMatchObject({
      code: "log",
      component: "kube-apiserver",
      line: 1,
      at: "2026-11-22T15:00:00Z",
    });
    expect(find(answer, "credentials-refused").certainty).toBe("confirmed");
  });

  it("docker's files by their label where there is nothing else", async () => {
    const root = fixture(validTree);
    const docker = join(root, "var/lib/docker/containers/abc");
    mkdirSync(docker, { recursive: true });
    writeFileSync(
      join(docker, "abc-json.log"),
      `${JSON.stringify({ log: "Error: context deadline exceeded\n" })}\n`,
    );
    writeFileSync(
      join(docker, "config.v2.json"),
      '{"Config":{"Labels":{"io.kubernetes.container.name":"kube-apiserver"}}}',
    );
    const answer = await ask(root, null);
    expect(find(answer, "etcd-unreachable").evidence.at(-1)).toMatchObject({ component: "kube-apiserver" });
  });

  it("the end of a long log only, and no link that leaves the root", async () => {
    const root = fixture(validTree);
    const outside = join(freshFolder(), "outside.log");
    writeFileSync(outside, "remote error: tls: bad certificate\n");
    mkdirSync(join(root, "var/log"), { recursive: true });
    writeFileSync(
      join(root, "var/log/messages"),
      `tls: private key does not match public key\n${"x\n".repeat(200_000)}Unauthorized\n`,
    );
    symlinkSync(join("../../../..", outside), join(root, "var/log/syslog"));
    const answer = await ask(root, null);
    expect(answer.sources).toEqual(["/var/log/messages"]);
    expect(answer.diagnoses.map(({ cause }) => cause)).toEqual(["credentials-refused"]);
  });

  it("a file of 100 MB in a memory that does not grow with it", async () => {
    const path = join(freshFolder(), "kube-apiserver.log");
    const block = Buffer.from(
      "I1122 15:00:00.000000       1 trace.go:205] Trace[1]: nothing of interest here\n".repeat(12_000),
    );
    for (let index = 0; index < 100; index += 1) writeFileSync(path, block, { flag: "a" });
    writeFileSync(path, "y".repeat(4_000_000), { flag: "a" });
    writeFileSync(path, "\nError: context deadline exceeded", { flag: "a" });
    const before = process.memoryUsage.rss();
    const { code, out } = await runCli(["diagnose", path, "--root", fixture(validTree), "-o", "json"], {
      now,
    });
    expect(code).toBe(0);
    expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 1024 * 1024);
    const { logs } = JSON.parse(out) as { readonly logs: { readonly lines: number } };
    expect(logs.lines).toBe(1_200_002);
    rmSync(path);
  }, 900_000);

  it("no file that is not there, and no node that is none", async () => {
    const empty = freshFolder();
    const missing = await runCli(["diagnose", join(empty, "x.log"), "--root", fixture(validTree)], { now });
    expect(missing.code).toBe(1);
    expect(missing.err).toContain("there is no such file");
    const folder = await runCli(["diagnose", empty, "--root", fixture(validTree)], { now });
    expect(folder.err).toContain("directory");
    const nothing = await runCli(["diagnose", "--root", empty], { now });
    expect([nothing.code, nothing.err]).toEqual([
      1,
      expect.stringContaining("does not look like a control-plane node"),
    ]);
  });

  it("log text alone, without ever being sure", async () => {
    const answer = await ask(
      freshFolder(),
      `${go} 2025-11-02T03:04:05Z is after 2025-11-01T00:00:00Z\n${deadline}`,
    );
    expect(answer.node).toBeNull();
    expect(told(answer)).toEqual(["certificate-expired likely:", "etcd-unreachable possible:"]);
    expect(answer.code).toBe(3);
  });
});

describe("the screen", () => {
  it.each(["en", "zh"] as const)(
    "has what, why, harm, no harm and the next command (%s), and changes nothing",
    async (lang) => {
      const root = fixture(expiredTree);
      const before = snapshotTree(root);
      const { code, out } = await runCli(["diagnose", "-", "--root", root], {
        now,
        lang,
        input: Buffer.from(deadline),
      });
      expect(code).toBe(3);
      expect(out.trimEnd().split("\n").length).toBeLessThanOrEqual(40);
      expect(out).toContain("apiserver-etcd-client");
      expect(out).toContain("/etc/kubernetes/pki/apiserver-etcd-client.crt");
      expect(out).toContain("Error: context deadline exceeded");
      expect(out).toContain(`perennial plan --root ${root}`);
      expect(out).toMatch(
        lang === "en"
          ? /CONFIRMED .*\n[^]*harms [^]*not [^]*next /
          : /确认 .*\n[^]*影响 [^]*不影响 [^]*下一步 /,
      );
      expect(out).not.toMatch(/undefined|\[object/);
      expect(snapshotTree(root)).toEqual(before);
    },
  );

  it("stays within 40 lines of 100 columns when everything is wrong at once", async () => {
    const lines = [
      deadline,
      "unable to load bootstrap kubeconfig: stat /etc/kubernetes/bootstrap-kubelet.conf: no such file or directory",
      "tls: private key does not match public key",
      "x509: certificate signed by unknown authority",
      "x509: certificate is valid for 10.0.0.1, not 10.9.9.9",
      "open /etc/kubernetes/pki/apiserver.crt: no such file or directory",
      "dial tcp 127.0.0.1:6443: connect: connection refused",
      "MspiderHostedKubeAPICertExpiration",
      "invalid bearer token",
    ].join("\n");
    for (const lang of ["en", "zh"] as const)
      for (const tree of [expiredTree, "kubeadm-half-done/m1"]) {
        const root = fixture(tree);
        const { out } = await runCli(["diagnose", "-", "--root", root], {
          now,
          lang,
          input: Buffer.from(lines),
          width: 100,
        });
        expect(out.trimEnd().split("\n").length).toBeLessThanOrEqual(40);
      }
  });

  it("lets nothing hostile through", async () => {
    const evil = `\u001b]0;x\u0007\u001b[2J\u202e${go} 2025-11-02T03:04:05Z is after 2025-11-01T00:00:00Z not /etc/\u001b[31m\u200b.crt\n`;
    for (const output of ["table", "json", "yaml"]) {
      const { out } = await runCli(["diagnose", "-", "--root", fixture(expiredTree), "-o", output], {
        now,
        input: Buffer.from(evil),
      });
      // oxlint-disable-next-line no-control-regex -- that is what must not be there
      expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e]/u);
      expect(out).toContain("x509");
    }
  });

  it("of the bare command says what is dead, what is not, the way back and its order", async () => {
    const root = fixture(expiredTree);
    const { code, out } = await runCli(["--root", root], { now });
    expect(code).toBe(3);
    expect(out).toMatch(/^Dead or dying: the API server cannot reach etcd/m);
    expect(out).toContain("Not harmed: running containers");
    expect(out).toContain("Recovery: renew 12 certificates");
    expect(out).toMatch(/^Order: kubelet if it is dead, etcd, kube-apiserver/m);
    expect(out).toContain("Nothing was changed.");
  });

  it("of the bare command puts a clock from the past first", async () => {
    const root = fixture(validTree);
    utimesSync(pki(root, "ca.crt"), now / 1000, now / 1000);
    utimesSync(pki(root, "apiserver.crt"), now / 1000 + 86_400, now / 1000 + 86_400);
    const { code, out } = await runCli(["--root", root], { now });
    expect(code).toBe(3);
    expect(out).toMatch(/^a clock is wrong or was set back/);
    expect(out).toContain("/etc/kubernetes/pki/apiserver.crt was changed Nov 23, 2026 16:00 UTC");
    expect(out).toContain("Recovery: set the clock right first");
    expect(out).not.toContain("perennial plan");
  });

  it("of the bare command stays short when all is well", async () => {
    const { code, out } = await runCli(["--root", fixture(validTree)], { now });
    expect([code, out.split("\n").length]).toEqual([0, 5]);
  });
});

async function ipSans(root: string): Promise<readonly string[]> {
  const { out } = await runCli(["check", "--root", root, "-o", "json"], { now });
  const { details } = JSON.parse(out) as {
    readonly details: readonly { readonly name: string; readonly sans?: readonly string[] }[];
  };
  const sans = details.find(({ name }) => name === "apiserver")?.sans ?? [];
  return sans.filter((san) => san.startsWith("ip:")).map((san) => san.slice("ip:".length));
}
