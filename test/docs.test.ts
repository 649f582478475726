// The documents against the repository: links, the command line's help, the terminal sessions, and what no text may mention.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { exitCodes } from "../src/cli/exit-codes.ts";
import { spawnCli } from "./support/cli.ts";

const root = resolve(import.meta.dirname, "..");
const top = ["README.md", "README.zh.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

function markdownBelow(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${folder}/${name}`);
}

const documents = [...top, ...markdownBelow("docs"), ...markdownBelow("profiles")];

function read(document: string): string {
  return readFileSync(join(root, document), "utf8");
}

/** Text outside of fenced and indented blocks. */
function prose(document: string): string {
  return read(document)
    .replace(/^( *)```[\s\S]*?^\1```$/gm, "")
    .replace(/^ {4}.*$/gm, "");
}

/** GitHub's anchor of a heading. */
function anchorsOf(document: string): readonly string[] {
  return [...prose(document).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function brokenLinks(document: string): readonly string[] {
  return [...prose(document).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = ""]) => {
    if (link.startsWith("https://")) return [];
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? document : join(dirname(document), path);
    if (!existsSync(join(root, target))) return [`${document}: ${link}`];
    return anchor === undefined || anchorsOf(target).includes(anchor) ? [] : [`${document}: ${link}`];
  });
}

const commands = [
  "check",
  "verify",
  "diagnose",
  "collect",
  "init",
  "inspect",
  "plan",
  "renew",
  "apply",
  "resume",
  "rollback",
  "runs list",
  "runs show",
  "runs report",
  "runs prune",
  "profile list",
  "profile show",
  "profile lint",
  "diagnose",
  "collect",
  "lab up",
  "lab expire",
  "lab status",
  "lab down",
  "version",
];

async function help(words: string): Promise<string> {
  const { code, out } = await spawnCli([...words.split(" ").filter((word) => word !== ""), "--help"]);
  expect(code).toBe(0);
  return out;
}

const optionPattern = /(?<![\w-])--[a-z][a-z-]+/g;

/** Options in what is said of this tool; those of other programs are theirs. */
function optionsIn(text: string): readonly string[] {
  const foreign =
    /`(?:kubeadm |etcdctl |openssl |npm |--(?:tls|etcd|kubeconfig|advertise|service|initial|listen|requestheader))[^`]*`/g;
  return [...new Set(text.replace(foreign, "").match(optionPattern))];
}

describe("the documents", () => {
  it("link to files and headings that exist", () => {
    expect(documents.flatMap(brokenLinks)).toEqual([]);
  });

  it("are all reachable from the index or the README", () => {
    const index = `${read("docs/README.md")}${read("docs/adr/README.md")}`;
    const missing = documents
      .filter((name) => name.startsWith("docs/") && !name.endsWith("README.md"))
      .filter((name) => !index.includes(name.split("/").at(-1) ?? name));
    expect(missing).toEqual([]);
  });

  it("name every command in the README, and no other", async () => {
    const known = await help("");
    for (const readme of ["README.md", "README.zh.md"]) {
      const table = [...prose(readme).matchAll(/^\| (`.*?) \|/gm)].map(([, cell = ""]) => cell);
      const named = table.flatMap((cell) => [...cell.matchAll(/`([a-z][a-z ]*)`/g)].map(([, name]) => name));
      const ours = named.filter(
        (name = "") => name !== "perennial" && known.includes(name.split(" ")[0] ?? name),
      );
      expect(new Set(ours), readme).toEqual(new Set(commands));
    }
  });

  it("name only options that the command line has", async () => {
    const helps = await Promise.all(["", ...commands].map(help));
    const known = new Set(helps.flatMap((text) => text.match(optionPattern) ?? []));
    const ours = [
      ...top.slice(0, 2),
      ...markdownBelow("docs/operations"),
      "docs/files.md",
      "docs/cluster-file.md",
      "SECURITY.md",
    ];
    for (const document of ours) {
      const unknown = optionsIn(prose(document)).filter((option) => !known.has(option));
      expect(unknown, document).toEqual([]);
    }
  });

  it("name every exit code in the README, and no other", () => {
    for (const readme of ["README.md", "README.zh.md"]) {
      const rows = [...prose(readme).matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
      expect(rows, readme).toEqual(Object.values(exitCodes));
      expect(prose(readme), readme).toMatch(/^\| 130[,、] ?143 \|/m);
    }
  });

  it("say the same in both languages: headings, tables and sessions match in number", () => {
    const shape = (document: string): object => ({
      headings: read(document).match(/^##+ /gm)?.length,
      rows: prose(document).match(/^\|/gm)?.length,
      sessions: [...read(document).matchAll(/^<!-- session: ([a-z-]+?)(?:-zh)? -->$/gm)].map(
        ([, name]) => name,
      ),
    });
    expect(shape("README.zh.md")).toEqual(shape("README.md"));
    expect(shape("docs/cluster-file.zh.md")).toEqual(shape("docs/cluster-file.md"));
    expect(shape("docs/operations/external-ca.zh.md")).toEqual(shape("docs/operations/external-ca.md"));
    expect(shape("docs/operations/renew-one-node.zh.md")).toEqual(shape("docs/operations/renew-one-node.md"));
  });

  it("name no place of the machine they were written on, and no registry", () => {
    const mentions = /\/work\/|\/root\/(?!\.kube)|perennial-(?:demo|sessions|fixtures)-|registry\.|npmjs/;
    expect(documents.filter((document) => mentions.test(read(document)))).toEqual([]);
  });

  it("show sessions that were filled in", () => {
    const empty = documents.filter((document) =>
      /^<!-- session: .* -->\n<!-- \/session -->$/m.test(read(document)),
    );
    expect(empty).toEqual([]);
    expect(read("README.md")).toMatch(/^<!-- session: check -->\n```console\n\$ /m);
  });

  it("show sessions whose commands still exit as they say", () => {
    const result = spawnSync(process.execPath, [join(root, "scripts/sessions.mjs"), "--check"], {
      encoding: "utf8",
      timeout: 900_000,
    });
    expect(result.stderr).toBe("");
    expect(result.stdout).toMatch(/^\d+ sessions hold\n$/);
    expect(result.status).toBe(0);
  }, 900_000);
});
