// Log lines as programs really wrap them, and what they are taken for.
import { describe, expect, it } from "vitest";
import type { LogLine } from "../../../../src/core/model/diagnosis.ts";
import { createLineSplitter } from "../../../../src/core/policy/diagnose/line-splitter.ts";
import { longestLine, parseLine } from "../../../../src/core/policy/diagnose/log-lines.ts";
import { recogniseLine } from "../../../../src/core/policy/diagnose/symptoms.ts";
import { createTally } from "../../../../src/core/policy/diagnose/tally.ts";

const source = { source: "-", component: null };
const expired =
  "x509: certificate has expired or is not yet valid: current time 2025-11-02T03:04:05Z is after 2025-11-01T00:00:00Z";

function parseLog(text: string, of: Parameters<typeof parseLine>[2]): readonly LogLine[] {
  return text.split("\n").flatMap((raw, index) => parseLine(raw, index + 1, of) ?? []);
}

/** What the lines complain of; equal complaints as one. */
function recognise(lines: readonly LogLine[]) {
  const tally = createTally(recogniseLine);
  for (const line of lines) tally.add(line);
  return tally.symptoms();
}

function one(text: string) {
  const [line, ...more] = parseLog(text, source);
  expect(more).toEqual([]);
  return line;
}

describe("a log line", () => {
  it.each([
    ["klog", `E1102 03:04:05.000000       1 authentication.go:63] ${expired}`, "kube-apiserver", null],
    ["CRI", `2025-11-02T03:04:05.123456789Z stderr F ${expired}`, null, "2025-11-02T03:04:05.123Z"],
    [
      "docker json-file",
      JSON.stringify({ log: `${expired}\n`, stream: "stderr", time: "2025-11-02T03:04:05.123456789Z" }),
      null,
      "2025-11-02T03:04:05.123Z",
    ],
    ["capnslog", `2025-11-02 03:04:05.123456 I | embed: ${expired}`, "etcd", "2025-11-02T03:04:05.123Z"],
    [
      "zap",
      JSON.stringify({
        level: "warn",
        ts: "2025-11-02T11:04:05.123+0800",
        caller: "embed/config_logging.go:169",
        msg: "rejected connection",
        error: expired,
      }),
      "etcd",
      "2025-11-02T03:04:05.123Z",
    ],
    [
      "journal",
      `2025-11-02T11:04:05+0800 m1 kubelet[912]: ${expired}`,
      "kubelet",
      "2025-11-02T03:04:05.000Z",
    ],
    [
      "syslog",
      `Nov  2 03:04:05 m1 kubelet: E1102 03:04:05.000001   912 kubelet.go:2183] ${expired}`,
      "kubelet",
      null,
    ],
    ["kubectl logs --timestamps", `2025-11-02T03:04:05.123456Z ${expired}`, null, "2025-11-02T03:04:05.123Z"],
    ["plain", expired, null, null],
  ])("of %s is taken apart", (_, text, component, at) => {
    const line = one(`\ufeff${text}\r`);
    expect(line?.component).toBe(component);
    expect(line?.at).toBe(at === null ? null : Date.parse(at));
    expect(line?.message).toContain(expired);
    const [symptom] = recognise(line ? [line] : []);
    expect(symptom?.code).toBe("expired");
    expect(symptom?.params.notAfter).toBe(Date.UTC(2025, 10, 1));
  });

  it("keeps its own name where a file's place says whose log it is", () => {
    const [line] = parseLog(`2025-11-02T03:04:05Z stderr F ${expired}`, { source: "x", component: "etcd" });
    expect(line?.component).toBe("etcd");
  });

  it("is matched with ASCII punctuation and without colours, and kept as it was", () => {
    const raw = "\u001b[31mx509：certificate is valid for 10.96.0.1， 10.0.0.1，not 10.0.0.9\u001b[0m";
    const line = one(raw);
    expect(line?.message).toBe("x509:certificate is valid for 10.96.0.1, 10.0.0.1,not 10.0.0.9");
    expect(line?.text).toBe(raw);
    const [symptom] = recognise(line ? [line] : []);
    expect(symptom?.params).toEqual({ names: ["10.96.0.1", "10.0.0.1"], wanted: "10.0.0.9" });
  });
});

describe("complaints", () => {
  it.each([
    [
      "unable to load bootstrap kubeconfig: stat /etc/kubernetes/bootstrap-kubelet.conf: no such file or directory",
      "bootstrap-missing",
    ],
    [
      "x509: certificate has expired or is not yet valid: current time 2020-01-01T00:00:00Z is before 2026-11-22T15:30:27Z",
      "not-yet-valid",
    ],
    [
      'x509: certificate signed by unknown authority (possibly because of "crypto/rsa: verification error" while trying to verify candidate authority certificate "etcd-ca")',
      "unknown-authority",
    ],
    ["x509: cannot validate certificate for 10.0.0.9 because it doesn't contain any IP SANs", "wrong-name"],
    [
      'rejected connection from "10.0.0.2:5312" (error "tls: \\"10.0.0.2\\" does not match any of DNSNames [\\"m1\\"]")',
      "wrong-name",
    ],
    ["tls: private key does not match public key", "key-mismatch"],
    ["x509: certificate specifies an incompatible key usage", "wrong-usage"],
    ["remote error: tls: bad certificate", "refused-by-peer"],
    ["Error: context deadline exceeded", "deadline-exceeded"],
    ["the clock difference against peer 8211f1d0f64f3269 is too high [4m53s > 1s]", "clock-difference"],
    ["open /etc/kubernetes/pki/apiserver.crt: no such file or directory", "file-missing"],
    ["error: You must be logged in to the server (Unauthorized)", "unauthorized"],
    [
      "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?",
      "connection-refused",
    ],
    ["net::ERR_FAILED NET::ERR_CERT_DATE_INVALID", "web-certificate"],
    ["ALERT MspiderHostedKubeAPICertExpiration firing", "mesh-alert"],
    [
      "part of the existing bootstrap client certificate in /etc/kubernetes/kubelet.conf is expired: 2025-11-01 00:00:00 +0000 UTC",
      "kubelet-client-file",
    ],
  ])("%s", (text, code) => {
    expect(recognise(parseLog(text, source)).map((symptom) => symptom.code)).toEqual([code]);
  });

  it.each([
    "I0722 12:13:33.864099 1 server.go:265] Serving securely on [::]:6443",
    'container runtime status check: context deadline exceeded, image "x"',
    "Client certificate rotation is enabled",
    "stat /var/lib/app/settings.yaml: no such file or directory",
  ])("are not found in: %s", (text) => {
    expect(recognise(parseLog(text, source))).toEqual([]);
  });

  it("that are alike are one, with the last of them", () => {
    const lines = ["03", "04", "05"].map((second) => `2025-11-02T03:04:${second}Z stderr F ${expired}`);
    const [symptom, ...more] = recognise(parseLog(lines.join("\n"), source));
    expect(more).toEqual([]);
    expect(symptom).toMatchObject({ count: 3, line: 3, lastAt: Date.UTC(2025, 10, 2, 3, 4, 5) });
  });

  it("take the decimal serial that the API server names", () => {
    const text = `Unable to authenticate the request due to an error: verifying certificate SN=255, SKID=, AKID= failed: ${expired}`;
    expect(recognise(parseLog(text, source))[0]?.params.serialHex).toBe("ff");
  });
});

describe("the memory of a long log", () => {
  it("is one line, however pieces and lines fall", () => {
    const seen: string[] = [];
    const lines = createLineSplitter((line, number) => seen.push(`${number} ${line.length}`));
    for (const piece of ["a", "b\n", "c\nd\n", "x".repeat(50_000), "y".repeat(50_000), "\nlast"])
      lines.push(piece);
    lines.end();
    expect(seen[0]).toBe("1 2");
    expect(seen.slice(1, 3)).toEqual(["2 1", "3 1"]);
    expect(Number(seen[3]?.split(" ")[1])).toBeGreaterThanOrEqual(longestLine);
    expect(Number(seen[3]?.split(" ")[1])).toBeLessThanOrEqual(2 * longestLine);
    expect(seen[4]).toBe("5 4");
  });

  it("does not grow with complaints that are all different", () => {
    const tally = createTally(({ number }) => ({ code: "file-missing", params: { path: `/${number}` } }));
    for (const line of parseLog("x\n".repeat(2000), source)) tally.add(line);
    expect(tally.lines).toBe(2000);
    expect(tally.symptoms().length).toBe(500);
  });
});
