// A throw-away expired control plane in a folder, for `npm start`.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { makeControlPlane } from "./control-plane.ts";

const dayMs = 86_400_000;

/** Leafs that ended ten days ago, authorities with years to go: the cluster on the morning after its anniversary. */
export async function makeExpiredControlPlane(directory: string, now: number): Promise<void> {
  const issuedAt = Math.floor((now - 375 * dayMs) / 1000) * 1000;
  // As on every node, so that the tool adds nothing but its own folder.
  mkdirSync(join(directory, "var/lib"), { recursive: true });
  await makeControlPlane({ directory, issuedAt, kubelet: "embedded" });
}
