// The ways into a lab's hosts: keys of its own, and a configuration that is given with `ssh -F`; nothing of ~/.ssh is read or written.
// OUTPUTS: DIR/ssh, DIR/cluster.yaml; etc/ssh and root/.ssh below every host's root
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { loadYaml } from "../core/kubeconfig/yaml-package.cjs";
import { type Lab, type LabHost, rootOf } from "./places.ts";

const daemonText = `HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile /etc/ssh/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
PidFile none
MaxStartups 100
MaxSessions 100
Subsystem sftp internal-sftp
`;

function sshFolder({ directory }: Lab): string {
  return join(directory, "ssh");
}

/** @throws the system's error without ssh-keygen */
export function writeSsh(lab: Lab): void {
  const folder = sshFolder(lab);
  mkdirSync(folder, { mode: 0o700 });
  makeKey(join(folder, "id_ed25519"), "operator");
  for (const host of lab.hosts) {
    const etc = join(rootOf(lab, host), "etc/ssh");
    mkdirSync(etc, { recursive: true });
    makeKey(join(etc, "ssh_host_ed25519_key"), host.name);
    copyFileSync(join(folder, "id_ed25519.pub"), join(etc, "authorized_keys"));
    writeFileSync(join(etc, "sshd_config"), daemonText);
  }
  const known = lab.hosts.map((host) => {
    const key = readFileSync(join(rootOf(lab, host), "etc/ssh/ssh_host_ed25519_key.pub"), "utf8");
    return `${host.name},${wayTo(host)} ${key.split(" ").slice(0, 2).join(" ")}\n`;
  });
  writeFileSync(join(folder, "known_hosts"), known.join(""));
  writeFileSync(join(folder, "config"), configText(lab, folder));
  // A master may be the operator's place: it gets into the others as they do from here.
  for (const host of lab.hosts.filter(({ role }) => role !== "worker")) writeOwnSsh(lab, host, folder);
}

function makeKey(path: string, comment: string): void {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path]);
}

/** Not a collected address: from here that is the real node's. */
function wayTo({ address = "", rehearsed }: LabHost): string {
  return rehearsed?.way ?? address;
}

function configText({ hosts }: Lab, folder: string): string {
  const entries = hosts.map(
    (host) => `Host ${host.name} ${wayTo(host)}
  HostName ${wayTo(host)}
  HostKeyAlias ${host.name}
`,
  );
  return `${entries.join("")}Host *
  User root
  IdentityFile ${quoted(join(folder, "id_ed25519"))}
  IdentitiesOnly yes
  UserKnownHostsFile ${quoted(join(folder, "known_hosts"))}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
`;
}

function quoted(path: string): string {
  return `"${path.replaceAll("%", "%%")}"`;
}

function writeOwnSsh(lab: Lab, host: LabHost, folder: string): void {
  const own = join(rootOf(lab, host), "root/.ssh");
  mkdirSync(own, { recursive: true, mode: 0o700 });
  for (const name of ["id_ed25519", "known_hosts"]) copyFileSync(join(folder, name), join(own, name));
  writeFileSync(join(own, "config"), configText(lab, "/root/.ssh"), { mode: 0o600 });
}

/** A directory may be called anything, a cluster may not. */
function clusterName(directory: string): string {
  const name = basename(directory).replaceAll(/[^A-Za-z0-9._-]/g, "-");
  return /^[A-Za-z0-9]/.test(name) ? name : `lab${name}`;
}

/** The cluster as an operator would describe it, `DIR/cluster.yaml`. */
export function writeClusterFile(lab: Lab): void {
  const { network, directory } = lab;
  const isRoom = network?.kind === "rooms";
  const identityFile = join(sshFolder(lab), "id_ed25519");
  const cluster = {
    apiVersion: "perennial/v1",
    kind: "Cluster",
    name: clusterName(directory),
    profile: "kubeadm",
    ...(isRoom && { ssh: { config: join(sshFolder(lab), "config") } }),
    nodes: lab.hosts.map((host) => ({
      name: host.name,
      address: host.address,
      roles: host.role === "worker" ? ["worker"] : ["control-plane", "etcd"],
      ...(isRoom
        ? { ssh: { host: host.name, port: 22, user: "root", identityFile } }
        : { root: rootOf(lab, host) }),
    })),
  };
  writeFileSync(join(directory, "cluster.yaml"), loadYaml().stringify(cluster));
}
