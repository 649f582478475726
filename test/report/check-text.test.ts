// `check` for people: kubeadm's tables to the byte, our own parts in both languages.
import { describe, expect, it } from "vitest";
import { renderCheck } from "../../src/report/check-text.ts";
import { authorityRow, certificateRow, validAt, validCheck } from "./check-samples.ts";

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

  it("keeps kubeadm's header in English in Chinese output", () => {
    expect(renderCheck(validCheck(), { ...plain, lang: "zh" })).toBe(
      `${kubeadmText}\n一切正常：m1 上共 10 个证书、3 个 CA（截至 2026-11-22 16:00 UTC）；最早到期的是 admin.conf，2027-11-22 15:35 UTC（364d）\n`,
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
});
