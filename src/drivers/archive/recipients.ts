// age recipients as an operator gives them: `age1...`, or a file with one in each line. INPUTS: such files. OUTPUTS: none.
import { readFileSync, statSync } from "node:fs";
import { AppError } from "../../core/model/errors.ts";
import type { RecipientProblem } from "../../core/model/errors-runs.ts";
import { errnoOf } from "../shared/directory-handles.ts";
import { loadAge } from "./age.ts";

const limitBytes = 256 * 1024;

/** Each is encrypted to once, for trial: what cannot be is found out here. @throws AppError `recipient-invalid` */
export async function readRecipients(given: readonly string[]): Promise<readonly string[]> {
  const all = given.flatMap((text) => (isFile(text) ? fromFile(text) : [{ text: text.trim(), from: "" }]));
  for (const one of all) await tryRecipient(one);
  return [...new Set(all.map(({ text }) => text))];
}

interface Given {
  readonly text: string;
  /** `FILE:LINE`, or empty. */
  readonly from: string;
}

/** What looks like a key of any kind is taken for one, whatever lies in the working directory. */
function isFile(text: string): boolean {
  return problemOf(text.trim()) === "not-a-recipient";
}

function fromFile(path: string): readonly Given[] {
  const lines = textOf(path).split(/\r?\n/);
  const found = lines.flatMap((line, index) => {
    const text = line.trim();
    return text === "" || text.startsWith("#") ? [] : [{ text, from: `${path}:${index + 1}` }];
  });
  if (found.length === 0)
    throw new AppError("recipient-invalid", { given: path, from: "", problem: "file-empty" });
  return found;
}

/** Somebody may have misspelt a recipient: what is no file either is said to be that. */
function textOf(path: string): string {
  const fail = (problem: RecipientProblem, cause?: unknown): never => {
    throw new AppError("recipient-invalid", { given: path, from: "", problem }, { cause });
  };
  try {
    const stats = statSync(path);
    if (!stats.isFile() || stats.size > limitBytes) return fail("file-unreadable");
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = errnoOf(error);
    if (code === null) throw error;
    return fail(code === "ENOENT" ? "not-a-recipient" : "file-unreadable", error);
  }
}

async function tryRecipient({ text, from }: Given): Promise<void> {
  const problem = problemOf(text) ?? (await whyNot(text));
  if (problem === null) return;
  // A secret key is not repeated, nor is a line that may be anything. No cause: the library's messages quote what they were given.
  const isShown = problem !== "identity" && (from === "" || problem !== "not-a-recipient");
  throw new AppError("recipient-invalid", { given: isShown ? text : "", from, problem });
}

async function whyNot(text: string): Promise<"damaged" | null> {
  const { Encrypter } = await loadAge();
  try {
    const encrypter = new Encrypter();
    encrypter.addRecipient(text);
    await encrypter.encrypt(new Uint8Array());
    return null;
  } catch {
    return "damaged";
  }
}

/** null for what has the form of one. In Bech32 the last `1` ends the prefix, so that `age1NAME1...` is a plugin's. */
function problemOf(text: string): RecipientProblem | null {
  if (/AGE-SECRET-KEY-|AGE-PLUGIN-|PRIVATE KEY/i.test(text)) return "identity";
  if (/^(ssh-|ecdsa-)/.test(text)) return "ssh";
  if (/^age1((pq|tag|tagpq)1)?[02-9ac-hj-np-z]+$/.test(text)) return null;
  if (/^age1[a-z0-9-]+1[02-9ac-hj-np-z]+$/.test(text)) return "plugin";
  return text.startsWith("age1") ? "damaged" : "not-a-recipient";
}
