// `check -o json`: kubeadm's arrays to the field and in order, ours beside them.
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { checkToJson } from "../../src/report/check-json.ts";
import { renderJson, renderYaml } from "../../src/report/data-text.ts";
import { authorityRow, certificateRow, finding, validAt, validCheck } from "./check-samples.ts";

const gone = { notBefore: null, notAfter: null } as const;

const result = validCheck({
  certificates: [
    certificateRow("apiserver", "ca", { notAfter: validAt - 1500 }),
    certificateRow("etcd-peer", "", { state: "missing", ...gone }),
    certificateRow("root/.kube/config", "ca", {
      isKubeadm: false,
      management: "copy",
      sha256: "sha-apiserver",
    }),
  ],
  authorities: [authorityRow("ca", { externallyManaged: true, notAfter: validAt + 1999 })],
  findings: [finding("certificate-expired", { notAfter: validAt - 3 * 86_400_000 })],
  worst: "critical",
});

describe("check as JSON", () => {
  it("is exactly kubeadm's v1alpha3 in its two arrays", () => {
    const json = checkToJson(result, { version: "0.1.0" });
    expect(JSON.stringify([json.kind, json.apiVersion, json.certificates, json.certificateAuthorities])).toBe(
      '["CertificateExpirationInfo","output.kubeadm.k8s.io/v1alpha3",' +
        '[{"name":"apiserver","expirationDate":"2026-11-22T15:59:58Z","residualTime":-2,"externallyManaged":false,"caName":"ca","missing":false},' +
        '{"name":"etcd-peer","expirationDate":null,"residualTime":0,"externallyManaged":false,"missing":true}],' +
        '[{"name":"ca","expirationDate":"2026-11-22T16:00:01Z","residualTime":1,"externallyManaged":true,"missing":false}]]',
    );
  });

  it("puts everything more under keys of its own, in English", () => {
    const json = checkToJson(result, { version: "0.1.0", exitCode: 3 });
    expect(Object.keys(json)).toEqual([
      "kind",
      "apiVersion",
      "certificates",
      "certificateAuthorities",
      "perennial",
      "otherCertificates",
      "details",
      "findings",
    ]);
    expect(json.perennial).toEqual({
      version: "0.1.0",
      at: "2026-11-22T16:00:00Z",
      cluster: "kubernetes",
      profile: "kubeadm",
      nodes: ["m1"],
      root: "/",
      worst: "critical",
      exitCode: 3,
    });
    expect(json.otherCertificates.map((row) => [row.name, row.follows])).toEqual([
      ["root/.kube/config", "m1/apiserver"],
    ]);
    expect(json.details.length).toBe(4);
    expect(json.findings[0]?.message).toBe(
      "certificate expired on Nov 19, 2026 16:00 UTC, 3 days ago; peers refuse it",
    );
  });

  it("is the same as YAML", () => {
    const json = checkToJson(result, { version: "0.1.0" });
    expect(parse(renderYaml(json))).toEqual(JSON.parse(renderJson(json)));
    expect(renderJson(json).startsWith('{\n    "kind": "CertificateExpirationInfo",\n')).toBe(true);
  });
});
