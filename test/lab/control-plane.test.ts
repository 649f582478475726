// Trees made from scratch: as healthy as kubeadm's own on their first day, and expired when they are meant to be.
import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ControlPlaneOptions, makeControlPlane } from "../../src/lab/control-plane.ts";
import { runCli } from "../support/cli.ts";

const issuedAt = Date.UTC(2025, 0, 1);
const day = 86_400_000;

async function made(options: Partial<ControlPlaneOptions> = {}): Promise<string> {
  const directory = join(mkdtempSync(join(tmpdir(), "perennial-lab-")), "m1");
  await makeControlPlane({ directory, issuedAt, keySpec: "ECDSA-P256", ...options });
  return directory;
}

async function findings(directory: string, now: number): Promise<readonly string[]> {
  const { out } = await runCli(["check", "--root", directory, "-o", "json"], { now });
  const { findings: all } = JSON.parse(out) as {
    findings: { code: string; name: string; severity: string }[];
  };
  return all.map(({ severity, code, name }) => `${severity} ${code} ${name}`);
}

describe("a control plane made from scratch", () => {
  it("has no finding from warning up on its first day", async () => {
    const found = await findings(await made(), issuedAt + day);
    expect(found.filter((line) => !line.startsWith("info"))).toEqual([]);
  });

  it("has super-admin.conf and the newer organizations from 1.29 on", async () => {
    const directory = await made({ kubernetesVersion: "1.31.0" });
    expect(await findings(directory, issuedAt + day)).toEqual(["info holds-system-masters super-admin.conf"]);
  });

  it("is expired after its validity: ten certificates, the kubelet's and the copy", async () => {
    const found = await findings(await made({ validitySeconds: 3600 }), issuedAt + day);
    expect(found.filter((line) => line.startsWith("critical certificate-expired"))).toHaveLength(12);
  });

  it("keeps keys and kubeconfigs to their owner", async () => {
    const directory = await made({ kubelet: "embedded" });
    const mode = (path: string): number => statSync(join(directory, path)).mode & 0o777;
    expect(mode("etc/kubernetes/pki/ca.key")).toBe(0o600);
    expect(mode("etc/kubernetes/pki/etcd/peer.key")).toBe(0o600);
    expect(mode("etc/kubernetes/kubelet.conf")).toBe(0o600);
    expect(mode("root/.kube/config")).toBe(0o600);
  });
});
