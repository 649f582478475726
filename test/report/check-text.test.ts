// `check` for people: kubeadm's tables to the byte, our own parts in both languages.
import { describe, expect, it } from "vitest";
import { renderCheck } from "../../src/report/check-text.ts";
import { authorityRow, certificateRow, finding, validAt, validCheck } from "./check-samples.ts";

const plain = { lang: "en", wide: false, color: false } as const;
const day = 86_400_000;

/** What kubeadm 1.20.2 printed for the fixture kubeadm-valid, with `ca` in the kubeconfig rows as since 1.24. */
const kubeadmText = `\
CERTIFICATE                EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED
admin.conf                 Nov 22, 2027 15:35 UTC   364d            ca                      no${"      "}
apiserver                  Nov 22, 2027 15:35 UTC   364d            ca                      no${"      "}
apiserver-etcd-client      Nov 22, 2027 15:35 UTC   364d            etcd-ca                 no${"      "}
apiserver-kubelet-client   Nov 22, 2027 15:35 UTC   364d            ca                      no${"      "}
controller-manager.conf    Nov 22, 2027 15:35 UTC   364d            ca                      no${"      "}
etcd-healthcheck-client    Nov 22, 2027 15:35 UTC   364d            etcd-ca                 no${"      "}
etcd-peer                  Nov 22, 2027 15:35 UTC   364d            etcd-ca                 no${"      "}
etcd-server                Nov 22, 2027 15:35 UTC   364d            etcd-ca                 no${"      "}
front-proxy-client         Nov 22, 2027 15:35 UTC   364d            front-proxy-ca          no${"      "}
scheduler.conf             Nov 22, 2027 15:35 UTC   364d            ca                      no${"      "}

CERTIFICATE AUTHORITY   EXPIRES                  RESIDUAL TIME   EXTERNALLY MANAGED
ca                      Nov 19, 2036 15:35 UTC   9y              no${"      "}
etcd-ca                 Nov 19, 2036 15:35 UTC   9y              no${"      "}
front-proxy-ca          Nov 19, 2036 15:35 UTC   9y              no${"      "}
`;

describe("check as text", () => {
  it("prints kubeadm's two tables byte for byte, then one line", () => {
    expect(renderCheck(validCheck(), plain)).toBe(
      `${kubeadmText}\nall well: 10 certificates and 3 CAs on m1 as of Nov 22, 2026 16:00 UTC; admin.conf ends first, on Nov 22, 2027 15:35 UTC (364d)\n`,
    );
  });

  it("has Chinese heads, dates and words in Chinese, and English ones only in names", () => {
    const text = renderCheck(validCheck(), { ...plain, lang: "zh" });
    expect(text).toContain(
      "证书                       到期时间               剩余时间   CA               外部管理\n",
    );
    expect(text).toContain(
      "admin.conf                 2027-11-22 15:35 UTC   364d       ca               否",
    );
    expect(text).toContain("CA               到期时间               剩余时间   外部管理\n");
    expect(text).not.toMatch(/EXPIRES|RESIDUAL|Nov|<invalid>/);
    expect(text).toContain(
      "\n一切正常：m1 上共 10 个证书、3 个 CA（截至 2026-11-22 16:00 UTC）；最早到期的是 admin.conf，2027-11-22 15:35 UTC（364d）\n",
    );
  });

  it("marks missing, unreadable, broken and expired rows", () => {
    const gone = { notBefore: null, notAfter: null } as const;
    const text = renderCheck(
      validCheck({
        certificates: [
          certificateRow("apiserver", "ca", { notAfter: validAt - day }),
          certificateRow("etcd-peer", "etcd-ca", { state: "missing", ...gone }),
          certificateRow("etcd-server", "etcd-ca", { state: "unreadable", ...gone }),
          certificateRow("admin.conf", "ca", { state: "broken", ...gone, externallyManaged: true }),
        ],
        authorities: [
          authorityRow("ca", { externallyManaged: true }),
          authorityRow("etcd-ca", { state: "missing", ...gone }),
        ],
      }),
      plain,
    );
    const lines = text.split("\n");
    expect(lines[1]).toBe(
      `apiserver                  Nov 21, 2026 16:00 UTC   <invalid>       ca                      no${" ".repeat(6)}`,
    );
    expect(lines[2]).toBe(`!MISSING! etcd-peer${" ".repeat(92 - 19)}`);
    expect(lines[3]?.trimEnd()).toBe("!UNREADABLE! etcd-server");
    expect(lines[4]?.trimEnd()).toBe("!BROKEN! admin.conf");
    expect(lines[7]?.endsWith("yes     ")).toBe(true);
    expect(lines[8]?.trimEnd()).toBe("!MISSING! etcd-ca");
  });

  const ill = validCheck({
    certificates: [
      certificateRow("apiserver", "ca", { notAfter: validAt - 2 * day }),
      certificateRow("root/.kube/config", "ca", {
        isKubeadm: false,
        management: "copy",
        subject: "CN=apiserver",
        path: "/root/.kube/config",
      }),
      certificateRow("kubelet.conf", "ca", {
        isKubeadm: false,
        management: "kubelet",
        path: "/etc/kubernetes/kubelet.conf",
      }),
    ],
    findings: [
      finding(
        "mode-too-open",
        { path: "/a", mode: "0644", atMost: "0600" },
        { severity: "warning", name: "admin.conf" },
      ),
      finding("certificate-expired", { notAfter: validAt - 2 * day }),
    ],
    worst: "critical",
  });

  it("lists copies in a third table and findings worst first", () => {
    const text = renderCheck(ill, plain);
    expect(text.slice(text.indexOf("OTHER"))).toBe(
      `\
OTHER CERTIFICATE   EXPIRES                  RESIDUAL TIME   FOLLOWS
root/.kube/config   Nov 22, 2027 15:35 UTC   364d            apiserver
kubelet.conf        Nov 22, 2027 15:35 UTC   364d            (the kubelet rotates it)

CRITICAL apiserver: certificate expired on Nov 20, 2026 16:00 UTC, 2 days ago; peers refuse it
    -> perennial renew apiserver (shows the plan first and asks)
WARNING admin.conf: /a has mode 0644, at most 0600 is right; others can read what is in it
    -> chmod 0600 /a

1 critical, 1 warning, 0 notes on m1 as of Nov 22, 2026 16:00 UTC; nothing was changed; next: perennial plan
`,
    );
  });

  it("speaks Chinese where the words are ours, aligned by columns", () => {
    const text = renderCheck(ill, { ...plain, lang: "zh" });
    expect(text).toContain(
      "其他证书            到期时间               剩余时间   跟随\nroot/.kube/config   2027-11-22 15:35 UTC   364d       apiserver\n",
    );
    expect(text).toContain("严重 apiserver：证书已于 2026-11-20 16:00 UTC 过期（2 天前），对端会拒绝它\n");
    expect(text).toContain(
      "m1：严重 1 项，警告 1 项，提示 0 项（截至 2026-11-22 16:00 UTC）；未做任何改动；",
    );
  });

  it("adds columns when wide, colour only when asked, and wraps sentences only", () => {
    expect(renderCheck(ill, { ...plain, wide: true }).split("\n")[0]).toMatch(
      /EXTERNALLY MANAGED +NODE +SERIAL +PATH +KEY +SANS +ORIGIN$/,
    );
    expect(renderCheck(ill, plain)).not.toContain("\u001b");
    expect(renderCheck(ill, { ...plain, color: true })).toContain("\u001b[1m\u001b[31mCRITICAL");
    expect(renderCheck(ill, { ...plain, width: 50 })).toContain(
      "CRITICAL apiserver: certificate expired on Nov 20,\n    2026",
    );
  });

  it("escapes hostile names everywhere, and tells nodes apart", () => {
    const name = "evil\u001b[2J\n\u202e";
    const text = renderCheck(
      validCheck({
        nodes: ["m1", name],
        certificates: [
          certificateRow(name, name, { isKubeadm: false, node: name, sans: [name], serialHex: name }),
        ],
        findings: [finding("run-unfinished", { run: name }, { name })],
      }),
      { ...plain, wide: true },
    );
    expect(text).not.toMatch(/[\u001b\u202e]/);
    expect(text).toContain("2 nodes");
  });
});
