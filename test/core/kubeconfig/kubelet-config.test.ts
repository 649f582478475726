// The kubelet's configuration file and its flags.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseKubeletConfig, parseKubeletFlags } from "../../../src/core/kubeconfig/kubelet-config.ts";
import { bytesOf, faultOf } from "./support.ts";

const config = `apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
kind: KubeletConfiguration
rotateCertificates: true
serverTLSBootstrap: no
staticPodPath: /etc/kubernetes/manifests
tlsCertFile: ""
tlsPrivateKeyFile: /var/lib/kubelet/pki/kubelet.key
`;

describe("parseKubeletConfig", () => {
  it("reads the fields that concern certificates and leaves out the rest", () => {
    expect(parseKubeletConfig(bytesOf(config))).toEqual({
      clientCaFile: "/etc/kubernetes/pki/ca.crt",
      tlsPrivateKeyFile: "/var/lib/kubelet/pki/kubelet.key",
      rotateCertificates: true,
      serverTLSBootstrap: false,
      staticPodPath: "/etc/kubernetes/manifests",
    });
  });

  it("finds the configuration among other documents and fills in no default", () => {
    expect(
      parseKubeletConfig(bytesOf("kind: ClusterConfiguration\n---\nkind: KubeletConfiguration\n")),
    ).toEqual({});
  });

  it.each([
    ["", "there is no KubeletConfiguration"],
    ["kind: Config\n", "there is no KubeletConfiguration"],
    ["text", "document 1 is not a mapping"],
    [
      "kind: KubeletConfiguration\nrotateCertificates: 'true'\n",
      "configuration.rotateCertificates is neither true nor false",
    ],
    ["kind: KubeletConfiguration\nauthentication: []\n", "configuration.authentication is not a mapping"],
    ["kind: KubeletConfiguration\nstaticPodPath: [a]\n", "configuration.staticPodPath is not text"],
  ])("refuses %j: %s", (text, reason) => {
    expect(faultOf(() => parseKubeletConfig(bytesOf(text)))).toEqual({
      code: "manifest-malformed",
      params: { reason },
    });
  });
});

const dropIn = `# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml" "UNUSED=--unused=1"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS \${KUBELET_KUBEADM_ARGS} $KUBELET_EXTRA_ARGS \\
  --cert-dir=/pki
`;

describe("parseKubeletFlags", () => {
  it("reads kubeadm-flags.env", () => {
    const text =
      'KUBELET_KUBEADM_ARGS="--network-plugin=cni --pod-infra-container-image=k8s.gcr.io/pause:3.2 --hostname-override m1"\n';
    expect(Object.fromEntries(parseKubeletFlags(text))).toEqual({
      "network-plugin": "cni",
      "pod-infra-container-image": "k8s.gcr.io/pause:3.2",
      "hostname-override": "m1",
    });
  });

  it("reads a value without quotes up to the end of the line", () => {
    expect(
      Object.fromEntries(
        parseKubeletFlags("KUBELET_EXTRA_ARGS=--a=b --c=d\n#KUBELET_EXTRA_ARGS=--e=f\nEMPTY=\n"),
      ),
    ).toEqual({ a: "b", c: "d" });
  });

  it("expands the variables of kubeadm's drop-in, unknown ones to nothing", () => {
    expect(Object.fromEntries(parseKubeletFlags(dropIn))).toEqual({
      "bootstrap-kubeconfig": "/etc/kubernetes/bootstrap-kubelet.conf",
      kubeconfig: "/etc/kubernetes/kubelet.conf",
      config: "/var/lib/kubelet/config.yaml",
      "cert-dir": "/pki",
    });
  });

  it("joins the drop-in with its environment files; the later flag wins", () => {
    const text = [
      dropIn,
      'KUBELET_KUBEADM_ARGS="--a=1 --kubeconfig=/b.conf"',
      "KUBELET_EXTRA_ARGS=--a=2",
    ].join("\n");
    const flags = parseKubeletFlags(text.replaceAll("\n", "\r\n"));
    expect([flags.get("a"), flags.get("kubeconfig"), flags.has("unused")]).toEqual(["2", "/b.conf", false]);
  });

  it("takes all variables of a drop-in that starts nothing", () => {
    expect(Object.fromEntries(parseKubeletFlags("[Service]\nEnvironment='A=--x=1' B=--y=2\n"))).toEqual({
      x: "1",
      y: "2",
    });
  });

  it("reads any text without an error", () => {
    const part = fc.constantFrom(
      "ExecStart=",
      "Environment=",
      "A=",
      '"',
      "'",
      "\\",
      "\n",
      "--a",
      "=b",
      "$A",
      "${",
      "}",
      " ",
      "#",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        for (const name of parseKubeletFlags(parts.join("")).keys())
          expect(name).toMatch(/^[A-Za-z][\w.-]*$/);
      }),
      { numRuns: 1000 },
    );
  });
});
