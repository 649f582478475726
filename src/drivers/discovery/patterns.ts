// Paths with one `*` in a component, as profiles write them: `/home/*/.kube/config`, `/etc/kubernetes/*.conf`.
import { fileAddress } from "../../core/model/address.ts";
import { escapeForeignBytes, hasForeignBytes } from "../../core/model/foreign-bytes.ts";
import { type Discovery, pathIn } from "./context.ts";

/** Existing or not: a path without `*` comes back as it is; one with it gives what the directory lists, dot files left out. */
export async function expandPattern(discovery: Discovery, template: string): Promise<readonly string[]> {
  const pattern = pathIn(discovery, template);
  const components = pattern.split("/");
  const index = components.findIndex((component) => component.includes("*"));
  if (index < 0) return [pattern];
  const directory = components.slice(0, index).join("/");
  const listed = await discovery.view.list(directory);
  if (listed === null) return [];
  if ("unreadable" in listed) {
    noteOnce(discovery, "home-unreadable", { path: directory, detail: listed.unreadable });
    return [];
  }
  const [before = "", after = ""] = (components[index] ?? "").split("*");
  const rest = components.slice(index + 1);
  const fitting = listed.filter(
    (name) => !name.startsWith(".") && name.startsWith(before) && name.endsWith(after),
  );
  for (const name of fitting.filter(hasForeignBytes))
    noteName(discovery, [directory, name, ...rest].join("/"));
  return fitting.filter((name) => !hasForeignBytes(name)).map((name) => [directory, name, ...rest].join("/"));
}

/** Such a file is never opened: its name as text leads nowhere, or to another file. */
function noteName(discovery: Discovery, path: string): void {
  const shown = escapeForeignBytes(path);
  noteOnce(discovery, "name-not-utf8", { path: shown, detail: shown });
}

/** However many patterns look there. */
function noteOnce(
  { notes, view }: Discovery,
  code: "home-unreadable" | "name-not-utf8",
  { path, detail }: { readonly path: string; readonly detail: string },
): void {
  const isKnown = notes.some((note) => note.code === code && note.address.path === path);
  if (!isKnown) notes.push({ code, address: fileAddress(view.node, path), detail });
}
