// Static pod manifests of kubeadm and of older installers.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAppError } from "../../../src/core/model/errors.ts";
import { hostPathOf, imageVersion, parseManifest } from "../../../src/core/kubeconfig/manifest.ts";
import type { StaticPod } from "../../../src/core/kubeconfig/manifest.ts";
import { bytesOf, faultOf, hostileMs, sample } from "./support.ts";

function read(text: string): StaticPod {
  return parseManifest(bytesOf(text));
}

/** The manifest of a pod with one container, as JSON. */
function podOf(container: Record<string, unknown>, spec: Record<string, unknown> = {}): StaticPod {
  const containers = [{ name: "c", image: "i", ...container }];
  return read(
    JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec: { containers, ...spec } }),
  );
}

function podText(name: string): string {
  return `kind: Pod\nmetadata: {name: ${name}}\nspec: {containers: [{name: c, image: i}]}\n`;
}

function flagsOf(
  command: readonly string[],
  args: readonly string[] = [],
): Record<string, readonly string[]> {
  return Object.fromEntries(podOf({ command, args }).containers[0]?.flags ?? []);
}

describe("parseManifest", () => {
  it("reads the kube-apiserver of kubeadm", () => {
    const pod = parseManifest(sample("kube-apiserver.yaml"));
    expect([pod.name, pod.namespace, pod.component, pod.hostNetwork]).toEqual([
      "kube-apiserver",
      "kube-system",
      "kube-apiserver",
      true,
    ]);
    expect([...pod.labels]).toEqual([
      ["component", "kube-apiserver"],
      ["tier", "control-plane"],
    ]);
    expect(pod.hostPaths).toEqual([
      {
        container: "kube-apiserver",
        mountPath: "/etc/ssl/certs",
        hostPath: "/etc/ssl/certs",
        readOnly: true,
      },
      {
        container: "kube-apiserver",
        mountPath: "/etc/kubernetes/pki",
        hostPath: "/etc/kubernetes/pki",
        readOnly: true,
      },
    ]);
    const [container] = pod.containers;
    expect([container?.name, container?.image, container?.command[0]]).toEqual([
      "kube-apiserver",
      "k8s.gcr.io/kube-apiserver:v1.20.2",
      "kube-apiserver",
    ]);
    expect(container?.flags.size).toBe(28);
    expect(container?.flags.get("client-ca-file")).toEqual(["/etc/kubernetes/pki/ca.crt"]);
    expect(container?.flags.get("etcd-servers")).toEqual(["https://127.0.0.1:2379"]);
    expect(container?.flags.get("tls-private-key-file")).toEqual(["/etc/kubernetes/pki/apiserver.key"]);
    const probe = { form: "http", host: "192.0.2.11", port: 6443, scheme: "HTTPS" };
    expect(container?.probes).toEqual([
      { ...probe, kind: "liveness", path: "/livez" },
      { ...probe, kind: "readiness", path: "/readyz" },
      { ...probe, kind: "startup", path: "/livez" },
    ]);
  });

  it("reads the etcd of kubeadm", () => {
    const pod = parseManifest(sample("etcd.yaml"));
    const [container] = pod.containers;
    expect(pod.component).toBe("etcd");
    expect(container?.flags.get("initial-cluster")).toEqual(["m1=https://192.0.2.11:2380"]);
    expect(container?.flags.get("listen-client-urls")).toEqual([
      "https://127.0.0.1:2379,https://192.0.2.11:2379",
    ]);
    expect(container?.flags.get("client-cert-auth")).toEqual(["true"]);
    expect(container?.probes.map((probe) => probe.form === "http" && [probe.scheme, probe.port])).toEqual([
      ["HTTP", 2381],
      ["HTTP", 2381],
    ]);
    expect(pod.hostPaths.map(({ hostPath, readOnly }) => [hostPath, readOnly])).toEqual([
      ["/var/lib/etcd", false],
      ["/etc/kubernetes/pki/etcd", false],
    ]);
  });

  it("reads the flow style manifests of TOS", () => {
    const etcd = parseManifest(sample("tos-etcd.manifest"));
    expect([etcd.name, etcd.component, etcd.labels.get("app")]).toEqual([
      "tos-etcd-tos",
      undefined,
      "tos-etcd",
    ]);
    const flags = etcd.containers[0]?.flags;
    expect(flags?.get("peer-client-cert-auth")).toEqual(["true"]);
    expect(flags?.get("client-cert-auth")).toEqual(["true"]);
    expect(flags?.get("initial-cluster")).toEqual([
      "tos1=https://tos1:4380,tos2=https://tos2:4380,tos3=https://tos3:4380",
    ]);
    const apiserver = parseManifest(sample("tos-apiserver.manifest"));
    expect(apiserver.containers[0]?.flags.get("etcd-certfile")).toEqual(["/srv/kubernetes/etcd.pem"]);
    expect(apiserver.containers[0]?.command[0]).toBe("/usr/local/bin/kube-apiserver");
    expect(hostPathOf(apiserver, "/srv/kubernetes/etcd.pem")).toBe("/srv/kubernetes/etcd.pem");
  });

  it("takes the first Pod of several documents", () => {
    expect(read(`# head\n---\nkind: Secret\n---\n${podText("a")}---\n${podText("b")}`).name).toBe("a");
  });

  it("reads flags in every spelling", () => {
    expect(
      flagsOf(
        ["etcd", "--a=1", "--b", "2", "--c", "-d=3", "--e_f=x=y", "--a", "4"],
        ["--g=", "--h", "--", "--i=5"],
      ),
    ).toEqual({
      a: ["1", "4"],
      b: ["2"],
      c: ["true"],
      d: ["3"],
      "e-f": ["x=y"],
      g: [""],
      h: ["true"],
    });
  });

  it.each<[string, readonly string[]]>([
    [
      "exec",
      ["/bin/sh", "-c", "exec kube-apiserver --a=b \\\n  --c='d e' --f \"g h\" 1>>/var/log/x.log 2>&1"],
    ],
    ["a plain command", ["sh", "-c", "kube-apiserver --a=b --c=\"d e\" --f 'g h'"]],
    [
      "assignments and other commands first",
      [
        "/bin/bash",
        "-ec",
        "# start\nset -o pipefail; if test -f x; then\n GOMAXPROCS=2 exec kube-apiserver --a=b --c=d\\ e --f 'g h' > /dev/null; fi",
      ],
    ],
  ])("takes a shell wrapper off: %s", (_, command) => {
    expect(flagsOf(command)).toEqual({ a: ["b"], c: ["d e"], f: ["g h"] });
    expect(podOf({ command }).containers[0]?.command[0]).toBe("kube-apiserver");
  });

  it("leaves a shell script without flags as it is", () => {
    expect(podOf({ command: ["sh", "-c", "sleep 1"] }).containers[0]?.command).toEqual([
      "sh",
      "-c",
      "sleep 1",
    ]);
    expect(podOf({ command: ["sh", "/run.sh", "--a=b"] }).containers[0]?.flags.get("a")).toEqual(["b"]);
  });

  it("reads exec, tcp and other probes, and named ports", () => {
    const container = {
      ports: [{ name: "https", containerPort: 8443 }],
      livenessProbe: { exec: { command: ["/bin/sh", "-ec", "ETCDCTL_API=3 etcdctl --cert=/c.crt get foo"] } },
      readinessProbe: { httpGet: { port: "https", scheme: "https" } },
      startupProbe: { tcpSocket: { port: 2379, host: "h" } },
    };
    expect(podOf(container).containers[0]?.probes).toEqual([
      { kind: "liveness", form: "exec", command: ["etcdctl", "--cert=/c.crt", "get", "foo"] },
      { kind: "readiness", form: "http", port: 8443, scheme: "HTTPS", path: "/" },
      { kind: "startup", form: "tcp", port: 2379, host: "h" },
    ]);
    expect(
      podOf({ livenessProbe: { grpc: { port: 1 } }, readinessProbe: { httpGet: { port: "web" } } })
        .containers[0]?.probes,
    ).toEqual([
      { kind: "liveness", form: "other" },
      { kind: "readiness", form: "http", port: "web", scheme: "HTTP", path: "/" },
    ]);
  });

  it.each<[string, string]>([
    ["", "empty"],
    ["kind: Secret\n", "there is no Pod"],
    ["- a\n", "document 1 is not a mapping"],
    ["kind: Pod\n", "metadata.name is missing"],
    ["kind: Pod\nmetadata: {name: p}\n", "spec.containers is empty"],
    ["kind: Pod\nmetadata: {name: p}\nspec: []\n", "pod.spec is not a mapping"],
    ["kind: Pod\nmetadata: {name: p}\nspec: {containers: {}}\n", "spec.containers is not a list"],
    [
      "kind: Pod\nmetadata: {name: p}\nspec: {containers: [{command: ls}]}\n",
      "spec.containers[0].command is not a list",
    ],
    [
      "kind: Pod\nmetadata: {name: p}\nspec: {containers: [{args: [[a]]}]}\n",
      "spec.containers[0].args[0] is not text",
    ],
    [
      "kind: Pod\nmetadata: {name: p}\nspec: {hostNetwork: maybe, containers: [{}]}\n",
      "spec.hostNetwork is neither true nor false",
    ],
    [
      "kind: Pod\nmetadata: {name: p}\nspec: {containers: [{livenessProbe: {httpGet: {}}}]}\n",
      "spec.containers[0].livenessProbe has no port",
    ],
  ])("refuses %j: %s", (text, reason) => {
    expect(faultOf(() => read(text))).toEqual({ code: "manifest-malformed", params: { reason } });
  });

  it("throws nothing but its own errors on damaged manifests", () => {
    const originals = ["kube-apiserver.yaml", "etcd.yaml", "tos-etcd.manifest"].map(sample);
    const damage = fc.record({
      at: fc.nat(4000),
      remove: fc.nat(30),
      insert: fc.uint8Array({ maxLength: 4 }),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...originals),
        fc.array(damage, { minLength: 1, maxLength: 4 }),
        (original, damages) => {
          let bytes = [...original];
          for (const { at, remove, insert } of damages)
            bytes = bytes.toSpliced(at % original.length, remove, ...insert);
          try {
            parseManifest(new Uint8Array(bytes));
          } catch (error) {
            expect(isAppError(error, "yaml-malformed") || isAppError(error, "manifest-malformed")).toBe(true);
          }
        },
      ),
      { numRuns: 600 },
    );
  });

  it.each(["'a' ", "-a ", '"', "\\", "'", "> ", "$(", "#", "a\n", "\\\n", "a'b'\"c\""])(
    "reads a script that is 900 KiB of %j in bounded time",
    (part) => {
      const command = ["sh", "-c", part.repeat(900_000 / part.length / 2)];
      const startedAt = performance.now();
      podOf({ command });
      expect(performance.now() - startedAt).toBeLessThan(hostileMs);
    },
  );
});

describe("hostPathOf", () => {
  const volumeMounts = [
    { name: "root", mountPath: "/" },
    { name: "pki", mountPath: "/pki/", readOnly: true },
    { name: "etcd", mountPath: "/pki/etcd" },
    { name: "sub", mountPath: "/sub.conf", subPath: "a/b.conf" },
    { name: "scratch", mountPath: "/tmp" },
  ];
  const volumes = [
    { name: "pki", hostPath: { path: "/etc/kubernetes/pki" } },
    { name: "etcd", hostPath: { path: "/srv/etcd/" } },
    { name: "sub", hostPath: { path: "/srv" } },
    { name: "scratch", emptyDir: {} },
  ];
  const pod = podOf({ volumeMounts }, { volumes });

  it.each([
    ["/pki", "/etc/kubernetes/pki"],
    ["/pki/ca.crt", "/etc/kubernetes/pki/ca.crt"],
    ["/pki/etcd/ca.crt", "/srv/etcd/ca.crt"],
    ["/pki/etcdx/ca.crt", "/etc/kubernetes/pki/etcdx/ca.crt"],
    ["/pkix/ca.crt", "/pkix/ca.crt"],
    ["/sub.conf", "/srv/a/b.conf"],
    ["/tmp/x", "/tmp/x"],
    ["relative", "relative"],
  ])("maps %s to %s", (containerPath, hostPath) => {
    expect(hostPathOf(pod, containerPath)).toBe(hostPath);
  });

  it("maps through a mount of the whole node", () => {
    const whole = podOf(
      { volumeMounts },
      { volumes: [...volumes, { name: "root", hostPath: { path: "/host" } }] },
    );
    expect(hostPathOf(whole, "/etc/x")).toBe("/host/etc/x");
    expect(hostPathOf(whole, "/")).toBe("/host");
  });

  it("looks only at the mounts of the container that is asked for", () => {
    expect(hostPathOf(pod, "/pki/ca.crt", "c")).toBe("/etc/kubernetes/pki/ca.crt");
    expect(hostPathOf(pod, "/pki/ca.crt", "other")).toBe("/pki/ca.crt");
  });
});

describe("imageVersion", () => {
  it.each([
    ["k8s.gcr.io/kube-apiserver:v1.20.2", "1.20.2"],
    ["k8s.gcr.io/etcd:3.4.13-0", "3.4.13"],
    ["registry.local:5000/a/etcd:v3.5.10-0@sha256:0123abcd", "3.5.10"],
    ["etcd:v1.30.0-rc.1", "1.30.0"],
    ["etcd:1.19.16-eks-4.2_x", "1.19.16"],
    ["registry.local:5000/etcd", undefined],
    ["1.2.3.4:5000/etcd", undefined],
    ["etcd@sha256:0123abcd", undefined],
    ["etcd", undefined],
    ["etcd:latest", undefined],
    ["transwarp/etcd:tos-2.1", undefined],
    ["etcd:v1.20", undefined],
    ["etcd:1.2.34x", undefined],
    ["", undefined],
  ])("of %j is %s", (image, version) => {
    const found = imageVersion(image);
    expect(found && `${found.major}.${found.minor}.${found.patch}`).toBe(version);
  });
});
