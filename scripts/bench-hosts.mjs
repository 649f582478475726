// `check -f` over many hosts: one sshd of this machine that shows every login a tree of its own; wall time and the largest memory of our process.
// OUTPUTS: rows for scripts/bench-page.mjs; sshd, keys and trees are gone afterwards. As root, with sshd and unshare.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const sshd = "/usr/sbin/sshd";
const archive = resolve(import.meta.dirname, "../test/fixtures/control-planes.tar.gz");

/** Milliseconds and MiB for each number of hosts; null where it cannot be measured. */
export async function hostRounds(perennial, counts = [10, 50, 100, 200]) {
  if (process.getuid() !== 0 || !existsSync(sshd) || spawnSync("unshare", ["-m", "true"]).status !== 0)
    return null;
  const base = mkdtempSync(join(tmpdir(), "ph-"));
  const port = await freePort();
  const most = Math.max(...counts);
  let daemon = null;
  try {
    for (let host = 1; host <= most; host += 1) makeTree(base, host);
    daemon = await startSshd(base, port, most);
    const rows = [];
    for (const count of counts) rows.push({ count, ...(await checked(perennial, base, count)) });
    return rows;
  } finally {
    daemon?.kill();
    rmSync(base, { recursive: true, force: true });
  }
}

/** A control plane whose files call it by its own name. */
function makeTree(base, host) {
  const original = join(base, "kubeadm-ha-expired/m1");
  if (!existsSync(original)) must("tar", ["-xzf", archive, "-C", base, "kubeadm-ha-expired/m1"]);
  const tree = join(base, "t", `h${host}`);
  cpSync(original, tree, { recursive: true, verbatimSymlinks: true });
  for (const folder of ["etc", "var", "root"]) mkdirSync(join(tree, folder), { recursive: true });
  for (const name of ["manifests/etcd.yaml", "kubelet.conf"])
    rewrite(join(tree, "etc/kubernetes", name), host);
}

function rewrite(path, host) {
  const text = readFileSync(path, "utf8");
  writeFileSync(
    path,
    text.replace(/--name=\S+/, `--name=h${host}`).replace(/system:node:[\w-]+/g, `system:node:h${host}`),
  );
}

/** Every login has /etc, /var and /root of the tree that its alias names, in a mount namespace of its own. */
async function startSshd(base, port, most) {
  for (const name of ["host", "user"])
    must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(base, name)]);
  mkdirSync("/run/sshd", { recursive: true });
  const login = join(base, "login");
  const mounts = ["etc", "var", "root"].map(
    (name) => `mount --bind "${base}/t/$PERENNIAL_HOST/${name}" /${name}`,
  );
  const inside = `${mounts.join(" && ")} && exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"`;
  writeFileSync(login, `#!/bin/sh\nexec unshare -m sh -c '${inside}'\n`, { mode: 0o755 });
  const server = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${join(base, "host")}`,
    `AuthorizedKeysFile ${join(base, "user.pub")}`,
    `PidFile ${join(base, "pid")}`,
    `ForceCommand ${login}`,
    "AcceptEnv PERENNIAL_HOST",
    "UsePAM no",
    "StrictModes no",
    "PermitRootLogin yes",
    "PrintMotd no",
    "SetEnv SHLVL=1",
    "MaxStartups 300",
  ];
  writeFileSync(join(base, "sshd_config"), `${server.join("\n")}\n`);
  writeFileSync(join(base, "known"), `perennial-bench ${readFileSync(join(base, "host.pub"), "utf8")}`);
  const aliases = Array.from(
    { length: most },
    (_, index) => `Host h${index + 1}\n  SetEnv PERENNIAL_HOST=h${index + 1}`,
  );
  const client = [
    ...aliases,
    "Host *",
    "  HostName 127.0.0.1",
    "  HostKeyAlias perennial-bench",
    `  Port ${port}`,
    "  User root",
    `  IdentityFile ${join(base, "user")}`,
    "  IdentitiesOnly yes",
    "  IdentityAgent none",
    `  UserKnownHostsFile ${join(base, "known")}`,
    "  GlobalKnownHostsFile /dev/null",
  ];
  writeFileSync(join(base, "ssh_config"), `${client.join("\n")}\n`);
  const log = join(base, "log");
  writeFileSync(log, "");
  const child = spawn(sshd, ["-D", "-f", join(base, "sshd_config"), "-E", log], { stdio: "ignore" });
  for (let tries = 0; !readFileSync(log, "utf8").includes(`port ${port}`); tries += 1) {
    if (tries > 1000 || child.exitCode !== null) throw new Error(`sshd: ${readFileSync(log, "utf8")}`);
    await new Promise((wake) => setTimeout(wake, 10));
  }
  return child;
}

/** The highest that the kernel has seen of the process itself, not of the ssh beside it. */
async function checked(perennial, base, count) {
  const nodes = Array.from(
    { length: count },
    (_, index) => `  - { name: h${index + 1}, ssh: { host: h${index + 1} } }`,
  );
  const file = join(base, `c${count}.yaml`);
  const head = [
    "apiVersion: perennial/v1",
    "kind: Cluster",
    `name: c${count}`,
    "profile: kubeadm",
    "ssh:",
    `  config: ${join(base, "ssh_config")}`,
  ];
  writeFileSync(file, `${[...head, "nodes:", ...nodes].join("\n")}\n`);
  const started = process.hrtime.bigint();
  const child = spawn(perennial, ["check", "-f", file, "-o", "json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const pieces = [];
  child.stdout.on("data", (piece) => pieces.push(piece));
  let peakKib = 0;
  const watch = setInterval(() => (peakKib = Math.max(peakKib, peakOf(child.pid))), 50);
  await new Promise((ended) => child.once("close", ended));
  clearInterval(watch);
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  const { perennial: said, findings } = JSON.parse(Buffer.concat(pieces).toString("utf8"));
  const lost = findings.filter(({ code }) => code === "node-unreachable").length;
  if (said.nodes.length !== count || lost > 0) throw new Error(`${lost} of ${count} hosts could not be read`);
  return { ms, peakMib: peakKib / 1024 };
}

function peakOf(pid) {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function freePort() {
  return new Promise((found, failed) => {
    const server = createServer();
    server.once("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

function must(program, words) {
  const { status, stderr, error } = spawnSync(program, words, { stdio: ["ignore", "ignore", "pipe"] });
  if (error || status !== 0) throw new Error(`${program}: ${error?.message ?? stderr.toString()}`);
}
