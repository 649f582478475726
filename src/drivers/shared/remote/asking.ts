// A question to a host's script and its answer: what is no result is thrown as the error it stands for.
import { errorOf, type Asked } from "./answer-errors.ts";
import { assign, quote } from "./quote.ts";
import type { Answer, ScriptQueue } from "./script-queue.ts";

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
  const { call, args = [], values, input, answerBytes, results } = question;
  const text = `${assign(values)}\n${[call, ...args.map(quote)].join(" ")}`;
  const answer = await queue.ask({
    text,
    ...(input && { input }),
    ...(answerBytes !== undefined && { answerBytes }),
  });
  if (results.includes(answer[0])) return answer;
  throw errorOf(answer, question);
}
