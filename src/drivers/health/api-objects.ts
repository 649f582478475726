// Lists of the API, page by page, and what is read from objects of which nothing is taken for granted.
import { type AskApi, complaint } from "./api-server.ts";

/** Characters of one answer; a list of pods is some kilobytes each. */
const pageLimit = 16 * 2 ** 20;
const pageSize = 250;
const mostPages = 40;

export type Json = Readonly<Record<string, unknown>>;

/** In pages, so that a cluster of thousands of pods is no burden to its API server. */
export async function listObjects(ask: AskApi, path: string): Promise<readonly Json[]> {
  const items: Json[] = [];
  let next = "";
  for (let page = 0; page < mostPages; page++) {
    const query = `?limit=${pageSize}${next === "" ? "" : `&continue=${encodeURIComponent(next)}`}`;
    const answer = await ask("GET", path + query, undefined, pageLimit);
    if (answer.status !== 200) throw new Error(complaint(`GET ${path}`, answer));
    const body = objectOf(JSON.parse(answer.body));
    items.push(...arrayOf(body["items"]).map(objectOf));
    next = textOf(objectOf(body["metadata"])["continue"]);
    if (next === "") return items;
  }
  throw new Error(`GET ${path} has more than ${mostPages * pageSize} objects`);
}

export function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
