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
  /**
   * The answers of tasks in one script, of which none is begun once one did not succeed (shell-base.ts, `well`): those have no answer and
   * are left out. Rejects as `ask` does; what was done by then is not known. TypeError for a task with input: it would be left unread.
   */
  askChain(tasks: readonly Task[]): Promise<readonly Answer[]>;
}

interface Waiting {
  /** One, or a chain: these are never in two scripts. */
  readonly tasks: readonly Task[];
  readonly resolve: (answers: readonly Answer[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Calls of one turn travel as one script, up to {@link mostTasks} of them: how many whoever has many lets wait at once. */
export const callsAtOnce = 256;

/** A script's text, and what goes wrong with one connection, stay within bounds. */
const mostTasks = 64;
const mostInputBytes = 8 * 1024 * 1024;
const defaultAnswerBytes = 64 * 1024;

/** `sync` of an old userland writes everything the machine has; a machine that swaps needs seconds to start a program. */
const timeoutMs = 120_000;
const taskMs = 5000;

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

  const askChain = (tasks: readonly Task[]): Promise<readonly Answer[]> =>
    new Promise((resolve, reject) => {
      waiting.push({ tasks, resolve, reject });
      if (isRunning) return;
      isRunning = true;
      setImmediate(() => void drain());
    });

  return {
    ask: async (task) => (await askChain([task]))[0] ?? ["silent"],
    askChain: async (tasks) => {
      if (tasks.some(({ input }) => input !== undefined))
        throw new TypeError("a task of a chain has no input");
      return tasks.length === 0 ? [] : askChain(tasks);
    },
  };
}

function batchLength(waiting: readonly Waiting[]): number {
  let inputBytes = 0;
  let count = 0;
  const end = waiting.findIndex(({ tasks }, index) => {
    inputBytes += tasks.reduce((sum, { input }) => sum + (input?.length ?? 0), 0);
    count += tasks.length;
    return index > 0 && (count > mostTasks || inputBytes > mostInputBytes);
  });
  return end === -1 ? waiting.length : end;
}

async function runBatch(host: Host, prelude: string, batch: readonly Waiting[]): Promise<void> {
  try {
    const tasks = batch.flatMap((one) => one.tasks);
    const inputs = tasks.map((task) => task.input ?? new Uint8Array());
    const limitBytes = tasks.reduce((sum, task) => sum + (task.answerBytes ?? defaultAnswerBytes), 0);
    const input = Buffer.concat(inputs);
    const text = scriptOf(batch.map((one) => one.tasks));
    const most = timeoutMs + tasks.length * taskMs;
    const result = await host.sh(prelude + text, { input, limitBytes, timeoutMs: most });
    const answers = parseAnswers(result.stdout);
    let first = 0;
    for (const one of batch) {
      one.resolve(answersOf(answers, first, one.tasks.length));
      first += one.tasks.length;
    }
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}

/** Of a chain, up to the first that is missing. */
function answersOf(answers: ReadonlyMap<number, Answer>, first: number, count: number): readonly Answer[] {
  const own = Array.from({ length: count }, (_, index) => answers.get(first + index));
  const end = own.indexOf(undefined);
  return own.slice(0, end === -1 ? count : end).flatMap((answer) => (answer ? [answer] : []));
}

/** Only the last reader may take all there is: programs that read ahead would take from the next. */
function scriptOf(chains: readonly (readonly Task[])[]): string {
  const tasks = chains.flat();
  const lastReader = tasks.findLastIndex((task) => task.input !== undefined);
  let number = 0;
  const lines = chains.flatMap((chain) => {
    const texts = chain.map((task) => {
      const index = number++;
      return taskText(task, index, index === lastReader ? "last" : "another");
    });
    return chain.length < 2 ? texts.map(({ begin, body }) => begin + body) : chainText(texts);
  });
  return lines.join("");
}

interface TaskText {
  readonly begin: string;
  readonly body: string;
}

function taskText({ text, input }: Task, index: number, reader: "last" | "another"): TaskText {
  const begin = `printf '=%s\\0' ${index}\n`;
  if (input === undefined) return { begin, body: `( ${text}\n) </dev/null\n` };
  return { begin, body: `( ${assign({ owed: input.length, reader })}\n${text}\n)\n` };
}

/** Nothing but a success exits with {@link succeeded}: not a shell that was killed, nor one that ran off its end. */
function chainText(texts: readonly TaskText[]): readonly string[] {
  const lines = texts.map(
    ({ begin, body }) => `if [ "$chain" = ${succeeded} ]; then\n${begin}${body}chain=$?\nfi\n`,
  );
  return [`chain=${succeeded}\n`, ...lines];
}

/** The exit code of a task behind `well`; the same number as there. */
const succeeded = 42;

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
