// How long a running node is looked at: what hangs is waited for, unless nothing that it has loaded is valid any more.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { makeControlPlane } from "../../src/lab/control-plane.ts";
import { usualPorts } from "../../src/lab/lab-node.ts";
import { runCli } from "../support/cli.ts";
import { closeServers, silent } from "../support/tls-server.ts";

const issuedAt = Date.UTC(2025, 0, 1);
const day = 86_400_000;

afterAll(closeServers);

/** ms that `plan --probe` takes on a node whose API server accepts connections and says nothing. */
async function planning(validitySeconds: number): Promise<number> {
  const directory = join(mkdtempSync(join(tmpdir(), "look-")), "m1");
  const { port } = await silent();
  // Nobody listens there.
  const ports = {
    ...usualPorts,
    etcd: 9,
    etcdMetrics: 9,
    kubelet: 9,
    kubeletHealth: 9,
    scheduler: 9,
    controllerManager: 9,
  };
  const address = "127.0.0.1";
  await makeControlPlane({
    directory,
    issuedAt,
    validitySeconds,
    keySpec: "ECDSA-P256",
    address,
    endpoint: address,
    ports: { ...ports, apiServer: port },
  });
  const before = performance.now();
  await runCli(["plan", "--root", directory, "--probe"], { now: issuedAt + day });
  return performance.now() - before;
}

it("waits less for a process whose certificates have all ended", { retry: 2 }, async () => {
  // The first one loads the modules, too.
  expect(await planning(300 * 86_400)).toBeGreaterThan(2900);
  const hurried = await planning(3600);
  expect(hurried).toBeGreaterThan(900);
  // Three seconds are the usual deadline: whoever waited for it is above.
  expect(hurried).toBeLessThan(2900);
});
