// Reads every import of src/ and holds it against the direction given in the architecture, section 2.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const src = resolve(import.meta.dirname, "../src");
const core = ["model", "pki", "kubeconfig", "profile", "policy", "plan"];

/** Packages a folder may import besides its own code; everything else from outside is an offence. */
const packages: Record<string, readonly string[]> = {
  core: ["node:crypto", "node:buffer", "yaml", "valibot"],
  engine: [],
  report: ["node:util"],
};

function sources(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  });
}

function importsOf(path: string): string[] {
  const text = readFileSync(path, "utf8");
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|(?:^|\n)import\s*["']([^"']+)["']/g;
  return [...text.matchAll(pattern)].map((m) => m[1] ?? m[2] ?? m[3] ?? "");
}

/** The folder names below src/ of a source file: ["core", "pki"], ["engine"], ["drivers", "store"]. */
function place(path: string): readonly string[] {
  return relative(src, dirname(path)).split("/");
}

function isAllowed(from: readonly string[], to: readonly string[], target: string): boolean {
  const [a, b] = [from[0], to[0]];
  if (a === "core") {
    if (b !== "core") return false;
    return core.indexOf(to[1] ?? "") <= core.indexOf(from[1] ?? "") && core.includes(to[1] ?? "");
  }
  if (a === "engine") return b === "core" || b === "engine";
  if (a === "report") return b === "core" || b === "report";
  if (a === "drivers") {
    if (b === "core") return true;
    if (b === "engine") return /\/ports(\.ts|\/)/.test(target) || target.endsWith("failpoints.ts");
    if (b !== "drivers") return false;
    return to[1] === "shared" || from.join("/") === to.join("/");
  }
  if (a === "app") return ["core", "engine", "drivers", "report", "app"].includes(b ?? "");
  // One command of the line is the lab's.
  if (a === "cli" && b === "lab") return from.join("/") === "cli/commands";
  if (a === "cli" || a === "daemon") return ["app", "report", "core", a].includes(b ?? "");
  // Its stand-ins speak gRPC and read /proc as the drivers do.
  if (a === "lab" && b === "drivers") return to[1] === "shared";
  if (a === "lab") return ["app", "report", "core", "lab"].includes(b ?? "");
  return false;
}

describe("the direction of imports", () => {
  const files = sources(src);

  it("finds the sources it is meant to judge", () => {
    expect(files.length).toBeGreaterThan(5);
  });

  it("is kept by every source file", () => {
    const offences = files.flatMap((file) =>
      importsOf(file).flatMap((name) => {
        const from = place(file);
        if (!name.startsWith(".")) {
          const allowed = packages[from[0] ?? ""];
          if (!allowed || allowed.includes(name)) return [];
          return [`${relative(src, file)} imports package ${name}`];
        }
        const target = resolve(dirname(file), name);
        if (!target.startsWith(src)) {
          return /profiles\/|package\.json$/.test(target)
            ? []
            : [`${relative(src, file)} leaves src for ${name}`];
        }
        return isAllowed(from, place(target), target) ? [] : [`${relative(src, file)} imports ${name}`];
      }),
    );
    expect(offences).toEqual([]);
  });

  it("keeps clocks and randomness out of core and engine", () => {
    const offences = files
      .filter((file) => ["core", "engine"].includes(place(file)[0] ?? ""))
      .flatMap((file) =>
        readFileSync(file, "utf8")
          .split("\n")
          .map((line) => line.replace(/\/\/.*$|^\s*\*.*$/, ""))
          .flatMap((line, index) =>
            /\bDate\.now\(|new Date\(\)|Math\.random\(|randomBytes|performance\.now|process\./.test(line)
              ? [`${relative(src, file)}:${index + 1}`]
              : [],
          ),
      );
    expect(offences).toEqual([]);
  });
});
