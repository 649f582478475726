// A real control plane on this machine, for tests that mean it: real kubelet, containerd, API server. See CONTRIBUTING.md.
// INPUTS: PERENNIAL_RIG, else the folder `shared/rig` beside the repository; KUBEBUILDER_ASSETS. OUTPUTS: those of the rig's script.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

const folder = process.env["PERENNIAL_RIG"] ?? resolve(import.meta.dirname, "../../../shared/rig");
const script = join(folder, "real-cluster.sh");

/** Why there is none; null where it can be set up. A machine with a cluster of its own is never touched. */
export function whyNoRig(): string | null {
  if (!process.env["KUBEBUILDER_ASSETS"]) return "KUBEBUILDER_ASSETS does not name the Kubernetes binaries";
  if (!existsSync(script)) return "no real-cluster.sh beside the repository, nor in PERENNIAL_RIG";
  if (process.getuid?.() !== 0) return "not root";
  // Debian's package of etcd makes an empty /var/lib/etcd.
  const taken = ["/etc/kubernetes", "/var/lib/etcd/member"].find((path) => existsSync(path));
  return taken === undefined ? null : `${taken} exists: there may be a cluster here`;
}

/** Runs the script; its daemons live on. What it said, when it failed. */
export function rig(...words: readonly string[]): Promise<void> {
  const child = spawn("bash", [script, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk));
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("exit", (code) => {
      if (code === 0) done();
      else fail(new Error(`real-cluster.sh ${words.join(" ")}: ${code}\n${Buffer.concat(said).toString()}`));
    });
  });
}
