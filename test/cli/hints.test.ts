// Every command line that a hint advises is one that the command line takes, whatever words the call itself had.
// Codes come back from Object.entries as strings.
/* oxlint-disable typescript/no-unsafe-type-assertion */
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { AppError, type ErrorCode } from "../../src/core/model/errors.ts";
import type { AnyFinding, FindingCode } from "../../src/core/model/finding.ts";
import type { Io } from "../../src/cli/io.ts";
import { createProgram } from "../../src/cli/program.ts";
import { renderError } from "../../src/report/error-text.ts";
import { renderFinding } from "../../src/report/finding-text.ts";
import { toolCommand } from "../../src/report/tool-command.ts";
import { finding, validAt } from "../report/check-samples.ts";
import { errorSamples, findingSamples } from "../report/samples.ts";

const ofNode = [
  "--root",
  "/mnt/m1",
  "--profile",
  "kubeadm",
  "--set",
  "a=b",
  "--probe",
  "--runtime",
  "docker",
];
const ofCluster = ["-f", "c.yaml", "-k", "-K", "--no-probe", "--state-dir", "/srv/state"];

/** Nothing is done: only the shape of the command line is asked for. */
const io = { lang: "en", out: () => {}, err: () => {} } as unknown as Io;

function withoutActions(command: Command): void {
  command.exitOverride().action(() => {});
  for (const one of command.commands) withoutActions(one);
}

/** What the command line says against it; null when it takes it. */
async function refusalOf(line: string): Promise<string | null> {
  const words = line.match(/'[^']*'|\S+/g) ?? [];
  const program = createProgram(io, () => {});
  withoutActions(program);
  try {
    await program.parseAsync(
      words.slice(1).map((word) => word.replaceAll("'", "")),
      { from: "user" },
    );
    return null;
  } catch (error) {
    return `${line}: ${String(error)}`;
  }
}

/** What stands between the tool's name and the end of the words that chose the node. */
function commandsIn(lines: readonly string[], last: string): readonly string[] {
  const pattern = new RegExp(`perennial (?:(?!perennial )[^;,，；。])*?${last}`, "g");
  return lines.flatMap((line) => [...line.matchAll(pattern)].map(([found]) => found));
}

describe("the commands that hints advise", () => {
  it.each([
    "",
    "check",
    "verify",
    "diagnose",
    "plan --out FILE",
    "renew NAME",
    "apply p.json",
    "resume",
    "rollback last",
    "runs list",
    "runs show last",
    "runs report last",
    "runs prune",
  ])("take what is said again of a node and of a cluster: %s", async (command) => {
    expect(await refusalOf(toolCommand(ofNode)(command))).toBeNull();
    expect(await refusalOf(toolCommand(ofCluster)(command))).toBeNull();
  });

  it.each(["collect", "init", "inspect x.crt", "profile list", "version"])(
    "take what is said again of a node: %s",
    async (command) => {
      expect(await refusalOf(toolCommand(ofNode)(command))).toBeNull();
    },
  );

  it("keep what the command needs, and leave out what it refuses", () => {
    expect(toolCommand(ofNode)("resume")).toBe(
      "perennial resume --root /mnt/m1 --profile kubeadm --set a=b --probe --runtime docker",
    );
    expect(toolCommand(ofNode)("check")).toBe("perennial check --root /mnt/m1 --profile kubeadm --set a=b");
    expect(toolCommand(["-f", "c.yaml", "--profile", "p", "--state-dir", "d"])("check")).toBe(
      "perennial check -f c.yaml",
    );
    expect(toolCommand(["--root", "/m", "--probe"])("renew --no-probe")).toBe(
      "perennial renew --no-probe --root /m",
    );
  });

  const errors = Object.entries(errorSamples("thing")).map(
    ([code, params]) => new AppError(code as ErrorCode, params as never),
  );
  const findings = Object.entries(findingSamples("thing")).map(
    ([code, params]) => finding(code as FindingCode, params as never) as AnyFinding,
  );

  it.each([
    { lang: "en", again: ofNode, last: "--set a=b(?: --probe --runtime docker)?" },
    { lang: "zh", again: ofNode, last: "--set a=b(?: --probe --runtime docker)?" },
    { lang: "en", again: ofCluster, last: "-f c.yaml -k -K(?: --state-dir /srv/state)?(?: --no-probe)?" },
  ] as const)("all parse in what errors and findings say: $lang $again.0", async ({ lang, again, last }) => {
    const context = { at: validAt, nodes: ["m1"], root: "/mnt/m1", again };
    const lines = [
      ...errors.flatMap((error) => renderError(error, lang, again).hint),
      ...findings.flatMap((one) => renderFinding(one, context, lang).next),
    ];
    const commands = new Set(commandsIn(lines, last));
    expect(commands.size).toBeGreaterThan(20);
    const refused = await Promise.all([...commands].map(refusalOf));
    // Only a run over the nodes of a cluster ends with these.
    const ofOne = (text: string): boolean => again === ofNode && text.includes("resume --min-ready");
    expect(refused.filter((each) => each !== null && !ofOne(each))).toEqual([]);
  });
});
