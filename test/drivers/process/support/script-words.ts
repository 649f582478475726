// The words of `plan --script` for what runs, by themselves: the same shell text, and commands of a test's own after it.
import { spawn } from "node:child_process";
import { scriptMessages } from "../../../../src/report/script/messages.ts";
import { shellBase } from "../../../../src/report/script/shell-base.ts";
import { shellLive } from "../../../../src/report/script/shell-live.ts";

export interface ScriptEnd {
  readonly code: number | null;
  readonly out: string;
}

/** Runs `commands` under dash, with `folder` as working folder and as what the script takes for its root. */
export function inScript(
  commands: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<ScriptEnd> {
  const messages = Object.entries(scriptMessages("en")).map(([name, text]) => `t_${name}='${text}'`);
  const text = ["set -u", ...messages, `ROOT='${folder}' W='${folder}'`, shellBase, shellLive, commands];
  const child = spawn("dash", ["-c", text.join("\n")], {
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
  return new Promise((done) => {
    child.once("close", (code) => done({ code, out: Buffer.concat(chunks).toString() }));
  });
}
