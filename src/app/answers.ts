// What a CA team handed back, and what here waits for it: read once, for a plan.
import { resolve } from "node:path";
import { fileAddress, formatAddress, type Address } from "../core/model/address.ts";
import { AppError } from "../core/model/errors.ts";
import { answerCertificates } from "../core/plan/answer-certificates.ts";
import type { AnswerFile, Answers, PendingFacts } from "../core/plan/pair-answers.ts";
import { openStateDirectory } from "../drivers/shared/state-directory.ts";
import { openFileStore } from "../drivers/store/files.ts";
import { readPending, type PendingKey } from "../engine/pending-keys.ts";
import { type LocalNode, stateDirectoryOf } from "./local-node.ts";
import { factsOf, unreadableReason } from "./node-view.ts";
import { readBelow, readableRoots } from "./routed-store.ts";

/** A folder with more is not a folder of answers. */
const maxFiles = 1000;

/** @throws AppError `input-unreadable` for a folder that is none or has too many files, what the state directory throws */
export async function readAnswers(local: LocalNode, directory: string, node: string): Promise<Answers> {
  const folder = resolve(directory);
  const names = await namesIn(folder, node);
  const read = await Promise.all(
    names.map((name) => readAnswer({ store: "answer", node, path: `${folder.replace(/\/$/, "")}/${name}` })),
  );
  const files = read.flatMap(({ file }) => (file ? [file] : []));
  if (files.every(({ certificates }) => certificates.length === 0))
    throw new AppError("input-unreadable", { path: folder, reason: "there is no certificate in it" });
  const all = await readPending(openStateDirectory(stateDirectoryOf(local)));
  const own = all.filter(({ record }) => record.node === node);
  return {
    files,
    unreadable: read.flatMap(({ unreadable }) => unreadable),
    pending: await Promise.all(own.map((each) => withKeyFacts(local, each))),
    elsewhere: all
      .filter(({ record }) => record.node !== node)
      .map(({ record }) => ({ node: record.node, spkiSha256: record.spkiSha256 })),
  };
}

async function namesIn(folder: string, node: string): Promise<readonly string[]> {
  const store = openFileStore({ root: "/", node });
  try {
    const names = await store.list(fileAddress(node, folder));
    if (names === null) throw new AppError("input-unreadable", { path: folder, reason: "not a directory" });
    if (names.length > maxFiles)
      throw new AppError("input-unreadable", { path: folder, reason: `more than ${maxFiles} files` });
    return names;
  } finally {
    store.close();
  }
}

interface ReadAnswer {
  readonly file: AnswerFile | null;
  readonly unreadable: Answers["unreadable"];
}

/** A pipe, a folder, something huge or half a certificate is named, and the other files count. */
async function readAnswer(address: Address): Promise<ReadAnswer> {
  const told = (reason: string): Answers["unreadable"] => [{ address: formatAddress(address), reason }];
  try {
    const observation = await readBelow("/", address);
    if (observation.state === "absent") return { file: null, unreadable: told("there is no such file") };
    const { certificates, faults } = answerCertificates(observation.bytes);
    return { file: { facts: factsOf(observation), certificates }, unreadable: faults.flatMap(told) };
  } catch (error) {
    const reason = unreadableReason(error);
    if (reason === null) throw error;
    return { file: null, unreadable: told(reason) };
  }
}

async function withKeyFacts(local: LocalNode, pending: PendingKey): Promise<PendingFacts> {
  const { record, request, address } = pending;
  const root = readableRoots(stateDirectoryOf(local))["pending"] ?? "/";
  const observation = await readBelow(root, address);
  if (observation.state === "absent")
    throw new AppError("input-unreadable", { path: address.path, reason: "there is no such file" });
  const key = factsOf(observation);
  observation.bytes.fill(0);
  return { record, request, key };
}
