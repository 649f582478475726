// What is asked of a host in one turn of the event loop goes out as one script, and one script runs at a time.
// A script is a prelude of functions and, per task, a subshell; its answers are fields that end with NUL:
// `=` begins a task, `+` a value, `.` alone ends it, so that a cut answer is never taken for a whole one.
import type { Host } from "../host.ts";
import { assign } from "./quote.ts";

export interface Task {
  /** Assignments and one call of a function in the prelude. */
  readonly text: string;
  /** Read by the task from standard input; without it standard input is empty. */
  readonly input?: Uint8Array | undefined;
  /** Bytes that the answer may have at most; default 64 KiB. */
  readonly answerBytes?: number;
}

/** The first field says what kind of answer it is; `silent` when the script ended without one. */
export type Answer = readonly [kind: string, ...fields: readonly Uint8Array[]];

export interface ScriptQueue {
  /** Rejects with what the host rejects with. Tasks run in the order in which they were asked for. */
  ask(task: Task): Promise<Answer>;
}

interface Waiting {
  readonly task: Task;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** A script's text, and what goes wrong with one connection, stay within bounds. */
const mostTasks = 64;
const mostInputBytes = 8 * 1024 * 1024;
const defaultAnswerBytes = 64 * 1024;

/** `sync` of an old userland writes everything the machine has. */
const timeoutMs = 120_000;

export function openScriptQueue(host: Host, prelude: string): ScriptQueue {
  const waiting: Waiting[] = [];
  let isRunning = false;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchLength(waiting));
      await runBatch(host, prelude, batch);
    }
    isRunning = false;
  }

  return {
    ask: (task) =>
      new Promise((resolve, reject) => {
        waiting.push({ task, resolve, reject });
        if (isRunning) return;
        isRunning = true;
        setImmediate(() => void drain());
      }),
  };
}

function batchLength(waiting: readonly Waiting[]): number {
  let inputBytes = 0;
  const end = waiting.findIndex(({ task }, index) => {
    inputBytes += task.input?.length ?? 0;
    return index > 0 && (index >= mostTasks || inputBytes > mostInputBytes);
  });
  return end === -1 ? waiting.length : end;
}

async function runBatch(host: Host, prelude: string, batch: readonly Waiting[]): Promise<void> {
  try {
    const tasks = batch.map(({ task }) => task);
    const inputs = tasks.map((task) => task.input ?? new Uint8Array());
    const limitBytes = tasks.reduce((sum, task) => sum + (task.answerBytes ?? defaultAnswerBytes), 0);
    const input = Buffer.concat(inputs);
    const result = await host.sh(prelude + scriptOf(tasks), { input, limitBytes, timeoutMs });
    const answers = parseAnswers(result.stdout);
    for (const [index, { resolve }] of batch.entries()) resolve(answers.get(index) ?? ["silent"]);
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}

/** Only the last reader may take all there is: programs that read ahead would take from the next. */
function scriptOf(tasks: readonly Task[]): string {
  const lastReader = tasks.findLastIndex((task) => task.input !== undefined);
  const lines = tasks.map(({ text, input }, index) => {
    const begin = `printf '=%s\\0' ${index}`;
    if (input === undefined) return `${begin}\n( ${text}\n) </dev/null\n`;
    const owed = assign({ owed: input.length, reader: index === lastReader ? "last" : "another" });
    return `${begin}\n( ${owed}\n${text}\n)\n`;
  });
  return lines.join("");
}

/** Whole answers by the number of their task. */
export function parseAnswers(stdout: Uint8Array): ReadonlyMap<number, Answer> {
  const answers = new Map<number, Answer>();
  let task = -1;
  let values: Uint8Array[] = [];
  for (const field of fieldsOf(stdout)) {
    const mark = String.fromCharCode(field[0] ?? 0);
    if (mark === "+") values.push(field.subarray(1));
    if (mark === "." && task >= 0) answers.set(task, [textOf(values[0]), ...values.slice(1)]);
    if (mark !== "+") values = [];
    if (mark !== "+") task = mark === "=" ? Number(textOf(field.subarray(1))) : -1;
  }
  return answers;
}

function fieldsOf(bytes: Uint8Array): readonly Uint8Array[] {
  const fields: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, start)) {
    fields.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return fields;
}

/** A field as text; empty when there is none. */
export function textOf(field: Uint8Array | undefined): string {
  return field === undefined ? "" : Buffer.from(field).toString("utf8");
}
