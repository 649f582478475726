// `perennial collect`: what `check --facts` needs of a node, as text.
import { resolve } from "node:path";
import { collectFacts, collectScript } from "../../app/collect.ts";
import { AppError } from "../../core/model/errors.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";

export interface CollectOptions {
  readonly root: string;
  readonly script?: boolean;
  readonly logLines: string;
}

export async function runCollect(options: CollectOptions, io: Io): Promise<number> {
  if (options.script === true) {
    io.out(collectScript);
    return exitCodes.ok;
  }
  if (!/^\d{1,5}$/.test(options.logLines))
    throw new AppError("value-invalid", {
      what: "--log-lines",
      value: options.logLines,
      expected: "a number",
    });
  const { signal } = io;
  io.out(await collectFacts({ root: resolve(options.root), logLines: Number(options.logLines), signal }));
  return exitCodes.ok;
}
