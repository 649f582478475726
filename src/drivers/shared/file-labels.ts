// Extended attributes: SELinux labels, POSIX ACLs, user.*. Node cannot read them, so the usual binaries do, when they are
// there. INPUTS: getfattr or stat. OUTPUTS: setfattr, or chcon and cp. Nothing is started on a machine without SELinux and
// without getfattr; there no labels are read and none are kept.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

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

/** Looks once for SELinux and for the binaries. `path` is a PATH; only absolute folders count. */
export function systemLabels(path: string = process.env["PATH"] ?? ""): Labels {
  const has = (name: string): boolean => path.split(delimiter).some((folder) => isExecutable(folder, name));
  if (has("getfattr") && has("setfattr")) return attrLabels();
  return existsSync("/sys/fs/selinux/enforce") ? coreutilsLabels() : noLabels;
}

function attrLabels(): Labels {
  return { read: getAttributes, write: setAttributes, copy: (from, to) => setAttributes(to, getAttributes(from)) };
}

function getAttributes(file: number): Readonly<Record<string, string>> {
  const args = ["-d", "-m", "-", "-e", "base64", "--absolute-names", "/proc/self/fd/3"];
  return parseGetfattr(start("getfattr", args, [file]));
}

function setAttributes(file: number, xattrs: Readonly<Record<string, string>>): void {
  if (Object.keys(xattrs).length === 0) return;
  const lines = Object.entries(xattrs).map(([name, value]) => `${name}=0s${value}\n`);
  start("setfattr", ["--restore=-"], [file], `# file: /proc/self/fd/3\n${lines.join("")}`);
}

function coreutilsLabels(): Labels {
  const selinux = "security.selinux";
  return {
    read(file) {
      const context = start("stat", ["-L", "-c", "%C", "/proc/self/fd/3"], [file]).trim();
      return context === "" || context === "?"
        ? {}
        : { [selinux]: Buffer.from(`${context}\0`).toString("base64") };
    },
    write(file, xattrs) {
      const value = xattrs[selinux];
      if (value === undefined) return;
      const context = Buffer.from(value, "base64").toString().replace(/\0$/, "");
      start("chcon", ["--", context, "/proc/self/fd/3"], [file]);
    },
    copy(from, to) {
      const args = [
        "--attributes-only",
        "--preserve=context,xattr",
        "--",
        "/proc/self/fd/3",
        "/proc/self/fd/4",
      ];
      start("cp", args, [from, to]);
    },
  };
}

/** Lines `name=0sBASE64`; names may hold octal escapes (`\075`), values are base64 because we asked for it. */
export function parseGetfattr(text: string): Readonly<Record<string, string>> {
  const pairs = text.split("\n").flatMap((line) => {
    const match = /^([^#=][^=]*)=(?:0s([A-Za-z0-9+/=]*))?$/.exec(line);
    return match ? [[match[1] ?? "", match[2] ?? ""] as const] : [];
  });
  return Object.fromEntries(pairs);
}

function start(command: string, args: readonly string[], files: readonly number[], input = ""): string {
  const result = spawnSync(command, args, {
    stdio: ["pipe", "pipe", "pipe", ...files],
    input,
    encoding: "utf8",
    timeout: 10_000,
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
  });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    throw Object.assign(new Error(result.stderr.trim()), { code: `${command}-failed`, syscall: command });
  }
  return result.stdout;
}

function isExecutable(folder: string, name: string): boolean {
  if (!folder.startsWith("/")) return false;
  try {
    accessSync(join(folder, name), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
