// `check` on the real trees: kubeadm's own table, kubeadm's own JSON fields, exit codes that tell the truth.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { controlPlane, issuedAt, today } from "../support/control-plane.ts";
import { fixture, unpackFixtures } from "../support/fixtures.ts";

const now = Date.UTC(2026, 10, 22, 15, 40);

/** kubeadm before 1.24 leaves the CA of a kubeconfig out; ours names it, as later ones do. */
function withAuthorities(table: string): string {
  return table
    .split("\n")
    .map((line) =>
      /^\S+\.conf /.test(line) ? line.replace(/d {36}no/, "d            ca                      no") : line,
    )
    .join("\n");
}

describe("check of a valid node", () => {
  it("prints kubeadm's two tables to the letter, but for the CA of kubeconfigs", async () => {
    const root = fixture("kubeadm-valid/m1");
    const expected = readFileSync(join(unpackFixtures(), "kubeadm-valid/check-expiration.txt"), "utf8");
    const { out, code } = await runCli(["check", "--root", root], { now });
    expect(code).toBe(0);
    const tables = withAuthorities(expected.trim());
    expect(tables).not.toBe(expected.trim());
    expect(out.startsWith(tables)).toBe(true);
  });

  it("gives arrays with exactly kubeadm's fields", async () => {
    const { out } = await runCli(["check", "--root", fixture("kubeadm-valid/m1"), "-o", "json"], { now });
    const json = JSON.parse(out) as Record<
      "certificates" | "certificateAuthorities",
      readonly Record<string, unknown>[]
    >;
    expect(json).toMatchObject({
      kind: "CertificateExpirationInfo",
      apiVersion: "output.kubeadm.k8s.io/v1alpha3",
    });
    const fields = ["caName", "expirationDate", "externallyManaged", "missing", "name", "residualTime"];
    expect(json.certificates.map((row) => Object.keys(row).toSorted())).toEqual(
      json.certificates.map(() => fields),
    );
    expect(json.certificates).toHaveLength(10);
    expect(json.certificateAuthorities.map((row) => Object.keys(row).toSorted())).toEqual(
      json.certificateAuthorities.map(() => fields.slice(1)),
    );
    expect(json.certificates[0]).toEqual({
      name: "admin.conf",
      expirationDate: "2027-11-22T15:35:38Z",
      residualTime: 31_535_738,
      externallyManaged: false,
      caName: "ca",
      missing: false,
    });
  });
});

describe("exit codes", () => {
  it("is 3 for an expired node, and 3 for one that is about to expire", async () => {
    expect((await runCli(["check", "--root", fixture("kubeadm-ha-expired/m1")], { now })).code).toBe(3);
    const root = await controlPlane();
    expect((await runCli(["check", "--root", root], { now: today })).code).toBe(0);
    expect((await runCli(["check", "--root", root, "--within", "400d"], { now: today })).code).toBe(3);
  });

  it("--at answers for another day, without a change of clock", async () => {
    const root = fixture("kubeadm-valid/m1");
    const at = async (day: string): Promise<number> =>
      (await runCli(["check", "--root", root, "--at", day], { now })).code;
    expect([await at("2027-10-01"), await at("2027-11-01"), await at("2027-11-23")]).toEqual([0, 3, 3]);
    const { out } = await runCli(["check", "--root", root, "--at", "2027-11-23"], { now });
    expect(out).toContain("expired on Nov 22, 2027");
    expect(issuedAt).toBeLessThan(now);
  });

  it.each(["hosted-mesh-expired", "tos-expired", "tos-expired/tos1", "tos-expired/manager"])(
    "%s is no node: the message says so and what to do",
    async (name) => {
      const { code, out, err } = await runCli(["check", "--root", fixture(name)], { now });
      expect([code, out]).toEqual([1, ""]);
      expect(err).toMatch(/^error: .* does not look like a control-plane node/);
      expect(err).toMatch(/\nhint: /);
    },
  );
});
