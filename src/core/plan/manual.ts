// What a plan leaves to people: copies of the renewed certificates that only the API of a cluster holds.
import type { ApiCopy, ManualStep, PlatformFacts } from "../model/platform.ts";
import type { Refusal } from "../model/refusal.ts";
import type { Notice } from "../model/notice.ts";
import type { Facts, SlotFacts } from "../policy/facts.ts";

/**
 * One per object of the API, in the order in which they are to be done. Of several nodes the first one that is renewed gives the pair: any
 * master's serves, they are of one CA.
 */
export function manualSteps(facts: Facts, renewed: readonly SlotFacts[]): readonly ManualStep[] {
  const all = facts.inventory.nodes.flatMap(({ node, platform, apiCopies = [] }) =>
    apiCopies.flatMap((copy): readonly ManualStep[] => {
      const source = renewed.find(({ slot }) => slot.id === copy.source);
      return source && platform ? manualStep(source, { node, platform, copy }) : [];
    }),
  );
  const first = new Map(all.toReversed().map((step) => [step.name, step]));
  return all.filter((step) => first.get(step.name) === step);
}

function manualStep(
  { slot: { holder }, certificate }: SlotFacts,
  {
    node,
    platform: { role, cluster },
    copy,
  }: { readonly node: string; readonly platform: PlatformFacts; readonly copy: ApiCopy },
): readonly ManualStep[] {
  if (holder.form !== "pem" || holder.key === null) return [];
  return [
    {
      kind: "manual",
      id: `${node}/manual/${copy.name}`,
      node,
      ...copy,
      files: { certificate: holder.certificate.path, key: holder.key.path },
      oldSerialHex: certificate.state === "present" ? certificate.value.leaf.serialHex : null,
      role,
      cluster: cluster?.name ?? null,
    },
  ];
}

/** What the platform does by itself, and what of it is left alone; nothing where nothing is renewed. */
export function platformNotices(facts: Facts, renewed: readonly SlotFacts[]): readonly Notice[] {
  if (renewed.length === 0) return [];
  const platforms = facts.inventory.nodes.flatMap(({ platform }) => platform ?? []);
  const [first] = platforms;
  if (first === undefined) return [];
  const paths = [...new Set(platforms.flatMap(({ tokenKubeconfigs }) => tokenKubeconfigs))];
  return [
    { code: "platform-renews", platform: first.id, role: first.role, cluster: first.cluster?.name ?? null },
    ...(paths.length === 0 ? [] : [{ code: "token-kubeconfig-left" as const, platform: first.id, paths }]),
  ];
}

/** The detail is the version that the operator said, or empty; the address the file that shows it, or empty. */
export function platformRefusals(facts: Facts): readonly Refusal[] {
  return facts.inventory.nodes.flatMap(({ node, platform }): readonly Refusal[] => {
    const why = platform?.leftAlone;
    if (platform === undefined || why == null) return [];
    if (why.code === "no-marks")
      return [{ code: "platform-not-here", slot: node, address: "", detail: platform.id }];
    return [{ code: "platform-too-old", slot: node, address: why.path ?? "", detail: why.version ?? "" }];
  });
}
