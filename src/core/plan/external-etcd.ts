// What a plan cannot see of an etcd that runs on none of its nodes.
import type { Notice } from "../model/notice.ts";
import type { Facts, SlotFacts } from "../policy/facts.ts";

/** Nothing when the members' nodes are part of the plan, or nothing is renewed. */
export function externalEtcdNotices(facts: Facts, renewed: readonly SlotFacts[]): readonly Notice[] {
  const { nodes } = facts.inventory;
  if (renewed.length === 0 || nodes.some(({ consumers }) => consumers.some(({ name }) => name === "etcd")))
    return [];
  const servers = nodes.flatMap(({ notes }) =>
    notes.flatMap(({ code, detail }) => (code === "external-etcd" ? detail.split(",") : [])),
  );
  return servers.length === 0 ? [] : [{ code: "etcd-not-in-plan", servers: [...new Set(servers)] }];
}
