// Extended attributes: SELinux labels, POSIX ACLs, user.*. Node cannot read them, so the usual binaries do, when they are
// there. INPUTS: getfattr or stat. OUTPUTS: setfattr, or chcon and cp. Nothing is started on a machine without SELinux and
// without getfattr; there no labels are read and none are kept.
import { accessSync, constants, existsSync } from "node:fs";
import { basename, delimiter, join } from "node:path";

/** Files are given as open handles: the binaries see them as their descriptors 3 and 4, and cannot be led astray by a name. */
export interface Labels {
  /** Names and base64 values. */
  read(file: number): Readonly<Record<string, string>>;
  copy(from: number, to: number): void;
  write(file: number, xattrs: Readonly<Record<string, string>>): void;
}

/** For machines without labels, and for tests. */
export const noLabels: Labels = {
  read: () => ({}),
  copy: () => undefined,
  write: () => undefined,
};

/** Looks for SELinux and for the binaries, once, when first needed: most commands never need labels. `path` is a PATH; only absolute folders count. */
export function systemLabels(path: string = process.env["PATH"] ?? ""): Labels {
  let found: Labels | null = null;
  const labels = (): Labels => (found ??= findLabels(path));
  return {
    read: (file) => labels().read(file),
    copy: (from, to) => labels().copy(from, to),
    write: (file, xattrs) => labels().write(file, xattrs),
  };
}

function findLabels(path: string): Labels {
  const [getfattr, setfattr] = [find("getfattr", path), find("setfattr", path)];
  if (getfattr !== null && setfattr !== null) return attrLabels(getfattr, setfattr);
  if (!existsSync("/sys/fs/selinux/enforce")) return noLabels;
  const [stat, chcon, cp] = [find("stat", path), find("chcon", path), find("cp", path)];
  return stat === null || chcon === null || cp === null ? noLabels : coreutilsLabels({ stat, chcon, cp });
}

function attrLabels(getfattr: string, setfattr: string): Labels {
  const read = (file: number): Readonly<Record<string, string>> => {
    const args = ["-d", "-m", "-", "-e", "base64", "--absolute-names", "/proc/self/fd/3"];
    return parseGetfattr(start(getfattr, args, [file]));
  };
  const write = (file: number, xattrs: Readonly<Record<string, string>>): void => {
    if (Object.keys(xattrs).length === 0) return;
    const lines = Object.entries(xattrs).map(([name, value]) => `${name}=0s${value}\n`);
    start(setfattr, ["--restore=-"], [file], `# file: /proc/self/fd/3\n${lines.join("")}`);
  };
  return { read, write, copy: (from, to) => write(to, read(from)) };
}

/** SELinux without the attr package, as on minimal installations: the context is what matters there. */
function coreutilsLabels(binaries: {
  readonly stat: string;
  readonly chcon: string;
  readonly cp: string;
}): Labels {
  const selinux = "security.selinux";
  return {
    read(file) {
      const context = start(binaries.stat, ["-L", "-c", "%C", "/proc/self/fd/3"], [file]).trim();
      return context === "" || context === "?"
        ? {}
        : { [selinux]: Buffer.from(`${context}\0`).toString("base64") };
    },
    write(file, xattrs) {
      const value = xattrs[selinux];
      if (value === undefined) return;
      const context = Buffer.from(value, "base64").toString().replace(/\0$/, "");
      start(binaries.chcon, ["--", context, "/proc/self/fd/3"], [file]);
    },
    copy(from, to) {
      const args = [
        "--attributes-only",
        "--preserve=context,xattr",
        "--",
        "/proc/self/fd/3",
        "/proc/self/fd/4",
      ];
      start(binaries.cp, args, [from, to]);
    },
  };
}

/** Lines `name=0sBASE64`; names may hold octal escapes (`\075`), values are base64 because we asked for it. */
export function parseGetfattr(text: string): Readonly<Record<string, string>> {
  const pairs = text.split("\n").flatMap((line) => {
    const match = /^([^#=][^=]*)=0s([A-Za-z0-9+/=]*)$/.exec(line);
    return match ? [[match[1] ?? "", match[2] ?? ""] as const] : [];
  });
  return Object.fromEntries(pairs);
}

function start(command: string, args: readonly string[], files: readonly number[], input = ""): string {
  // Loaded here: it brings node's network code with it, and most commands start no process.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const result = spawnSync(command, args, {
    stdio: ["pipe", "pipe", "pipe", ...files],
    input,
    encoding: "utf8",
    timeout: 10_000,
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
  });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    throw Object.assign(new Error(result.stderr.trim()), {
      code: `${basename(command)}-failed`,
      syscall: command,
    });
  }
  return result.stdout;
}

function find(name: string, path: string): string | null {
  const folders = path.split(delimiter).filter((folder) => folder.startsWith("/"));
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
