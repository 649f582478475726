// Paths with one `*` in a component, as profiles write them: `/home/*/.kube/config`, `/etc/kubernetes/*.conf`.
import { fileAddress } from "../../core/model/address.ts";
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
    const address = fileAddress(discovery.view.node, directory);
    discovery.notes.push({ code: "home-unreadable", address, detail: listed.unreadable });
    return [];
  }
  const [before = "", after = ""] = (components[index] ?? "").split("*");
  const rest = components.slice(index + 1);
  return listed
    .filter((name) => !name.startsWith(".") && name.startsWith(before) && name.endsWith(after))
    .map((name) => [directory, name, ...rest].join("/"));
}
