// What `verify` asks the API with the administrator's identity of a node: one object written and deleted, and the sweep.
import type { LiveFacts } from "../core/model/live.ts";
import type { Looked, Sweep } from "../core/model/verification.ts";
import { adminOf } from "../core/plan/live-steps.ts";
import type { Facts } from "../core/policy/facts.ts";
import { sweepApi } from "../drivers/health/api-sweep.ts";
import type { Dial } from "../drivers/shared/dial.ts";
import { systemRandomness } from "../drivers/shared/world.ts";
import type { ApiServer, WriteProof } from "../engine/ports/live.ts";
import type { Store } from "../engine/ports/store.ts";

/** The way to an API server, and who asks; holds a key until `forget`. */
export interface ApiAccess {
  readonly proof: Omit<WriteProof, "name">;
  readonly dial: Dial | undefined;
  forget(): void;
}

/** null on a node without an API server, or without an administrator's kubeconfig. */
export async function openApi(
  { facts, live }: { readonly facts: Facts; readonly live: LiveFacts },
  { store, dial }: { readonly store: Pick<Store, "read">; readonly dial?: Dial | undefined },
): Promise<ApiAccess | null> {
  const { processes } = live.inventory;
  const [serving] = processes.find(({ consumer }) => consumer === "kube-apiserver")?.endpoints ?? [];
  const admin = adminOf({ facts, live, changed: new Set() });
  if (serving === undefined || admin === null) return null;
  const observation = await store.read(admin.file);
  if (observation.state === "absent") return null;
  const { bytes } = observation;
  const proof = { kubeconfig: bytes, user: admin.user, endpoint: serving.endpoint };
  return { proof, dial, forget: () => void bytes.fill(0) };
}

/** An object of our own, created and deleted. @throws the signal's reason */
export async function written(
  api: ApiServer,
  { proof }: ApiAccess,
  signal: AbortSignal,
): Promise<Looked<true>> {
  const name = `perennial-verify-${Buffer.from(systemRandomness.bytes(4)).toString("hex")}`;
  const failure = await api.writeFailure({ ...proof, name }, signal);
  signal.throwIfAborted();
  return failure === null ? { state: "seen", value: true } : { state: "failed", reason: failure };
}

/** How far back a log is read: what was refused before the API server began is over. */
const logSpanMs = 10 * 60_000;

/** `startedAt`: of the API server, the youngest of several; null when nobody could say. @throws the signal's reason */
export function swept(
  { proof, dial }: ApiAccess,
  {
    at,
    startedAt,
    signal,
  }: { readonly at: number; readonly startedAt: number | null; readonly signal: AbortSignal },
): Promise<Looked<Sweep>> {
  const logsSince = Math.max(startedAt ?? 0, at - logSpanMs);
  return sweepApi({ ...proof, dial }, { signal, now: at, logsSince });
}
