// A question to a host's script and its answer: what is no result is thrown as the error it stands for.
import { errorOf, type Asked } from "./answer-errors.ts";
import { assign, quote } from "./quote.ts";
import type { Answer, ScriptQueue, Task } from "./script-queue.ts";

export interface Question extends Asked {
  /** A function of the prelude and its arguments. */
  readonly call: string;
  readonly args?: readonly string[];
  /** Variables that it reads. */
  readonly values: Readonly<Record<string, string | number>>;
  readonly input?: Uint8Array;
  readonly answerBytes?: number;
  /** Kinds of answers that are results. */
  readonly results: readonly string[];
}

/** Throws what {@link errorOf} makes of any other answer, and what the host rejects with. */
export async function ask(queue: ScriptQueue, question: Question): Promise<Answer> {
  const answer = await queue.ask(taskOf(question));
  if (question.results.includes(answer[0])) return answer;
  throw errorOf(answer, question);
}

export interface ChainEnd {
  /** Of the questions before the one that failed. */
  readonly answers: readonly Answer[];
  readonly failure: { readonly error: unknown } | null;
}

/** Questions of which none is begun once one has failed. Never rejects: what the host rejects with is a failure as well. */
export async function askChain(queue: ScriptQueue, questions: readonly Question[]): Promise<ChainEnd> {
  try {
    const all = await queue.askChain(questions.map(taskOf));
    const isGood = (answer: Answer, index: number): boolean =>
      questions[index]?.results.includes(answer[0]) === true;
    const failed = questions.findIndex((_, index) => {
      const answer = all[index];
      return answer === undefined || !isGood(answer, index);
    });
    const question = questions[failed];
    if (!question) return { answers: all, failure: null };
    const error = errorOf(all[failed] ?? ["silent"], question);
    return { answers: all.slice(0, failed), failure: { error } };
  } catch (error) {
    return { answers: [], failure: { error } };
  }
}

function taskOf({ call, args = [], values, input, answerBytes }: Question): Task {
  return {
    text: `${assign(values)}\n${[call, ...args.map(quote)].join(" ")}`,
    ...(input && { input }),
    ...(answerBytes !== undefined && { answerBytes }),
  };
}
