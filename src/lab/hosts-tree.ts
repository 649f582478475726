// The file systems of a lab's hosts: kubeadm's files, and with namespaces the few others that make a folder a root.
// OUTPUTS: DIR/HOST
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { type ControlPlaneOptions, makeAuthorities, makeControlPlane, makeWorker } from "./control-plane.ts";
import { type Lab, type LabHost, type LabNetwork, rootOf, writeLab } from "./places.ts";
import { ownScript } from "./processes.ts";
import { initScript, sharedFolders, systemctlText } from "./room-scripts.ts";

export interface TreeOptions {
  readonly keySpec: string;
  /** Tag of etcd's image. */
  readonly etcdVersion: string | null;
}

const dayMs = 86_400_000;

/** Leafs of this day; authorities old enough for leafs that ended a year ago. */
export async function makeHosts(lab: Lab, network: LabNetwork, options: TreeOptions): Promise<void> {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const { keySpec, etcdVersion } = options;
  const dates = { keySpec, issuedAt: now - 60_000, caIssuedAt: now - 1000 * dayMs };
  const authorities = await makeAuthorities(dates);
  const masters = lab.hosts.filter(({ role }) => role !== "worker");
  const members = masters.map(({ name, address = "", ports }) => ({
    node: name,
    address,
    peerPort: ports.etcdPeer,
  }));
  for (const host of lab.hosts) {
    const made: ControlPlaneOptions & { readonly authorities: typeof authorities } = {
      ...dates,
      directory: rootOf(lab, host),
      node: host.name,
      address: host.address ?? "",
      endpoint: network.endpoint,
      ports: host.ports,
      authorities,
      members,
      ...(etcdVersion !== null && { etcdVersion }),
    };
    await (host.role === "worker" ? makeWorker(made) : makeControlPlane(made));
    if (network.kind === "rooms") furnish(lab, host);
    else furnishLoopback(rootOf(lab, host), host);
  }
}

function folders(root: string, modes: Readonly<Record<string, number>>): void {
  for (const [path, mode] of Object.entries(modes)) {
    mkdirSync(join(root, path), { recursive: true });
    chmodSync(join(root, path), mode);
  }
}

function furnishLoopback(root: string, { role }: LabHost): void {
  folders(root, { "etc/kubernetes/manifests": 0o755, "var/log/pods": 0o755, proc: 0o755 });
  if (role !== "worker") folders(root, { "var/lib/etcd": 0o700 });
  // When this machine came up; the host's processes are beside it, and none of the others.
  symlinkSync("/proc/stat", join(root, "proc/stat"));
}

/** What of this machine's /etc programs cannot do without. */
const sharedFiles = ["ld.so.cache", "ld.so.conf", "alternatives", "ssl/openssl.cnf", "protocols", "services"];

/** Makes a folder of files a root: what programs, sshd and the lab's own parts need. */
export function furnish(lab: Lab, host: LabHost): void {
  const root = rootOf(lab, host);
  const { role } = host;
  folders(root, {
    "": 0o755,
    root: 0o700,
    tmp: 0o1777,
    dev: 0o755,
    proc: 0o555,
    sys: 0o555,
    run: 0o755,
    "run/sshd": 0o755,
    "var/tmp": 0o1777,
    "var/lib": 0o755,
    "var/log/pods": 0o755,
    "etc/kubernetes/manifests": 0o755,
    "etc/ssl": 0o755,
    "lab/bin": 0o755,
    "lab/program": 0o755,
    "lab/sbin": 0o755,
    // sd_booted(3)
    "run/systemd/system": 0o755,
    "etc/systemd/system": 0o755,
    "lab/old": 0o700,
    ...(role !== "worker" && { "var/lib/etcd": 0o700 }),
  });
  for (const name of sharedFolders) linkOrFolder(root, name);
  for (const name of sharedFiles.filter((one) => existsSync(join("/etc", one)))) {
    cpSync(join("/etc", name), join(root, "etc", name), { recursive: true, verbatimSymlinks: true });
  }
  for (const name of ["runtime", "kubelet"]) symlinkSync("node", join(root, "lab/bin", name));
  writeUsers(root);
  writeFileSync(join(root, "lab/init"), initScript);
  // The tool as an operator has it who works on a master.
  const own = `#!/bin/sh\nexec /lab/bin/node /lab/program/${basename(ownScript())} "$@"\n`;
  writeFileSync(join(root, "lab/sbin/perennial"), own, { mode: 0o755 });
  writeFileSync(join(root, "lab/sbin/systemctl"), systemctlText, { mode: 0o755 });
  writeFileSync(join(root, "etc/systemd/system/kubelet.service"), kubeletUnit);
  writeFileSync(join(root, "etc/hosts"), hostsText(lab));
  // What the parts inside read: for them the host's root is theirs.
  writeLab({ ...lab, directory: join(root, "lab"), hosts: [{ ...host, root: "/" }] });
}

/** As Kubernetes' packages bring it; its flags are in kubeadm-flags.env. */
const kubeletUnit = `[Unit]
Description=kubelet: The Kubernetes Node Agent

[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
`;

/** Where /bin is a link to usr/bin it is one there too. */
function linkOrFolder(root: string, name: string): void {
  if (!existsSync(`/${name}`)) return;
  if (lstatSync(`/${name}`).isSymbolicLink()) symlinkSync(readlinkSync(`/${name}`), join(root, name));
  else mkdirSync(join(root, name), { recursive: true });
}

function writeUsers(root: string): void {
  const texts: Readonly<Record<string, string>> = {
    passwd:
      "root:x:0:0:root:/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n" +
      "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    group: "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
    shadow: "root:*:20000:0:99999:7:::\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
  };
  for (const [name, text] of Object.entries(texts)) {
    writeFileSync(join(root, "etc", name), text, { mode: name === "shadow" ? 0o600 : 0o644 });
  }
}

function hostsText({ hosts, network }: Lab): string {
  const fronts = (network?.fronts ?? []).filter(({ name }) => name !== null);
  const lines = [...hosts, ...fronts].map(({ name, address = "" }) => `${address} ${name}`);
  return ["127.0.0.1 localhost", "::1 localhost", ...lines, ""].join("\n");
}
