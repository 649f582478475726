// The use cases of a CA elsewhere: ask for certificates, and plan the installation of what came back.
import { AppError } from "../core/model/errors.ts";
import type { PendingRequest } from "../core/model/pending.ts";
import type { Decision } from "../core/model/decision.ts";
import type { Plan, RenewRequest } from "../core/model/plan.ts";
import { buildPlan } from "../core/plan/build.ts";
import { clockRefusals } from "../core/plan/clock-doubts.ts";
import { embeddedKey } from "../core/plan/extract.ts";
import { pairAnswers } from "../core/plan/pair-answers.ts";
import { wantedRequests, type Wanted } from "../core/plan/requests.ts";
import { asksTheSame, createRequest } from "../core/pki/csr.ts";
import { sha256Hex } from "../core/pki/fingerprints.ts";
import {
  encodePrivateKey,
  formatFor,
  isSamePublicKey,
  parseKeySpec,
  readPrivateKey,
  type KeyFormat,
  type PrivateKey,
} from "../core/pki/keys.ts";
import { encodePem } from "../core/pki/pem.ts";
import { discoverRemains } from "../drivers/discovery/remains.ts";
import { writeRequest } from "../drivers/shared/request-folder.ts";
import { openStateDirectory } from "../drivers/shared/state-directory.ts";
import type { EnginePorts } from "../engine/ports/engine-ports.ts";
import { plainName, readPending, writePending, type PendingKey } from "../engine/pending-keys.ts";
import { refuseIfUnfinished } from "../engine/run-plan.ts";
import { withLock } from "../engine/with-lock.ts";
import { readAnswers } from "./answers.ts";
import { type ProfileChoice, gather } from "./gather.ts";
import { type LocalNode, stateDirectoryOf } from "./local-node.ts";
import { gatherForPlan, withClock, withEngine } from "./renewal.ts";

/** One request that was handed out; public facts only. */
export interface SigningRequest {
  readonly slot: string;
  readonly name: string;
  readonly authority: string;
  /** Absolute path on this machine. */
  readonly file: string;
  readonly algorithm: string;
  readonly spkiSha256: string;
  /** `new`: a key was made. `reused`: the request of before, for its key. `replaced`: the request of before is void. `kept`: over the present key. */
  readonly key: "new" | "reused" | "replaced" | "kept";
}

export interface Requested {
  readonly requests: readonly SigningRequest[];
  /** Due, to be signed elsewhere, and without a certificate that a request could be made after. */
  readonly leftOut: readonly Decision[];
}

export interface RequestOptions {
  /** Where the requests are written. */
  readonly directory: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly breakLock: boolean;
}

/**
 * Makes keys and requests for what is due and cannot be signed here. No live file changes.
 * @throws AppError `refused`, `locked`, `run-unfinished`, `store-write-failed`, `name-unknown`
 */
export async function requestCertificates(
  local: LocalNode,
  choice: ProfileChoice,
  request: RenewRequest,
  { directory, at, breakLock }: RequestOptions,
): Promise<Requested> {
  const { facts: stored, inventory } = await gather(local, choice, at, { remains: discoverRemains });
  const facts = await withClock(local, stored);
  const { wanted, refusals: own, leftOut } = wantedRequests(facts, request);
  // What is due is what the clock says is due.
  const refusals = [...(request.acceptClock === true ? [] : clockRefusals(facts)), ...own];
  if (refusals.length > 0) throw new AppError("refused", { refusals });
  if (wanted.length === 0) return { requests: [], leftOut };
  const node = inventory.nodes[0]?.node ?? "";
  return withEngine(local, { node }, async (ports) => {
    const lock = { what: "renew --csr-dir", breakLock, tell: () => {} };
    return withLock(ports, lock, async (held) => {
      await refuseIfUnfinished(ports);
      const asked = request.keepKey
        ? await Promise.all(wanted.map(async (each) => overPresentKey(ports, each)))
        : await overPendingKeys(ports, wanted, held.fence);
      const made: SigningRequest[] = [];
      for (const { csrPem, ...told } of asked) {
        const name = `${plainName(told.name)}.csr`;
        made.push({ ...told, file: writeRequest(directory, name, new TextEncoder().encode(csrPem)) });
        await ports.failpoints.hit("pending.after-request");
      }
      return { requests: made, leftOut };
    });
  });
}

type Asked = Omit<SigningRequest, "file"> & { readonly csrPem: string };

async function overPendingKeys(
  ports: EnginePorts,
  wanted: readonly Wanted[],
  fence: () => Promise<void>,
): Promise<readonly Asked[]> {
  const known = await readPending(ports.state);
  // All keys at once, in the thread pool.
  const courses = wanted.map((each) => {
    const before = known.find(({ record }) => record.slot === each.slot.slot.id);
    const isRight = before !== undefined && stillRight(before, each);
    return { each, before, key: isRight ? null : ports.keys.generate(parseKeySpec(each.algorithm)) };
  });
  for (const { key } of courses) key?.catch(() => {});
  const asked: Asked[] = [];
  for (const { each, before, key } of courses) {
    if (before && key === null) {
      asked.push(askedWith(each, before.record, "reused"));
      continue;
    }
    if (key === null) continue;
    const made = await key;
    await fence();
    const record = recordFor(ports, each, made);
    const keyPem = encodePrivateKey(made.keyObject, await formatLike(ports, each, made));
    await writePending(ports, record, keyPem);
    keyPem.fill(0);
    asked.push(askedWith(each, record, before ? "replaced" : "new"));
  }
  return asked;
}

/** The same is asked for, with a key of the kind that is wanted now, and its certificate is not yet in place. */
function stillRight({ record, request }: PendingKey, wanted: Wanted): boolean {
  return (
    record.algorithm === wanted.algorithm &&
    asksTheSame(request, wanted) &&
    !isSamePublicKey(request.spkiDer, wanted.leaf.spkiDer)
  );
}

function recordFor(ports: EnginePorts, wanted: Wanted, key: PrivateKey): PendingRequest {
  const { slot, leaf, algorithm } = wanted;
  return {
    format: "perennial/pending/v1",
    node: slot.slot.node,
    slot: slot.slot.id,
    name: slot.slot.name,
    algorithm,
    spkiSha256: sha256Hex(key.spkiDer),
    createdAt: new Date(ports.clock.now()).toISOString(),
    from: { serialHex: leaf.serialHex, sha256: sha256Hex(leaf.der) },
    csrPem: requestPem(wanted, key),
  };
}

function requestPem({ subjectDer, extensionsDer }: Wanted, key: PrivateKey): string {
  const der = createRequest({ subjectDer, extensionsDer, key });
  return new TextDecoder().decode(encodePem("CERTIFICATE REQUEST", der));
}

function askedWith(
  { slot, authority, algorithm }: Wanted,
  { spkiSha256, csrPem }: Pick<PendingRequest, "spkiSha256" | "csrPem">,
  key: SigningRequest["key"],
): Asked {
  return { slot: slot.slot.id, name: slot.slot.name, authority, algorithm, spkiSha256, csrPem, key };
}

/** Nothing waits: the key is in its place already. */
async function overPresentKey(ports: EnginePorts, wanted: Wanted): Promise<Asked> {
  const key = await presentKey(ports, wanted);
  if (key === null || !isSamePublicKey(key.spkiDer, wanted.leaf.spkiDer))
    throw new AppError("step-failed", { step: wanted.slot.slot.id, reason: "there is no key to keep" });
  return askedWith(wanted, { spkiSha256: sha256Hex(key.spkiDer), csrPem: requestPem(wanted, key) }, "kept");
}

/** The new key is stored as the old one is: PKCS#1 stays PKCS#1. */
async function formatLike(ports: EnginePorts, wanted: Wanted, made: PrivateKey): Promise<KeyFormat> {
  if (wanted.slot.key.state !== "present") return made.format;
  return formatFor(made.spec, (await presentKey(ports, wanted))?.format ?? made.format);
}

async function presentKey(ports: EnginePorts, { slot }: Wanted): Promise<PrivateKey | null> {
  const { holder } = slot.slot;
  const at = holder.form === "kubeconfig" ? holder.file : holder.key;
  const observation = at && (await ports.store.read(at));
  if (observation?.state !== "present") return null;
  const pem = holder.form === "kubeconfig" ? embeddedKey(observation.bytes, holder.user) : observation.bytes;
  const key = pem && readPrivateKey(pem);
  observation.bytes.fill(0);
  pem?.fill(0);
  return key;
}

/** A plan that installs what is in `directory`; its guards hold the answers and the pending keys too. Changes nothing. */
export async function planSigned(
  local: LocalNode,
  choice: ProfileChoice,
  request: RenewRequest,
  { directory, at }: { readonly directory: string; readonly at: number },
): Promise<Plan> {
  const { facts, frame } = await gatherForPlan(local, choice, { request, at });
  const answers = await readAnswers(local, directory, facts.inventory.nodes[0]?.node ?? "");
  const pairing = pairAnswers(facts, answers, request);
  return buildPlan(facts, request, frame, pairing);
}

/** Names of the slots of a node whose requests wait for an answer. */
export async function waitingRequests(local: LocalNode): Promise<ReadonlySet<string>> {
  const all = await readPending(openStateDirectory(stateDirectoryOf(local)));
  return new Set(all.map(({ record }) => record.slot));
}
