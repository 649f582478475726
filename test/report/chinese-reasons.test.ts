// Every reason there is has its Chinese: nothing English is left inside a Chinese sentence.
import { describe, expect, it } from "vitest";
import type { Obstacle } from "../../src/core/model/finding.ts";
import { AppError, reasonOf } from "../../src/core/model/errors.ts";
import { isReason, reasonTemplates } from "../../src/core/model/reasons.ts";
import type { CertificateAnomaly } from "../../src/core/pki/certificate-anomalies.ts";
import { renderError } from "../../src/report/error-text.ts";
import { renderFinding } from "../../src/report/finding-text.ts";
import { detailInChinese } from "../../src/report/messages/zh/details.ts";
import { finding, validAt } from "./check-samples.ts";

/** The same in every language: notations and names of programs. */
const notations: ReadonlySet<string> = new Set([
  "--{}",
  "STORE:NODE:PATH[#ENTRY]",
  "RSA-2048, {}",
  "URI",
  "PERENNIAL_FAILPOINT",
  "NAME[:COUNT][:throw|:hold=FILE]",
  ".perennial-RUN-TOKEN-NAME",
  "NAME.stop=COMMAND, NAME.start=COMMAND or NAME.status=COMMAND, a line each",
  "--ipv6",
  "PKCS#8",
]);

/** Terms and field names that a Chinese sentence keeps. */
const terms =
  /\b(?:ff|true|false|kind|Config|kubeconfig|name|port|command|image|data|metadata|spec|containers|KubeletConfiguration|Pod|Kubernetes|perennial\/plan\/v1|id|uid|punycode|lb\.example|front-proxy-ca(?:=new)?|etcd-server|keep-key|verify|check|DIR|backup-to|backup-recipient|root|signed|cluster\.yaml|yaml|hosts|like|iproute2|sshd|process|no-probe|probe|root|openssl pkcs7|print_certs|in|out|pem|UTCTime|GeneralizedTime|db8|base64|DEK-Info|cri|crictl|docker|nerdctl|ctr|openssl|AllowTcpForwarding|sh|requiretty|etcd|ssh)\b/g;

const filled = (template: string): string =>
  template
    .split("{}")
    .map((part, index) => (index === 0 ? part : `Q${index}${part}`))
    .join("");

describe("a reason in Chinese", () => {
  it.each(reasonTemplates.filter((template) => !notations.has(template)))("%s", (template) => {
    const said = detailInChinese(filled(template));
    expect(said).toMatch(/[\u4e00-\u9fff]/);
    expect(said.replace(terms, "")).not.toMatch(/[a-z]{2,}/);
    const holes = template.split("{}").length - 1;
    for (let hole = 1; hole <= holes; hole++) expect(said).toContain(`Q${hole}`);
    expect(said).not.toContain("{");
  });

  it("is said of reasons inside reasons", () => {
    expect(detailInChinese("certificate at line 3: truncated length at byte 17")).toBe(
      "第 3 行的证书：第 17 字节处长度字段不完整",
    );
    expect(detailInChinese("bad-indent (line 9)")).toBe("第 9 行：缩进有误");
    expect(detailInChinese("etcd-ca key: broken")).toBe("etcd-ca 的私钥：已损坏");
    expect(detailInChinese("ca: it may not sign certificates")).toBe("ca：无权签发证书");
  });

  it("leaves paths and unknown codes as they are", () => {
    for (const text of ["/etc/kubernetes/pki/ca.crt", "EUNKNOWN", "CN=kube-apiserver", ""])
      expect(detailInChinese(text)).toBe(text);
  });

  it("is told from other text, which is marked when an error carries it", () => {
    expect([isReason("truncated"), isReason("spec is not text"), isReason("truncate")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(reasonOf(new AppError("usage", { reason: "such an option" }))).toBe("error such an option");
    expect(reasonOf(new AppError("key-unsupported", { algorithm: "X" }))).toBe("key-unsupported");
  });

  it("stands in errors and findings, values and what they should be included", () => {
    const error = new AppError("value-invalid", {
      what: "duration",
      value: "x",
      expected: "30d, 12h, 8760h, 1y",
    });
    expect(renderError(error, "zh").error).toBe("时长的值 x 无效，应为 30d、12h、8760h、1y 这样的写法");
    const anomalies = {
      "serial-negative": 0,
      "serial-zero": 0,
      "serial-too-long": 0,
      "duplicate-extension": 0,
      "version-1": 0,
      "version-2": 0,
      "extensions-below-version-3": 0,
      "nul-in-name": 0,
      "name-string-invalid": 0,
      "validity-inverted": 0,
      "time-not-der": 0,
      "non-der-critical-false": 0,
    } satisfies Record<CertificateAnomaly, 0>;
    for (const anomaly of Object.keys(anomalies)) {
      const one = finding("certificate-anomaly", { anomaly });
      expect(renderFinding(one, { at: validAt, nodes: ["m1"], root: "/" }, "zh").sentence).not.toContain(
        anomaly,
      );
    }
  });
});

describe("what helps where a renewal would be refused", () => {
  const obstacles: { readonly [C in Obstacle["code"]]: Extract<Obstacle, { readonly code: C }> } = {
    observed: { code: "observed" },
    "no-original": { code: "no-original" },
    "original-unreadable": { code: "original-unreadable", original: "admin.conf" },
    "authority-elsewhere": { code: "authority-elsewhere", authority: "ca" },
    "kubelet-elsewhere": { code: "kubelet-elsewhere", authority: "ca" },
    "authority-not-usable": { code: "authority-not-usable", authority: "ca" },
    "authority-recreatable": { code: "authority-recreatable", authority: "front-proxy-ca" },
    "not-read": { code: "not-read" },
    "key-encrypted": { code: "key-encrypted" },
  };

  it.each(Object.values(obstacles))("$code: never the renewal by name, in both languages", (obstacle) => {
    const one = finding("certificate-expired", { notAfter: validAt - 1000, obstacle });
    const context = { at: validAt, nodes: ["m1"], root: "/" };
    const [en, zh] = [renderFinding(one, context, "en").next, renderFinding(one, context, "zh").next];
    expect(en.length).toBeGreaterThan(0);
    expect(zh.length).toBe(en.length);
    for (const line of [...en, ...zh]) expect(line).not.toContain("perennial renew apiserver");
    for (const line of zh) expect(line).toMatch(/[\u4e00-\u9fff]/);
  });
});
