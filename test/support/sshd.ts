// A real sshd on a free port of 127.0.0.1 with keys, settings and known hosts of its own; nobody's ~/.ssh is read or written.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const program = "/usr/sbin/sshd";

/** sshd has to be root to log anybody in. */
export const hasSshd =
  process.getuid?.() === 0 && existsSync(program) && spawnSync("ssh", ["-V"]).status === 0;

/** A mount that only one process tree sees. */
export function canHavePasswords(): boolean {
  const own = spawnSync("unshare", ["-m", "sh", "-c", "mount --bind /etc/shadow /etc/shadow"]);
  return hasSshd && own.status === 0;
}

export interface SshdOptions {
  /** Lines of sshd_config. */
  readonly settings?: readonly string[];
  /** Lines of ssh_config for the alias, before the usual ones. */
  readonly clientSettings?: readonly string[];
  readonly banner?: string;
  /** Root's, for this sshd only: it gets an /etc/shadow of its own, if {@link canHavePasswords}. */
  readonly password?: string;
  /** Text of ~/.ssh/rc's place: runs before the command and may print whatever it likes. POSIX sh, on one line. */
  readonly prelude?: string;
  /** Whether the client knows the host key, knows another one, or none; default "known". */
  readonly hostKey?: "known" | "unknown" | "other";
}

export interface Sshd {
  readonly port: number;
  readonly alias: string;
  /** For `ssh -F`. */
  readonly config: string;
  readonly folder: string;
  readonly fingerprint: string;
  readonly knownHosts: string;
  /** What sshd logged. */
  log(): string;
  /** Ends what serves connections, as a crash of the machine would: SIGKILL. */
  killConnections(): void;
  stop(): Promise<void>;
}

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), "sshd-"));
  for (const name of ["host", "other", "user"]) {
    spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(folder, name)]);
  }
  mkdirSync("/run/sshd", { recursive: true });
  const port = await freePort();
  const config = writeConfig(folder, port, options);
  const child = await startDaemon(folder, port, options.password);
  const printed = spawnSync("ssh-keygen", ["-lf", join(folder, "host.pub")], { encoding: "utf8" });
  return {
    port,
    alias: "node",
    config,
    folder,
    fingerprint: printed.stdout.split(" ")[1] ?? "",
    knownHosts: join(folder, "known"),
    log: () => readFileSync(join(folder, "log"), "utf8"),
    killConnections: () => {
      for (const pid of childrenOf(child.pid ?? 0)) kill(pid);
    },
    stop: async () => {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      for (const pid of childrenOf(child.pid ?? 0)) kill(pid);
      if (child.exitCode === null && child.kill("SIGTERM")) await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function writeConfig(folder: string, port: number, options: SshdOptions): string {
  const at = (name: string): string => join(folder, name);
  const server = [
    ...(options.settings ?? []),
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${at("host")}`,
    `AuthorizedKeysFile ${at("user.pub")}`,
    `PidFile ${at("pid")}`,
    "UsePAM no",
    ...(options.banner === undefined ? [] : [`Banner ${at("banner")}`]),
    "StrictModes no",
    "PermitRootLogin yes",
    "PrintMotd no",
    // bash then reads no ~/.bashrc: whoever runs the tests has one of some length.
    "SetEnv SHLVL=1",
    "LogLevel VERBOSE",
    "MaxStartups 100",
    ...(options.prelude === undefined
      ? []
      : [`ForceCommand ${options.prelude}; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"`]),
  ];
  writeFileSync(at("banner"), options.banner ?? "");
  writeFileSync(at("sshd_config"), `${server.join("\n")}\n`);
  const known = { known: "host.pub", other: "other.pub", unknown: null }[options.hostKey ?? "known"];
  const key = known === null ? "" : `[127.0.0.1]:${port} ${readFileSync(at(known), "utf8")}`;
  writeFileSync(at("known"), key);
  const client = [
    "Host node",
    ...(options.clientSettings ?? []),
    "HostName 127.0.0.1",
    `Port ${port}`,
    "User root",
    `IdentityFile ${at("user")}`,
    "IdentitiesOnly yes",
    "IdentityAgent none",
    `UserKnownHostsFile ${at("known")}`,
    "GlobalKnownHostsFile /dev/null",
  ];
  writeFileSync(at("ssh_config"), `${client.join("\n")}\n`);
  return at("ssh_config");
}

async function startDaemon(folder: string, port: number, password?: string): Promise<ChildProcess> {
  const log = join(folder, "log");
  writeFileSync(log, "");
  const args = ["-D", "-f", join(folder, "sshd_config"), "-E", log];
  const child =
    password === undefined
      ? spawn(program, args, { stdio: "ignore" })
      : spawn("unshare", [...shadowed(folder, password), program, ...args], { stdio: "ignore" });
  for (let tries = 0; !readFileSync(log, "utf8").includes(`port ${port}`); tries++) {
    if (tries > 200 || child.exitCode !== null) throw new Error(`sshd: ${readFileSync(log, "utf8")}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return child;
}

function shadowed(folder: string, password: string): readonly string[] {
  const shadow = join(folder, "shadow");
  const hash = spawnSync("openssl", ["passwd", "-6", "-stdin"], { input: `${password}\n`, encoding: "utf8" });
  writeFileSync(shadow, `root:${hash.stdout.trim()}:19000:0:99999:7:::\n`, { mode: 0o600 });
  return ["-m", "sh", "-c", `mount --bind '${shadow}' /etc/shadow && exec "$@"`, "sh"];
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** Direct children first, theirs after them. */
function childrenOf(pid: number): readonly number[] {
  const list = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(list)) return [];
  const direct = readFileSync(list, "utf8").split(" ").filter(Boolean).map(Number);
  return [...direct, ...direct.flatMap((child) => childrenOf(child))];
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
