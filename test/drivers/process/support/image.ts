// An image archive with nothing but busybox, as `docker load` and `ctr images import` take it.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export const imageName = "localhost/perennial-test:1";

/** Ends at SIGTERM like a good server. */
export const politeLine = "trap 'exit 0' TERM INT; while :; do sleep 1 & wait $!; done";
/** As a server that hangs. */
export const deafLine = "trap '' TERM; while :; do sleep 1; done";

export function command(line: string): readonly string[] {
  return ["/bin/busybox", "sh", "-c", line];
}

/** Writes the archive into `folder`; its path. Busybox comes with the libraries that it is linked to. */
export function buildImage(folder: string, busybox: string): string {
  const tree = join(folder, "tree");
  const copy = (from: string, to: string): void => {
    mkdirSync(dirname(join(tree, to)), { recursive: true });
    copyFileSync(from, join(tree, to));
  };
  copy(busybox, "bin/busybox");
  for (const library of librariesOf(busybox)) copy(library, library);
  for (const applet of ["sh", "sleep"]) copy(busybox, `bin/${applet}`);
  mkdirSync(join(tree, "tmp"));
  const layer = join(folder, "layer.tar");
  execFileSync("tar", ["-cf", layer, "-C", tree, "."]);
  const digest = createHash("sha256").update(readFileSync(layer)).digest("hex");
  const config = {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: { Env: ["PATH=/bin"], Cmd: command(politeLine) },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
    history: [{ created_by: "test" }],
  };
  const manifest = [{ Config: "config.json", RepoTags: [imageName], Layers: ["layer.tar"] }];
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  const archive = join(folder, "image.tar");
  execFileSync("tar", ["-cf", archive, "-C", folder, "config.json", "layer.tar", "manifest.json"]);
  return archive;
}

function librariesOf(program: string): readonly string[] {
  try {
    const output = execFileSync("ldd", [program], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return [...output.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? "");
  } catch {
    // Linked statically.
    return [];
  }
}
