// Extended attributes: SELinux labels, POSIX ACLs, user.*. Node cannot read them, so the usual binaries do, when they are
// there. INPUTS: getfattr or stat. OUTPUTS: setfattr, or chcon and cp. Nothing is started on a machine without SELinux and
// without getfattr; there no labels are read and none are kept.
import { accessSync, closeSync, constants, existsSync, fstatSync } from "node:fs";
import { basename, delimiter, join } from "node:path";

/** Files are given as open handles: the binaries see them as their descriptors 3 and 4, and cannot be led astray by a name. */
export interface Labels {
  /** Names and base64 values. */
  read(file: number): Readonly<Record<string, string>>;
  copy(from: number, to: number): void;
  write(file: number, xattrs: Readonly<Record<string, string>>): void;
  /** Several files with one process; absent where the binary cannot. In the order given. */
  readMany?(files: readonly number[]): readonly Readonly<Record<string, string>>[];
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
    readMany: (files) => labels().readMany?.(files) ?? files.map((file) => labels().read(file)),
  };
}

export interface RememberingLabels extends Labels {
  read(file: number, openOthers?: () => readonly number[]): Readonly<Record<string, string>>;
}

/**
 * Labels with a memory: a process per file is most of what a renewal costs. Labels are remembered by inode and change time (a
 * change of labels changes that), and `openOthers` names files that will be asked for next: their labels come in the same process.
 */
export function rememberingLabels(labels: Labels): RememberingLabels {
  const known = new Map<string, Readonly<Record<string, string>>>();
  function read(file: number, openOthers?: () => readonly number[]): Readonly<Record<string, string>> {
    const key = identityOf(file);
    const remembered = known.get(key);
    if (remembered) return remembered;
    const others = labels.readMany ? (openOthers?.() ?? []) : [];
    try {
      const files = [file, ...others];
      const found = labels.readMany && others.length > 0 ? labels.readMany(files) : [labels.read(file)];
      for (const [index, xattrs] of found.entries()) known.set(identityOf(files[index] ?? file), xattrs);
      return found[0] ?? {};
    } finally {
      for (const other of others) closeSync(other);
    }
  }
  return {
    ...labels,
    read,
    // Known to have none: nothing to copy and no process to start.
    copy: (from, to) => {
      if (Object.keys(known.get(identityOf(from)) ?? { unknown: "" }).length > 0) labels.copy(from, to);
    },
  };
}

function identityOf(file: number): string {
  const { dev, ino, ctimeNs } = fstatSync(file, { bigint: true });
  return `${dev}:${ino}:${ctimeNs}`;
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
  const readMany = (files: readonly number[]): readonly Readonly<Record<string, string>>[] => {
    const paths = files.map((_, index) => `/proc/self/fd/${index + 3}`);
    const args = ["-d", "-m", "-", "-e", "base64", "--absolute-names", ...paths];
    const sections = start(getfattr, args, files).split(/^# file: /m);
    return paths.map((path) =>
      parseGetfattr(sections.find((section) => section.startsWith(`${path}\n`)) ?? ""),
    );
  };
  return { read, write, readMany, copy: (from, to) => write(to, read(from)) };
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
