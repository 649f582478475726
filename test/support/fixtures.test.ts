// Holds the fixture helper to its word: modes and links survive, copies are independent.
import { lstatSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fixture, unpackFixtures } from "./fixtures.ts";

describe("fixture", () => {
  it("unpacks once", () => {
    expect(unpackFixtures()).toBe(unpackFixtures());
  });

  it("keeps modes and links", () => {
    const m2 = fixture("kubeadm-ha-expired/m2");
    const link = join(m2, "var/lib/kubelet/pki/kubelet-client-current.pem");
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readlinkSync(link)).toMatch(/kubelet-client-2024-11-01-00-00-00\.pem$/);
    expect(statSync(join(m2, "etc/kubernetes/pki/ca.key")).mode & 0o777).toBe(0o600);
    expect(statSync(join(m2, "etc/kubernetes/pki/ca.crt")).mode & 0o777).toBe(0o644);
  });

  it("gives every caller a copy of its own", () => {
    const [one, two] = [fixture("kubeadm-valid/m1"), fixture("kubeadm-valid/m1")];
    const path = "etc/kubernetes/pki/ca.crt";
    writeFileSync(join(one, path), "changed");
    expect(readFileSync(join(two, path), "utf8")).toContain("BEGIN CERTIFICATE");
    rmSync(one, { recursive: true });
    expect(readFileSync(join(unpackFixtures(), "kubeadm-valid/m1", path), "utf8")).toContain(
      "BEGIN CERTIFICATE",
    );
  });
});
